"""Glance: tables and metadata definitions."""

import inspect
import os
import sys


def start(cloud, gate, mark):
    os.environ["OS_GLANCE_CONFIG_DIR"] = str(cloud.etc)
    from glance.common import wsgi_app

    mark("imported")
    if not cloud.has_database("glance"):
        cloud.begin_database("glance")
        _create_tables(cloud)
        mark("tables created")
        _load_definitions()
        cloud.end_database("glance")
        mark("metadata definitions loaded")
    gate.application = wsgi_app.init_app()


def _create_tables(cloud):
    from glance.cmd import manage
    from oslo_config import cfg

    cfg.CONF([], project="glance", default_config_files=[str(cloud.etc / "glance-api.conf")])
    manage.USE_TRIGGERS = False  # MySQL's only
    try:
        manage.DbCommands().sync()
    except SystemExit as ended:
        if ended.code:
            raise


def _load_definitions():
    from glance.db.sqlalchemy import api, metadata

    load = metadata.db_load_metadefs
    engine = [api.get_engine()] if "engine" in str(inspect.signature(load)) else []
    load(*engine, f"{sys.prefix}/etc/glance/metadefs")
    from oslo_config import cfg

    cfg.CONF.reset()
