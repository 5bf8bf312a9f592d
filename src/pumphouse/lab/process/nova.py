"""Nova: API, conductor, scheduler and every compute host, in one process."""

import contextlib
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import uuid

from pumphouse.lab.process import adjustments
from pumphouse.lab.process.computes import Computes, launch

SERVICES = []
FLAVORS = (
    # name, memory MiB, disk GiB, processors
    ("lab.tiny", 64, 1, 1),
    ("lab.small", 512, 2, 1),
    ("lab.medium", 2048, 5, 2),
    ("lab.large", 4096, 10, 4),
)


def start(cloud, gate, mark):
    conf = _configure(cloud)
    mark("imported")
    from nova import context, objects

    administrator = context.get_admin_context()
    first = not cloud.has_database("nova")
    if first:
        cloud.begin_database("nova")
        _create_tables(cloud, conf, administrator)
        mark("tables created")
    objects.Service.enable_min_version_cache()
    _adjust(cloud, conf)
    _wait_for(cloud, "identity", "placement")
    for each in _services():
        launch(each)
        SERVICES.append(each)
        mark(f"started {each.binary} {each.host}")
    computes = Computes(cloud)
    for host in computes.begin():
        mark(f"started nova-compute {host}")
    if first:
        from nova.objects import host_mapping

        host_mapping.discover_hosts(administrator)
        _create_flavors(administrator)
        cloud.end_database("nova")
        mark("hosts discovered")
    gate.control = computes.control
    gate.application = _application(cloud, conf)


def _configure(cloud):
    os.environ["OS_NOVA_CONFIG_DIR"] = str(cloud.etc)
    os.environ["OS_NOVA_CONFIG_FILES"] = "nova-api-paste.ini;nova.conf"
    import nova.conf
    from nova import config, objects
    from oslo_log import log

    objects.register_all()
    config.parse_args(["nova", "--config-file", str(cloud.etc / "nova.conf")])
    log.setup(nova.conf.CONF, "nova")
    sys.argv = ["nova-api-os-compute"]
    import nova.api.openstack.compute
    import nova.compute.manager
    import nova.conductor.manager
    import nova.scheduler.manager  # (imports take seconds: pay for them before the mark)

    return nova.conf.CONF


def _create_tables(cloud, conf, administrator):
    from nova import objects
    from nova.db import migration

    migration.db_sync(database="api")
    migration.db_sync()
    # cell0 has the same schema: copying the file saves running the migrations again
    cell0 = cloud.database("nova_cell0")
    with contextlib.closing(sqlite3.connect(str(cloud.database("nova")))) as origin:
        origin.execute("VACUUM INTO ?", (str(cell0),))
    objects.CellMapping(
        administrator,
        uuid=objects.CellMapping.CELL0_UUID,
        name="cell0",
        transport_url="none:///",
        database_connection=f"sqlite:///{cell0}",
    ).create()
    objects.CellMapping(
        administrator,
        uuid=str(uuid.uuid4()),
        name="cell1",
        transport_url="fake://",
        database_connection=conf.database.connection,
    ).create()


def _adjust(cloud, conf):
    import os_brick
    import os_vif

    adjustments.no_privileged_daemon()
    if hasattr(os_brick, "setup"):  # from os-brick 6.1
        os_brick.setup(conf)
    os_vif.initialize()
    adjustments.nova_finds_the_driver(cloud.capacity)
    adjustments.nova_detaches_on_its_own_host()


def _wait_for(cloud, *kinds, seconds=120):
    """Compute hosts register in Placement while they start: it and Keystone must answer first."""
    deadline = time.monotonic() + seconds
    for kind in kinds:
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(cloud.endpoints[kind][1], timeout=5)
                break
            except urllib.error.HTTPError as answer:
                if answer.code != 503:
                    break
            except OSError:
                pass
            time.sleep(0.1)


def _services():
    from nova import service
    from nova.conductor import rpcapi as conductor
    from nova.scheduler import rpcapi as scheduler

    yield service.Service.create(binary="nova-conductor", topic=conductor.RPC_TOPIC)
    yield service.Service.create(binary="nova-scheduler", topic=scheduler.RPC_TOPIC)


def _create_flavors(administrator):
    from nova import objects

    for number, (name, memory, disk, processors) in enumerate(FLAVORS, start=1):
        objects.Flavor(
            context=administrator,
            name=name,
            flavorid=str(number),
            memory_mb=memory,
            root_gb=disk,
            vcpus=processors,
            ephemeral_gb=0,
            swap=0,
            rxtx_factor=1.0,
            vcpu_weight=0,
            is_public=True,
            disabled=False,
            extra_specs={},
        ).create()


def _application(cloud, conf):
    """The API's own start would parse the configuration again, which is refused: load its pipeline."""
    from nova.api.openstack import wsgi_app
    from paste import deploy

    wsgi_app._setup_service(conf.host, "osapi_compute")
    return deploy.loadapp(f"config:{cloud.etc}/nova-api-paste.ini", name="osapi_compute")
