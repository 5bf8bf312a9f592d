"""Nova's compute hosts one by one: lost as by a crash, started again, or started for the first time."""

import contextlib
import inspect
import json
import threading

# as in nova.compute.power_state; what a guest keeps when the power goes is not in memory
RUNNING, PAUSED, SHUTDOWN = 1, 3, 4


def launch(service):
    """Start one of Nova's services."""
    service.start()
    service.service_ref.report_count += 1  # or it counts as down until the first report is due
    service.service_ref.save()


class Computes:
    """Those that run; which ones is remembered in a file, for the next start of the process."""

    def __init__(self, cloud):
        self._file = cloud.root / "data" / "nova" / "computes.json"
        self._instances = cloud.root / "data" / "instances"
        self._first = cloud.hosts
        self._running = {}
        self._lock = threading.Lock()

    def begin(self):
        """Start those that ran when the process ended; all of the cloud's the first time."""
        for host in self._remembered():
            self._run(host)
            yield host

    def control(self, words):
        """``stop/HOST``, ``start/HOST``, ``restart/HOST`` and ``hosts``, as the machines ask for.

        A start makes a host that the cloud does not know a part of it.
        """
        action, host = (*words, "")[:2]
        with self._lock:
            if action == "hosts":
                return "".join(f"{each}\n" for each in self._running)
            if action not in ("stop", "start", "restart") or not host:
                return "unknown\n"
            if action == "start":
                return self._start(host)
            if host not in self._running:
                return "not running\n"
            return self._stop(host) if action == "stop" else self._restart(host)

    def _start(self, host):
        from nova import context
        from nova.objects import host_mapping

        if host in self._running:
            return "running already\n"
        self._run(host)
        self._remember()
        # by service: a compute node that is taken up again after its deletion still counts as mapped
        host_mapping.discover_hosts(context.get_admin_context(), by_service=True)
        # what Nova does every ten minutes by default: guests that the host does not run count as stopped
        self._running[host].manager._sync_power_states(context.get_admin_context())
        return "started\n"

    def _run(self, host):
        from nova import service
        from nova.compute import rpcapi

        # a second topic for graceful shutdown, from 2026.1 on
        second = {"topic_alt": rpcapi.RPC_TOPIC_ALT} if hasattr(rpcapi, "RPC_TOPIC_ALT") else {}
        each = service.Service.create(binary="nova-compute", topic=rpcapi.RPC_TOPIC, host=host, **second)
        launch(each)
        self._running[host] = each

    def _stop(self, host):
        """As when the machine loses its power: nothing is finished, nobody is told, guests are gone."""
        from oslo_service import service

        from pumphouse.lab.drivers.server_directory import ServerDirectory

        each = self._running.pop(host)
        self._remember()
        for server in (each.rpcserver, getattr(each, "rpcserver_alt", None)):
            if server is not None:
                server.stop()
        # not Nova's own: that one waits for what is under way
        service.Service.stop(each)
        for directory in ServerDirectory.all(self._instances):
            record = directory.read()
            if record.get("host") == host and record["state"] in (RUNNING, PAUSED):
                directory.update(state=SHUTDOWN)
                directory.note("crashed", host)
        return "stopped\n"

    def _restart(self, host):
        """Nova wants it after an evacuation, before the host may be taken up again."""
        each = self._running[host]
        init = each.manager.init_host
        # it takes the service's record from 2023.1 on
        init(*([each.service_ref] if inspect.signature(init).parameters else []))
        return "restarted\n"

    def _remembered(self):
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self._file.read_text())
        return list(self._first)

    def _remember(self):
        partial = self._file.with_suffix(".part")
        partial.write_text(json.dumps(list(self._running)))
        partial.replace(self._file)
