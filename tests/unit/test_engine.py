"""Flows carried out: one failure hinders only what needs it, and undoes only its own workload."""

from collections.abc import Callable
from typing import Any

import pytest
from disk_cloud import DiskCloud, DiskTransfer
from fakes import Events, FakeClock, FreeLocks, NoProbes, memory_ledger
from worlds import acme, changed, new_cloud, plan, replaced, server, there, volume, world

from pumphouse.engine import run_cutover, run_prepare
from pumphouse.errors import CloudError, Interrupted, Overlimit, Unreachable
from pumphouse.kinds import KINDS
from pumphouse.ledger.sql import SqlLedger
from pumphouse.model import Action, Item, Result, Step
from pumphouse.ports import Ports
from pumphouse.tasks.actors import Actors
from pumphouse.tasks.run import Run
from pumphouse.tasks.temporaries import Temporaries

OK, FAIL, SKIPPED = Result.OK, Result.FAIL, Result.SKIPPED


class Stage:
    """Two clouds, a ledger and a run between them."""

    def __init__(self, ledger: SqlLedger, source: list[Item], *failing: str) -> None:
        self.clouds = DiskCloud("source"), DiskCloud("destination")
        self.source, self.destination = self.clouds
        self.ledger, self.events, self.clock = ledger, Events(), FakeClock()
        self.transfer = DiskTransfer(self.source, self.destination, *failing)
        self.items = source
        for item in source:
            if item.kind == "server":
                self.source.servers[item.id] = {
                    "id": item.id,
                    "name": item.name,
                    "status": item.observed["status"],
                }
            if item.kind == "volume":
                self.source.volumes[item.id] = {"id": item.id, "name": item.name, "status": "available"}

    def run(self, *, prepared: bool) -> Run:
        """:param prepared: everything that needs no downtime is there already."""
        new = new_cloud()
        if prepared:
            new = replaced(new, *(there(i) for i in self.items if not KINDS[i.kind].moves))
        of = world(self.items, new, verify_disks="checksum", concurrency=2)
        made = plan(of)
        for step in made.steps:
            if step.action is Action.REUSE and step.destination_id:
                self.ledger.reused(step.key, step.kind, step.name, step.destination_id)
        ports = Ports(
            *self.clouds, self.ledger, self.transfer, self.clock, self.events, FreeLocks(), NoProbes()
        )  # type: ignore[arg-type]
        temporaries = Temporaries(
            {c.role: c for c in self.clouds},  # type: ignore[misc]
            self.ledger,
            FreeLocks(),
            self.clock,
            60,
        )
        actors = Actors(self.destination, self.ledger, temporaries, self.clock, lambda item: "")  # type: ignore[arg-type]
        rows = dict(self.ledger.rows())

        def again(key: str) -> Step:
            return next(s for s in made.steps if s.key == key)

        return Run(ports, of.policy, made, of.source, actors, temporaries, rows, again)


Make = Callable[..., Stage]


@pytest.fixture
def stage() -> Make:
    return lambda source=None, *failing: Stage(
        memory_ledger(), acme() if source is None else source, *failing
    )


# --- preparing ------------------------------------------------------------------------------------
SMALL = {"domain", "project", "network", "subnet", "security_group", "router", "router_interfaces"}


@pytest.fixture
def small(stage: Make) -> Stage:
    found = stage([i for i in acme() if i.kind in SMALL])
    cloud = found.destination
    cloud.on("POST", "identity", "/projects", {"project": {"id": "p"}})
    for one in ("network", "subnet", "router"):
        cloud.on("POST", "network", f"/{one}s", {one: {"id": f"new-{one}"}})
    cloud.on("POST", "network", "/security-groups", {"security_group": {"id": "new-group"}})
    cloud.on(
        "GET", "network", "/subnets/new-subnet", {"subnet": {"id": "new-subnet", "gateway_ip": "10.0.0.1"}}
    )
    return found


