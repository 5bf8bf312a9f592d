"""Neutron: API and plugins. There is no agent, so its message servers are not started."""

import os
from pathlib import Path


def start(cloud, gate, mark):
    os.environ["OS_NEUTRON_CONFIG_DIR"] = str(cloud.etc)
    os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf"
    from neutron import server
    from neutron.common import config

    server._init_configuration()
    mark("imported")
    if not cloud.has_database("neutron"):
        cloud.begin_database("neutron")
        _create_tables()
        _create_default_rules()
        cloud.end_database("neutron")
        mark("tables created")
    application = config.load_paste_app("neutron")
    _announce_process()
    gate.application = application


def _create_tables():
    """From the models: Neutron's migrations alter constraints, which SQLite cannot. Then note the heads."""
    import neutron.db.migration
    import sqlalchemy
    from neutron.db.migration.models import head
    from neutron_lib.db import api

    engine = api.CONTEXT_WRITER.get_engine()
    head.get_metadata().create_all(engine)
    versions = Path(neutron.db.migration.__file__).parent / "alembic_migrations" / "versions"
    heads = [
        line
        for name in ("EXPAND_HEAD", "CONTRACT_HEAD")
        if (versions / name).exists()
        for line in (versions / name).read_text().split()
    ]
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
            )
        )
        for version in heads:
            connection.execute(
                sqlalchemy.text("INSERT INTO alembic_version VALUES (:head)"), {"head": version}
            )


def _create_default_rules():
    """The rules that new security groups start with: rows since 2023.2, filled in by a migration."""
    try:
        from neutron.objects.securitygroup_default_rules import SecurityGroupDefaultRule
    except ImportError:  # older releases have them in their code
        return
    from neutron_lib import context

    admin = context.get_admin_context()
    for ethertype in ("IPv4", "IPv6"):
        for direction, group, everywhere in (("egress", None, True), ("ingress", "PARENT", False)):
            SecurityGroupDefaultRule(
                admin,
                direction=direction,
                ethertype=ethertype,
                remote_group_id=group,
                used_in_default_sg=True,
                used_in_non_default_sg=everywhere,
            ).create()


def _announce_process():
    """What Neutron's own launcher would: plugins wait for it to start their workers."""
    from neutron_lib.callbacks import events, registry, resources

    try:
        from neutron.wsgi import WorkerService
    except ImportError:  # moved when Neutron left eventlet
        from neutron.api.wsgi import WorkerService
    registry.publish(resources.PROCESS, events.BEFORE_SPAWN, WorkerService)
    registry.publish(resources.PROCESS, events.AFTER_INIT, WorkerService)
