"""Every change made at run time to released code, with its reason and the releases it concerns.

Nothing else alters what the packages brought. Three wishes cause all of them: SQLite for a
database, one process per service without a message queue, and several hosts in one process.
"""

import contextlib
import importlib
import os
import sqlite3
import sys
import threading
import time


def choose_threads(service, green):
    """Native threads where the release can, eventlet's where it must; before anything else is imported.

    All releases: each service has a switch or a patching function of its own.
    """
    if service in ("nova", "cinder"):
        os.environ[f"OS_{service.upper()}_DISABLE_EVENTLET_PATCHING"] = "" if green else "true"
    if not green:
        with contextlib.suppress(ImportError):
            if service == "nova":
                importlib.import_module("nova.monkey_patch").patch(backend="threading")
            elif service == "cinder":
                importlib.import_module("cinder.monkey_patch").patch()
        return
    import eventlet

    eventlet.monkey_patch()
    # Nova before Victoria changes to a hub of oslo.service's: what waits on the old one is never woken.
    use_hub = eventlet.hubs.use_hub
    eventlet.hubs.use_hub = lambda hub=None: None if hub == "oslo_service:service_hub" else use_hub(hub)
    # Eventlet on Python 3.7 and newer leaves two tables of threads: make them one.
    # https://github.com/eventlet/eventlet/issues/592
    import __original_module_threading

    __original_module_threading.current_thread.__globals__["_active"] = threading._active


def before_imports(cloud):
    """What holds for all services of all releases."""
    read_own_configuration_only(cloud.etc)
    sqlite_for_many_writers()
    wake_in_process_listeners()
    load_schemas()


def load_schemas():
    """Zed and 2023.1 (jsonschema 4 before 4.18): it fills a list of schemas at the first use of it.

    A second thread that finds the list half full looks for the rest on the network, and its request fails.
    """
    with contextlib.suppress(ImportError, AttributeError):
        importlib.import_module("jsonschema.validators")._store_schema_list()


def read_own_configuration_only(etc):
    """All releases: oslo falls back on ~/.SERVICE and /etc/SERVICE, for policy directories too.

    An OpenStack installed on the machine would otherwise change the lab.
    """
    from oslo_config import cfg

    cfg._get_config_dirs = lambda project=None: [str(etc)]


