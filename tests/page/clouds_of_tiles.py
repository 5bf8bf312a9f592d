"""A service whose clouds are as large as a test wants them; migrating takes as long as the test says."""

import contextlib
import threading
import time
from dataclasses import replace

from fake_service import DONE, FakeService

from pumphouse.errors import Unreachable
from pumphouse.model import (
    Event,
    HostRecord,
    HostStatus,
    Migration,
    Picture,
    ProjectStatus,
    Selection,
    ServerStatus,
    Setting,
)


class Estate(FakeService):
    """Hosts with servers at the source, hosts without in the destination."""

    def __init__(self, servers: int = 12, hosts: int = 4, projects: int = 3) -> None:
        super().__init__()
        self.names = [f"{word}-{n}" for n in range(projects) for word in ("demo",)]
        self.names[0] = "demo"
        self.servers = [
            ServerStatus(
                f"s{n}",
                f"web{n}",
                "source",
                self.names[n % projects],
                f"compute-{n % hosts}",
                "ERROR" if n % 40 == 39 else "SHUTOFF" if n % 10 == 9 else "ACTIVE",
                2,
                4096,
            )
            for n in range(servers)
        ]
        self.host_names = [f"compute-{n}" for n in range(hosts)]
        self.down = False
        self.looks = 0
        self.journal: list[Event] = []
        self.state = "migrated"
        self.go_on = threading.Event()
        self.records: tuple[HostRecord, ...] = ()

    @contextlib.contextmanager
    def opened(self, bus, **policy):
        yield self

    def picture(self) -> Picture:
        self.looks += 1
        if self.down:
            raise Unreachable("the source does not answer", "Look at its Keystone.")
        hosts = [
            HostStatus(name, "source", "up", "enabled", "", {}, (20, 96), (65536, 262144))
            for name in self.host_names
        ]
        hosts += [
            HostStatus(f"new-{n}", "destination", "up", "enabled", "", {}, (0, 96), (0, 262144))
            for n in range(3)
        ]
        hosts += [HostStatus(record.data["host"], "destination", "up", "enabled") for record in self.records]
        projects = [ProjectStatus(name, name, "source") for name in self.names]
        return Picture(time.time(), "old", "new", tuple(hosts), tuple(self.servers), tuple(projects))

    def host_records(self):
        return self.records

    def settings(self):
        return (Setting("policy.concurrency", "7", True), Setting("policy.bandwidth", "none", False))

    def migrations(self):
        started = [Migration("m1", self.selection, self.state, 1.0, time.time())] if self.journal else []
        return tuple(started)

    def last_event(self):
        return len(self.journal)

    def events(self, after=0, migration=None):
        return tuple(event for event in self.journal if event.seq > after)

    def tell(self, type: str, key: str = "", **data) -> None:
        self.journal.append(Event(time.time(), "m1", type, key, data, len(self.journal) + 1))

    def host_change(self, operation, name, *_, **__):
        """The host is installed, for as long as the test wants; then it is one of the destination."""
        self.selection, self.state = Selection(operation, (name,)), "running"
        self.tell("run.started", command=operation, selection=str(self.selection), steps=0, bytes=0)
        stage = {"host": name, "stage": "deploy", "state": "running"}
        self.tell("host.stage", f"host:{name}", **stage, percent=40, message="puppet runs")
        assert self.go_on.wait(60)
        self.tell("host.stage", f"host:{name}", **{**stage, "state": "done"}, percent=100, message="")
        self.host_names.remove(name)
        self.records = (HostRecord(name, operation, "done", "done", {"host": "node-7"}),)
        self.tell("run.done", result="ok", seconds=9)
        self.state = "done"
        return self.records[0]

    def migrate(self, plan, *, prepare_only=False):
        """web0 is copied, for as long as the test wants; then it runs in the destination."""
        self.selection, self.state = plan.selection, "running"
        key = "server:s0"
        self.tell("run.started", command="migrate", selection=str(plan.selection), steps=1, bytes=100 << 20)
        self.tell("workload.started", key, name="web0")
        self.tell("source.stopped", key)
        self.tell("step.started", key, action="transfer", kind="server", name="web0", workload=key)
        self.tell("progress", key, done=40 << 20, total=100 << 20, rate=10 << 20, workload=key)
        assert self.go_on.wait(60)
        self.tell("moved", key, bytes=100 << 20)
        self.tell("destination.up", key, downtime=12.0)
        self.servers[0] = replace(self.servers[0], status="SHUTOFF", moved="done", counterpart="d0")
        arrived = replace(self.servers[0], id="d0", cloud="destination", host="new-1", status="ACTIVE")
        self.servers.append(replace(arrived, moved="created", counterpart="s0"))
        self.tell("workload.done", key, name="web0", seconds=20)
        self.tell("run.done", result="ok", seconds=21)
        self.state = "migrated"
        return DONE
