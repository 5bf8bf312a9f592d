"""Cinder: API, scheduler and one volume service per backend, in one process."""

import sys

from pumphouse.lab.process import adjustments

SERVICES = []


def start(cloud, gate, mark):
    from cinder import objects

    objects.register_all()
    import cinder.scheduler.manager
    import cinder.volume.manager  # noqa: F401  (register the options the configuration file sets)
    from cinder import coordination, rpc, version
    from cinder.common import config
    from oslo_config import cfg
    from oslo_log import log
    from oslo_service import wsgi

    conf = cfg.CONF
    conf(sys.argv[1:], project="cinder", version=version.version_string())
    log.setup(conf, "cinder")
    config.set_middleware_defaults()
    mark("imported")
    first = not cloud.has_database("cinder")
    if first:
        cloud.begin_database("cinder")
        _create_tables(cloud)
        cloud.end_database("cinder")
        mark("tables created")
    _adjust(conf)
    coordination.COORDINATOR.start()
    rpc.init(conf)
    for each in _services(conf):
        each.start()
        each.report_state()  # or it counts as down until the first report is due
        SERVICES.append(each)
        mark(f"started {each.binary} {each.host}")
    gate.application = wsgi.Loader(conf).load_app(name="osapi_volume")


def _adjust(conf):
    import os_brick

    if hasattr(os_brick, "setup"):  # from os-brick 6.1
        os_brick.setup(conf)
    adjustments.no_privileged_daemon()
    adjustments.cinder_copies_sparse_files()
    adjustments.cinder_reports_each_service()


def _services(conf):
    from cinder import service
    from cinder.common import constants
    from oslo_config import cfg

    yield service.Service.create(
        binary="cinder-scheduler",
        topic=constants.SCHEDULER_TOPIC,
        manager=conf.scheduler_manager,
        host=conf.host,
    )
    for backend in conf.enabled_backends:
        conf.register_opt(cfg.StrOpt("backend_host"), group=backend)  # as cinder-volume's command does
        yield service.Service.create(
            binary="cinder-volume",
            topic=constants.VOLUME_TOPIC,
            manager=conf.volume_manager,
            host=f"{conf.host}@{backend}",
            service_name=backend,
        )


def _create_tables(cloud):
    from cinder import context
    from cinder.db import migration
    from cinder.volume import volume_types

    migration.db_sync()
    for name in cloud.volume_types:
        volume_types.create(context.get_admin_context(), name, {"volume_backend_name": name})
