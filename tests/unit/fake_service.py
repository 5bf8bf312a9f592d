"""A service without clouds: answers what a test told it and remembers what it was asked to do."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import yaml

from pumphouse.cli.main import App
from pumphouse.errors import UsageError
from pumphouse.inventory import Inventory
from pumphouse.model import (
    Action,
    EvacuationPlan,
    Event,
    HostRecord,
    Migration,
    Outcome,
    Plan,
    Result,
    RunResult,
    Selection,
    Step,
    WavePlan,
)
from pumphouse.report import build
from pumphouse.service.decommissioning import Closing
from pumphouse.service.evacuating import Emptying

DEMO = Selection("project", ("demo",))
NETWORK = Step("network:n1", "network", "private", "demo", Action.CREATE, "is missing")
FLAVOR = Step("flavor:f1", "flavor", "m1.small", "", Action.REUSE, "has the same size", destination_id="f2")
SERVER = Step("server:s1", "server", "web1", "demo", Action.MOVE, bytes=2 << 30, downtime=43.0)
PLAN = Plan(DEMO, "old", "new", (FLAVOR, NETWORK, SERVER))
DONE = RunResult(
    "m1", (Outcome("network:n1", Result.OK, "n2"), Outcome("server:s1", Result.OK, "s2")), (), 80.0
)


def migration_events() -> list[Event]:
    """What a good migration of PLAN publishes."""
    facts = [
        (
            0,
            "run.started",
            "",
            {"command": "migrate", "selection": "project demo", "steps": 2, "bytes": 2 << 30},
        ),
        (1, "step.started", "network:n1", {"action": "ensure", "kind": "network", "name": "private"}),
        (2, "step.done", "network:n1", {"action": "ensure", "seconds": 1}),
        (3, "workload.started", "server:s1", {"name": "web1"}),
        (3, "step.started", "server:s1", {"action": "stop", "kind": "server", "name": "web1"}),
        (5, "source.stopped", "server:s1", {}),
        (5, "step.done", "server:s1", {"action": "stop", "seconds": 2}),
        (5, "step.started", "server:s1", {"action": "transfer", "kind": "server", "name": "web1"}),
        (
            9,
            "progress",
            "server:s1",
            {"done": 1 << 30, "total": 2 << 30, "rate": 256 << 20, "workload": "server:s1"},
        ),
        (
            10,
            "progress",
            "server:s1",
            {"done": 2 << 30, "total": 2 << 30, "rate": 256 << 20, "workload": "server:s1"},
        ),
        (
            13,
            "moved",
            "server:s1",
            {"kind": "server-root", "name": "web1", "bytes": 2 << 30, "sha256": "ab12"},
        ),
        (13, "step.done", "server:s1", {"action": "transfer", "seconds": 8}),
        (13, "step.started", "server:s1", {"action": "create_server", "kind": "server", "name": "web1"}),
        (20, "step.done", "server:s1", {"action": "create_server", "seconds": 7}),
        (20, "destination.up", "server:s1", {"downtime": 15.0}),
        (
            21,
            "workload.done",
            "server:s1",
            {"name": "web1", "bytes": 2 << 30, "seconds": 18, "downtime": 15.0},
        ),
        (22, "run.done", "", {"result": "migrated", "seconds": 22}),
    ]
    return [
        Event(1_700_000_000.0 + at, "m1", kind, key, data, seq)
        for seq, (at, kind, key, data) in enumerate(facts, start=1)
    ]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class FakeService:
    """The surface of the service that the command line uses; an exception as an answer is raised."""

    answers: dict[str, Any] = field(default_factory=dict)
    published: list[Event] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    cancelled: bool = False

    @contextmanager
    def open(self, config: Any, bus: Any, **policy: Any) -> Iterator["FakeService"]:
        self.config, self.bus = config, bus
        yield self

    def _answer(self, name: str, default: Any, *arguments: Any) -> Any:
        self.calls.append((name, *arguments))
        answer = self.answers.get(name, default)
        if isinstance(answer, BaseException):
            raise answer
        return answer(self) if callable(answer) else answer

    def _run(self, name: str, *arguments: Any) -> Any:
        for event in self.published:
            self.bus.publish(event)
        return self._answer(name, DONE, *arguments)

    def plan(self, selection: Selection, accept: tuple[str, ...] = (), by: str = "") -> Plan:
        return replace(self._answer("plan", PLAN, selection, *accept), selection=selection)

    def save_plan(self, plan: Plan, path: Any) -> None:
        path.write_text(yaml.safe_dump({"selection": str(plan.selection)}))

    def load_plan(self, path: Any, accept: tuple[str, ...] = (), by: str = "") -> Plan:
        return self._answer("load_plan", PLAN, path, *accept)

    def skip_blocked(self, plan: Plan) -> Plan:
        return self._answer("skip_blocked", replace(plan, problems=()), plan)

    def migrate(self, plan: Plan, *, prepare_only: bool = False) -> RunResult:
        return self._run("migrate", plan, prepare_only)

    def verify(self, selection: Selection, *, data: bool = True, accept_running: bool = False) -> RunResult:
        return self._run("verify", selection, data)

    def commit_preview(self, selection: Selection) -> tuple[Step, ...]:
        return self._answer("commit_preview", (SERVER, NETWORK), selection)

    def commit(self, selection: Selection) -> RunResult:
        return self._run("commit", selection)

    def rollback_preview(self, selection: Selection) -> tuple[Step, ...]:
        return self._answer("rollback_preview", (SERVER, NETWORK), selection)

    def rollback(self, selection: Selection) -> RunResult:
        return self._run("rollback", selection)

    def migrations(self) -> tuple[Migration, ...]:
        return self._answer("migrations", (Migration("m1", DEMO, "migrated", 1.0, 2.0),))

    def rolled_back(self, migration_id: str) -> Any:
        return ()

    def rows(self, migration: str) -> Any:
        return self._answer("rows", (), migration)

    def events(self, after: int = 0, migration: str | None = None) -> Any:
        known = self._answer("events", migration_events(), after, migration)
        return tuple(e for e in known if e.seq > after)

    def check(self) -> Any:
        return iter(self._answer("check", ()))

    def discover(self) -> Any:
        return self._answer("discover", ())

    def inventory(self, role: str) -> Inventory:
        return self._answer("inventory", Inventory(role, ()), role)

    def hosts(self) -> Any:
        return self._answer("hosts", ())

    def host(self, name: str) -> Any:
        return self._answer("host", UsageError(f"no host named {name!r} in either cloud"), name)

    def host_records(self) -> Any:
        return self._answer("host_records", ())

    def host_plan(self, operation: str, name: str, *, evacuate: bool = False) -> Any:
        return self._answer("host_plan", UsageError(f"no host named {name!r}"), operation, name, evacuate)

    def host_change(self, operation: str, name: str, *, evacuate: bool = False) -> Any:
        done = HostRecord(name, operation, "done", "done")
        return self._answer("host_change", done, operation, name, evacuate)

    def evacuation(self, host: str, move: Any, wishes: Any) -> Any:
        return self._answer("evacuation", Emptying(EvacuationPlan(host)), host, move, wishes)

    def refuse_evacuation(self, found: Any) -> None:
        self._answer("refuse_evacuation", None, found)

    def evacuate(self, host: str, move: Any, wishes: Any, operation: str = "evacuate") -> Any:
        return self._answer("evacuate", HostRecord(host, operation, "done", "done"), host, operation)

    def maintenance_off(self, host: str) -> Any:
        return self._answer("maintenance_off", HostRecord(host, "maintenance", "done", "done"), host)

    @cached_property
    def waves(self) -> "FakeWaves":
        return FakeWaves(self)

    def decommission_preview(self, fate: str) -> Any:
        return self._answer("decommission_preview", Closing((("h1", "h1"),), ()), fate)

    def decommission(self, fate: str) -> Any:
        return self._answer("decommission", Closing((), ()), fate)

    def report(self, selection: Selection) -> Any:
        migration = Migration("m1", selection, "migrated", 1.0, 2.0)
        return self._answer("report", build(migration, (), migration_events(), "old", "new"), selection)

    def cancel(self) -> None:
        self.cancelled = True

    def did(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of a method."""
        return [call[1:] for call in self.calls if call[0] == name]


@dataclass
class FakeWaves:
    """The whole upgrade; the service remembers what it was asked."""

    service: FakeService

    def plan(self, failed: Any) -> WavePlan:
        return self.service._answer("waves", WavePlan((), (), ()), dict(failed))

    def carry_out(self, wave: Any) -> Any:
        return self.service._answer("wave", {}, wave)

    def finish(self) -> Any:
        return self.service._answer("finish", {})


class Shell:
    """Types commands; ``out`` and ``err`` are what the last one printed."""

    def __init__(self, service: FakeService, config: Any) -> None:
        self.service, self.config = service, config
        self.out = self.err = ""

    def __call__(self, line: str, typed: str | None = None, terminal: bool = False) -> int:
        stdin = io.StringIO() if typed is None else Terminal(typed)
        out, err = (Terminal(), Terminal()) if terminal else (io.StringIO(), io.StringIO())
        app = App(self.service.open, stdin, out, err)
        code = app.run(["--config", str(self.config), *line.split()])
        self.out, self.err = out.getvalue(), err.getvalue()
        return code
