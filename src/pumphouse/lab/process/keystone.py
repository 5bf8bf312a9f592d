"""Keystone: tables, keys, roles, the service catalogue and the services' own user."""

import os
import uuid


def start(cloud, gate, mark):
    import keystone.server
    from keystone.server.flask import core

    configuration = str(cloud.etc / "keystone.conf")
    keystone.server.configure(config_files=[configuration])
    mark("imported")
    if not cloud.has_database("keystone"):
        cloud.begin_database("keystone")
        _create_keys()
        _create_tables()
        mark("tables created")
        _watch_references()
        _bootstrap(cloud)
        cloud.end_database("keystone")
        mark("bootstrapped")
    _watch_references()
    keystone.server.configure = lambda **_: None  # the application would configure again, which is refused
    gate.application = core.initialize_application("public", config_files=[configuration])


def _create_keys():
    import keystone.conf
    from keystone.common import fernet_utils
    from keystone.credential.providers import fernet

    conf = keystone.conf.CONF
    for repository, count, group in (
        (conf.fernet_tokens.key_repository, conf.fernet_tokens.max_active_keys, "fernet_tokens"),
        (conf.credential.key_repository, fernet.MAX_ACTIVE_KEYS, "credential"),
    ):
        os.makedirs(repository, mode=0o700, exist_ok=True)
        utils = fernet_utils.FernetUtils(repository, count, group)
        if utils.validate_key_repository(requires_write=True) and not os.listdir(repository):
            utils.initialize_key_repository()


def _create_tables():
    from keystone.common.sql import upgrades

    upgrades.offline_sync_database_to_version()


def _watch_references():
    """Keystone counts on its database to delete what refers to a deleted row; SQLite does so when it is told to.

    Not before the tables are there: migrations replace some of them, and what refers to those would go too.
    """
    from keystone.common import sql

    sql.cleanup()  # connections made from now on are told
    sql.enable_sqlite_foreign_key()


def _bootstrap(cloud):
    from keystone.cmd import bootstrap
    from keystone.common.provider_api import ProviderAPIs

    maker = bootstrap.Bootstrapper()
    maker.admin_username, maker.admin_password = "admin", cloud.password
    maker.project_name = maker.admin_role_name = "admin"
    maker.service_name, maker.region_id = "keystone", cloud.region
    maker.admin_url = maker.public_url = maker.internal_url = cloud.endpoints["identity"][1]
    maker.immutable_roles = True
    maker.bootstrap()
    _fill_catalogue(cloud, ProviderAPIs)
    _create_service_user(cloud, ProviderAPIs)
    ProviderAPIs._clear_registry_instances()  # the application registers its own


def _fill_catalogue(cloud, apis):
    for kind, (name, url) in cloud.endpoints.items():
        if kind == "identity":
            continue
        service = uuid.uuid4().hex
        apis.catalog_api.create_service(service, {"id": service, "type": kind, "name": name, "enabled": True})
        for interface in ("public", "internal", "admin"):
            endpoint = uuid.uuid4().hex
            apis.catalog_api.create_endpoint(
                endpoint,
                {
                    "id": endpoint,
                    "service_id": service,
                    "interface": interface,
                    "url": url,
                    "region_id": cloud.region,
                    "enabled": True,
                },
            )


def _create_service_user(cloud, apis):
    """The services' user needs ``admin``, and ``service`` too, which new Neutrons ask for port bindings."""
    project = uuid.uuid4().hex
    apis.resource_api.create_project(
        project, {"id": project, "name": "service", "domain_id": "default", "enabled": True}
    )
    roles = {role["name"]: role["id"] for role in apis.role_api.list_roles()}
    if "service" not in roles:  # bootstrapped by Keystone itself from 2023.1 on
        roles["service"] = uuid.uuid4().hex
        apis.role_api.create_role(
            roles["service"],
            {
                "id": roles["service"],
                "name": "service",
                "domain_id": None,
                "description": None,
                "options": {},
            },
        )
    user = apis.identity_api.create_user(
        {
            "name": "services",
            "password": cloud.password,
            "domain_id": "default",
            "enabled": True,
            "options": {},
        }
    )
    for role in ("admin", "service"):
        apis.assignment_api.add_role_to_user_and_project(user["id"], project, roles[role])