def test_everything_is_prepared_in_the_order_of_its_needs(small: Stage) -> None:
    outcomes = run_prepare(small.run(prepared=False))
    assert {o.result for o in outcomes} == {OK}
    posts = [path for _, path in small.destination.did("POST")]
    assert posts[0] == "/projects"
    assert posts.index("/networks") < posts.index("/subnets")
    assert {r.state for r in small.ledger.rows().values() if r.how == "created"} == {"done"}
    data = small.ledger.rows()["router:gate"].data
    assert data["held"] is True
    assert data["carried"]["name"] == "gate"


def test_what_needs_a_failed_one_is_skipped_and_all_else_goes_on(small: Stage) -> None:
    small.destination.on("POST", "network", "/networks", Overlimit("quota exceeded", status=409))
    outcomes = {o.key: o for o in run_prepare(small.run(prepared=False))}
    assert {k for k, o in outcomes.items() if o.result is FAIL} == {"network:lan"}
    assert {k for k, o in outcomes.items() if o.result is SKIPPED} == {
        "subnet:lan-subnet",
        "router_interfaces:gate",
    }
    assert outcomes["subnet:lan-subnet"].error == "needs network lan, which failed"
    assert outcomes["network:lan"].error == "quota exceeded"
    assert {k for k, o in outcomes.items() if o.result is OK} >= {
        "project:acme",
        "router:gate",
        "security_group:web",
    }
    assert [k for k, _ in small.events.of("step.failed")] == ["network:lan"]


def test_a_refused_intent_is_forgotten_and_an_unclear_one_is_kept(small: Stage) -> None:
    small.destination.on("POST", "network", "/networks", Overlimit("quota exceeded", status=409))
    small.destination.on("POST", "network", "/routers", Unreachable("the connection broke"))
    run_prepare(small.run(prepared=False))
    assert "network:lan" not in small.ledger.rows()
    assert small.ledger.rows()["router:gate"].state == "intended"


def test_a_stop_interrupts_the_preparation(small: Stage) -> None:
    small.clock.stopped = True
    with pytest.raises(Interrupted):
        run_prepare(small.run(prepared=False))
    assert small.destination.did("POST") == []


def test_a_bug_is_not_taken_for_a_failure_of_a_cloud(small: Stage) -> None:
    small.destination.on("POST", "network", "/networks", KeyError("a bug"))
    with pytest.raises(KeyError):
        run_prepare(small.run(prepared=False))


# --- cutting over ---------------------------------------------------------------------------------
def results(outcomes: list[Any]) -> dict[str, Result]:
    return {o.key: o.result for o in outcomes}


def cut_over(on: Stage, failed: frozenset[str] = frozenset()) -> dict[str, Result]:
    return results(run_cutover(on.run(prepared=True), failed))


def test_servers_and_volumes_arrive(stage: Make) -> None:
    found = stage()
    assert cut_over(found) == {"server:web-1": OK, "volume:spare": OK}
    rows = found.ledger.rows()
    for key in ("server:web-1", "volume:data", "volume:spare", "image:root-web-1"):
        assert (rows[key].state, rows[key].how) == ("done", "created")
    assert found.source.servers["web-1"]["status"] == "SHUTOFF"
    assert found.source.servers["web-1"]["locked"]
    assert [s["status"] for s in found.destination.servers.values()] == ["ACTIVE"]
    assert found.ledger.temporaries() == ()
    assert found.source.images == {}
    assert found.events.types("server:web-1")[0] == "workload.started"
    assert found.events.types("server:web-1")[-1] == "workload.done"


def two_servers() -> list[Item]:
    return replaced(
        acme(),
        server("web-2", "acme", "ann", volumes=["data-2"]),
        volume("data-2", "acme", "ann", server_="web-2"),
    )


def test_a_failing_workload_undoes_itself_and_the_others_go_on(stage: Make) -> None:
    found = stage(two_servers(), "volume:data")
    assert cut_over(found) == {"server:web-1": FAIL, "server:web-2": OK, "volume:spare": OK}
    assert found.source.servers["web-1"] == {
        "id": "web-1",
        "name": "web-1",
        "status": "ACTIVE",
        "locked": False,
    }
    assert found.source.servers["web-2"]["status"] == "SHUTOFF"
    assert [s["name"] for s in found.destination.servers.values()] == ["web-2"]
    assert not {"server:web-1", "volume:data", "image:root-web-1"} & set(found.ledger.rows())
    assert found.ledger.temporaries() == ()
    assert sorted(v["name"] for v in found.destination.volumes.values()) == ["data-2", "spare"]
    (failed,) = found.events.of("workload.failed")
    assert failed[0] == "server:web-1"
    assert "the transfer broke" in failed[1]["error"]


