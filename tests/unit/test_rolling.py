"""One wave after the other: what is done in which order, what is left out, what a run after a kill finds begun."""

from dataclasses import replace
from typing import Any

import pytest
from fake_service import DONE, PLAN, FakeService
from test_waves import cloud, host, server

from pumphouse.errors import DeploymentFailed, Interrupted
from pumphouse.model import (
    Difference,
    HostRecord,
    Outcome,
    Portion,
    Resources,
    Result,
    RunResult,
    Selection,
    Wave,
)
from pumphouse.service import rolling

A1, A2, B1 = server("a1", "h1"), server("a2", "h2"), server("b1", "h1")
SHOP = Portion(Selection("project", ("a",), exclude=("server:a9",)), (A1, A2))
MAIL = Portion(Selection("project", ("b",)), (B1,))
ONE = Portion(Selection("server", ("c1",)), (server("c1", "h1"),))
ALONE = Wave((SHOP, MAIL, ONE), (), ("h1", "h2"), (), ())
MOVED = replace(DONE, outcomes=(Outcome("server:a1", Result.OK, "x"),))
FAILED = replace(DONE, outcomes=(Outcome("server:a1", Result.FAIL, error="no room"),))


class Hosts:
    """Remembers what was done to hosts."""

    def __init__(self, *records: HostRecord) -> None:
        self.records = {record.name: record for record in records}

    def find(self, name: str) -> HostRecord | None:
        return self.records.get(name)

    def stage(self, name: str, stage: str, state: str) -> None:
        self.records[name] = replace(self.records[name], stage=stage, state=state)


class Session:
    """No clouds: what the waves themselves need of one."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = self.destination = hosts
        self.adapters = self.locks = self
        self.told: list[Any] = []

    def working(self, command: str, selection: Selection) -> "Session":
        return self

    def take(self, names: dict[str, str]) -> None:
        self.told.append(names)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Scripted(FakeService):
    """Answers by what is asked for."""

    def host_change(self, operation: str, name: str, *, evacuate: bool = False) -> Any:
        assert evacuate
        return self._answer(f"{operation} {name}", None)


def carried_out(wave: Wave = ALONE, *records: HostRecord, **answers: Any) -> tuple[Any, list[Any], Hosts]:
    service, hosts = Scripted({"plan": PLAN, "migrate": MOVED, "commit": MOVED, **answers}), Hosts(*records)
    service.bus = None
    failed = rolling.Waves(service, Session(hosts)).carry_out(wave)  # type: ignore[arg-type]
    did = [
        (name, str(getattr(rest[0], "selection", rest[0]) if rest else "")) for name, *rest in service.calls
    ]
    return failed, [each for each in did if each[0] not in ("plan", "skip_blocked")], hosts


def test_what_moved_is_committed_before_hosts_follow() -> None:
    failed, did, _ = carried_out()
    both = "project a b --exclude server:a9"
    assert did == [
        *(("migrate", both), ("commit", both), ("migrate", "server c1"), ("commit", "server c1")),
        *(("upgrade h1", ""), ("upgrade h2", "")),
    ]
    assert failed == {}


def test_a_server_that_fails_is_left_out_and_the_rest_planned_anew() -> None:
    failed, did, _ = carried_out(migrate=FAILED)
    assert failed == {"server:a1": "no room"}
    assert [name for name, _ in did] == ["migrate", "commit"]  # the others have arrived


def test_nothing_is_committed_when_nothing_arrived() -> None:
    all_ = tuple(Outcome(f"server:{name}", Result.FAIL, error="no") for name in ("a1", "a2", "b1"))
    assert [name for name, _ in carried_out(migrate=replace(DONE, outcomes=all_))[1]] == ["migrate"]


def test_what_differs_is_not_committed() -> None:
    wrong = Difference("network:n1", "network", "lan", "mtu", 1400, 1500)
    failed, did, _ = carried_out(migrate=replace(MOVED, differences=(wrong,)))
    assert [name for name, _ in did] == ["migrate"]
    assert failed.keys() == {"server:a1", "server:a2", "server:b1"}
    assert "network lan: mtu differs" in failed["server:b1"]


@pytest.mark.parametrize(
    ("stage", "state"), [("deploy", "quarantined"), ("smoke", "quarantined"), ("move", "failed")]
)
def test_a_machine_that_fails_is_quarantined_and_the_next_host_follows(stage: str, state: str) -> None:
    record = HostRecord("h1", "upgrade", stage, "failed", {"service": "h1", "error": "broken disk"})
    failed, did, hosts = carried_out(ALONE, record, **{"upgrade h1": DeploymentFailed("broken disk")})
    assert failed == {"host:h1": "broken disk"}
    assert did[-1][0] == "upgrade h2"
    assert hosts.records["h1"].state == state


def test_a_stop_is_no_failure() -> None:
    with pytest.raises(Interrupted):
        carried_out(**{"upgrade h1": Interrupted("stopped")})


def test_hosts_on_their_way_are_finished_first_and_offer_nothing_twice() -> None:
    here, there = cloud("source", [host("h1"), host("h2")]), cloud("destination", [host("d1"), host("n1")])
    begun = {"service": "h1.example.org", "host": "n1.example.org"}
    found = rolling._with_begun(
        here,
        there,
        [
            HostRecord("h1", "upgrade", "leave", "running", begun),
            HostRecord("gone", "upgrade", "leave", "running", {"service": "gone.example.org"}),
            HostRecord("closed", "upgrade", "done", "done", {"service": "closed.example.org"}),
        ],
    )
    assert [(each.name, each.capacity.vcpus) for each in found.hosts] == [("h1", 0), ("h2", 4), ("gone", 0)]
    assert found.hosts[2].capacity == Resources()


def test_failures_of_a_run_without_words_are_told_all_the_same() -> None:
    assert rolling._failed(RunResult("m", (Outcome("server:s", Result.FAIL),))) == {"server:s": "fail"}