def sqlite_for_many_writers():
    """All releases: no transaction of SQLite's own begins before its first write.

    oslo.db begins a deferred transaction each time. One that reads and then writes fails at once
    with "database is locked" when another wrote in between, whatever the busy timeout. Here reads run
    outside of transactions, and the first write begins an immediate one, waiting for its turn.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    keep_sqlite_connections()
    event.listen(Engine, "connect", _prepare_connection)
    event.listen(Engine, "begin", _hold_back_begin)
    event.listen(Engine, "before_cursor_execute", _begin_at_first_write)


def keep_sqlite_connections():
    """All releases: oslo.db opens a SQLite file anew for each transaction; keep it open instead.

    Each opening reads the schema of up to 200 tables: a request to Nova took a third more work.
    """
    import sqlalchemy
    from sqlalchemy import pool

    create_engine = sqlalchemy.create_engine

    def create_engine_with_pool(url, **options):
        if str(url).startswith("sqlite:///"):
            options["poolclass"] = pool.QueuePool
            options["pool_size"], options["max_overflow"] = 10, -1
            options["connect_args"] = {**options.get("connect_args", {}), "check_same_thread": False}
        return create_engine(url, **options)

    sqlalchemy.create_engine = create_engine_with_pool


READING = ("SELECT", "PRAGMA", "WITH", "BEGIN", "EXPLAIN", "RELEASE", "ROLLBAC", "COMMIT")
WRITE_LOCK_WAIT = 60


def _prepare_connection(connection, _record):
    if not isinstance(connection, sqlite3.Connection):
        return
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30")
    _until_unlocked(lambda: cursor.execute("PRAGMA journal_mode=WAL"))
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.execute("PRAGMA cache_size=-4000")
    cursor.close()


def _hold_back_begin(connection):
    if connection.dialect.name == "sqlite":
        connection.info["in_transaction"] = True  # oslo.db's mark that it has emitted BEGIN


def _begin_at_first_write(connection, cursor, statement, _parameters, _context, _many):
    if connection.dialect.name != "sqlite" or statement.lstrip()[:7].upper().startswith(READING):
        return
    pooled = connection.connection
    # called dbapi_connection from SQLAlchemy 1.4.24 on
    plain = getattr(pooled, "dbapi_connection", None) or pooled.connection
    if not plain.in_transaction:
        _until_unlocked(lambda: cursor.execute("BEGIN IMMEDIATE"))
        # What another connection did to the schema is noticed by reading it: else "index exists", when it has gone.
        cursor.execute("SELECT 1 FROM sqlite_master").fetchall()


def _until_unlocked(action):
    """Retry with short sleeps: SQLite's own waiting would block all green threads of the process."""
    deadline = time.monotonic() + WRITE_LOCK_WAIT
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def wake_in_process_listeners():
    """All releases: the in-process transport looks for messages every 50 ms; wake it when one comes.

    Idle processors go from 20 looks a second per listener to one, and calls do not wait.
    """
    from oslo_messaging._drivers import base, impl_fake

    delivered = threading.Condition()
    count = 0
    deliver_message = impl_fake.FakeExchange.deliver_message

    def deliver_and_wake(self, *args, **kwargs):
        nonlocal count
        deliver_message(self, *args, **kwargs)
        with delivered:
            count += 1
            delivered.notify_all()

    @base.batch_poll_helper
    def poll(self, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._stopped.is_set():
            seen = count
            for target in self._targets:
                exchange = self._exchange_manager.get_exchange(target.exchange)
                context, message, reply, requeue = exchange.poll(target, self._pool)
                if message is not None:
                    return impl_fake.FakeIncomingMessage(context, message, reply, requeue)
            left = 1.0 if deadline is None else min(1.0, deadline - time.monotonic())
            if left <= 0:
                return None
            with delivered:
                if count == seen:
                    delivered.wait(left)
        return None

    impl_fake.FakeExchange.deliver_message = deliver_and_wake
    impl_fake.FakeListener.poll = poll


def no_privileged_daemon():
    """All releases of Nova and Cinder: run privileged functions here, as this user, without sudo."""
    for module, context in (
        ("os_brick.privileged", "default"),
        ("cinder.privsep", "sys_admin_pctxt"),
        ("nova.privsep", "sys_admin_pctxt"),
        ("vif_plug_ovs.privsep", "vif_plug"),
    ):
        with contextlib.suppress(ImportError):
            getattr(importlib.import_module(module), context).set_client_mode(False)


def cinder_copies_sparse_files():
    """All releases of Cinder: retype and migration copy with `dd`; copy here, and keep the holes."""
    from cinder.volume import volume_utils

    from pumphouse.lab.drivers import sparse

    def copy_volume(source, destination, size_in_mib, blocksize, *_args, **_kwargs):
        sparse.copy(source, destination, size_in_mib << 20)

    volume_utils.copy_volume = copy_volume


def cinder_reports_each_service():
    """All releases of Cinder: the id of the service whose heartbeat is due is a class attribute.

    With several services in a process all heartbeats would go to the one started last.
    """
    from cinder import context, objects, service

    def report_state(self):
        record = objects.Service.get_by_args(context.get_admin_context(), self.host, self.binary)
        record.report_count += 1
        record.save()

    service.Service.report_state = report_state


def nova_detaches_on_its_own_host():
    """All releases of Nova: detaching a volume compares CONF.host with the server's host.

    Several compute hosts share this process and its CONF: answer with the driver's host.
    """
    from nova.virt import block_device

    current = threading.local()
    settings = block_device.CONF
    driver_detach = block_device.DriverVolumeBlockDevice.driver_detach

    class SettingsOfHost:
        def __getattr__(self, name):
            host = getattr(current, "host", None)
            return host if name == "host" and host else getattr(settings, name)

    def detach(self, context, instance, volume_api, virt_driver):
        current.host = virt_driver.host
        try:
            return driver_detach(self, context, instance, volume_api, virt_driver)
        finally:
            current.host = None

    block_device.CONF = SettingsOfHost()
    block_device.DriverVolumeBlockDevice.driver_detach = detach


def nova_finds_the_driver(capacity):
    """All releases of Nova: virt drivers are looked up below ``nova.virt`` only."""
    from pumphouse.lab.drivers import compute

    for name, value in capacity.items():  # vcpus and memory_mb, where the lab was made with others
        setattr(compute.LabDriver, name, value)
    sys.modules["nova.virt.pumphouse_lab"] = compute