def test_the_destination_goes_down_before_the_source_comes_up(stage: Make) -> None:
    found = stage()
    order: list[str] = []

    def noted(cloud: DiskCloud, path: str, words: str) -> None:
        whole = cloud._ask

        def ask(method: str, service: str, asked: str, body: Any) -> Any:
            if asked.startswith(path) and (method == "DELETE" or (body and words in body)):
                order.append(f"{cloud.role} {words}")
            return whole(method, service, asked, body)

        cloud._ask = ask  # type: ignore[method-assign]

    noted(found.destination, "/servers/destination", "deleted")
    noted(found.source, "/servers/web-1/action", "os-start")
    tags = CloudError("no tags", status=500)
    for number in range(1, 20):
        found.destination.on("PUT", "compute", f"/servers/destination-{number}/tags", tags)
    assert cut_over(found)["server:web-1"] is FAIL
    assert order == ["destination deleted", "source os-start"]
    assert found.destination.servers == {}


def test_a_server_that_was_off_stays_off(stage: Make) -> None:
    off = [changed(i, observed={"status": "SHUTOFF"}) if i.kind == "server" else i for i in acme()]
    found = stage(off, "image:root-web-1")
    assert cut_over(found)["server:web-1"] is FAIL
    assert found.source.servers["web-1"]["status"] == "SHUTOFF"
    assert not found.source.servers["web-1"].get("locked")


def test_a_server_that_was_off_arrives_switched_off(stage: Make) -> None:
    off = [changed(i, observed={"status": "SHUTOFF"}) if i.kind == "server" else i for i in acme()]
    found = stage(off)
    assert cut_over(found)["server:web-1"] is OK
    assert [s["status"] for s in found.destination.servers.values()] == ["SHUTOFF"]


def test_a_workload_whose_needs_failed_is_not_touched(stage: Make) -> None:
    found = stage(two_servers())
    outcomes = run_cutover(found.run(prepared=True), frozenset({"port:port"}))
    assert results(outcomes) == {"server:web-1": SKIPPED, "server:web-2": OK, "volume:spare": OK}
    skipped = next(o for o in outcomes if o.result is SKIPPED)
    assert skipped.error == "needs port port, which failed"
    assert found.source.servers["web-1"]["status"] == "ACTIVE"


def test_a_need_of_a_volume_holds_its_server_back(stage: Make) -> None:
    assert cut_over(stage(), frozenset({"volume_type:gold"}))["server:web-1"] is SKIPPED


def test_a_stop_before_the_cutover_touches_nothing(stage: Make) -> None:
    found = stage()
    found.clock.stopped = True
    with pytest.raises(Interrupted):
        cut_over(found)
    assert found.source.servers["web-1"]["status"] == "ACTIVE"
    assert found.destination.servers == {}


def test_a_stop_in_the_middle_undoes_what_was_under_way(stage: Make) -> None:
    found = stage()
    copy = found.transfer.copy

    def stopping(*arguments: Any) -> Any:
        found.clock.stopped = True
        found.clock.check()
        return copy(*arguments)

    found.transfer.copy = stopping  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        cut_over(found)
    assert found.source.servers["web-1"]["status"] == "ACTIVE"
    assert not found.source.servers["web-1"].get("locked")
    assert found.destination.servers == found.destination.volumes == {}
    assert not {k for k in found.ledger.rows() if k.startswith(("server:", "volume:"))}


def test_carrying_it_out_again_after_a_failure_succeeds(stage: Make) -> None:
    found = stage(None, "volume:data")
    assert cut_over(found)["server:web-1"] is FAIL
    found.transfer.failing = ()
    again = found.run(prepared=True)
    assert results(run_cutover(again, frozenset()))["server:web-1"] is OK
    assert [s["name"] for s in found.destination.servers.values()] == ["web-1"]
