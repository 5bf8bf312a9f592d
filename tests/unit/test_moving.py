"""One server leaves its host: what Nova is asked in which microversion, what ends the wait, what a rerun does."""

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock, RecordingCloud

from pumphouse.errors import CloudError, Conflict, Interrupted, NotMoved
from pumphouse.host_policy import HostPolicy
from pumphouse.hosts import Host
from pumphouse.ledger.hosts import SqlHostLedger
from pumphouse.ledger.sql import open_engine
from pumphouse.model import How, Move, PlacedServer, Resources
from pumphouse.service.host_work import untold
from pumphouse.tasks.hosts.moving import Moving
from pumphouse.tasks.hosts.work import Work

ACTION = "/servers/s1/action"
MIGRATIONS = "/servers/s1/migrations"


def see(host: str = "h1", status: str = "ACTIVE", task: str | None = None, **more: Any) -> dict[str, Any]:
    known = {"OS-EXT-SRV-ATTR:host": host, "OS-EXT-STS:task_state": task}
    return {"server": {"id": "s1", "name": "web", "status": status, **known, **more}}


BUSY = see(status="MIGRATING", task="migrating")


class Nova:
    """A server that Nova shows in one state after the other, and a host whose ledger is a file."""

    def __init__(self, directory: Path, **policy: Any) -> None:
        self.cloud, self.clock = RecordingCloud("source"), FakeClock()
        self.ledger = SqlHostLedger(open_engine(str(directory / "ledger.sqlite")), self.clock)
        self.ledger.begin("h1", "evacuate")
        self.ledger.stage("h1", "move")
        host = Host.model_validate(
            {"name": "h1", "bmc": {"type": "ipmi", "address": "a", "username": "u", "password": "p"}}
        )
        nothing: Any = None
        work = Work(
            host, self.cloud, nothing, nothing, None, None, None, self.ledger, nothing, self.clock,  # type: ignore[arg-type]
            HostPolicy(**policy), untold,
        )  # fmt: skip
        self.moving = Moving(work, "h1")

    def shows(self, *states: dict[str, Any]) -> None:
        self.cloud.on("GET", "compute", "/servers/s1", *states)

    def move(self, how: How, status: str = "ACTIVE") -> None:
        target = "" if how is How.OFFLOAD else "h2"
        self.moving.move(Move(PlacedServer("s1", "web", "p", "h1", status, Resources()), how, target))

    def orders(self) -> list[Any]:
        return self.cloud.sent("POST", ACTION)


@pytest.fixture
def nova(tmp_path: Path) -> Nova:
    return Nova(tmp_path)


@pytest.mark.parametrize(
    "microversion, order",
    [
        ("2.93", {"host": "h2", "block_migration": "auto"}),
        ("2.25", {"host": "h2", "block_migration": "auto"}),
    ],
)
def test_nova_finds_out_whether_hosts_share_storage(nova: Nova, microversion: str, order: Any) -> None:
    nova.cloud.microversions["compute"] = microversion
    nova.shows(BUSY, see("h2"))
    nova.move(How.LIVE)
    assert nova.orders() == [{"os-migrateLive": order}]
    assert nova.moving.ordered == {}


def test_before_2_25_it_is_found_out_by_trying(nova: Nova) -> None:
    nova.cloud.microversions["compute"] = "2.12"
    nova.cloud.on("POST", "compute", ACTION, CloudError("not on shared storage", status=400), None)
    nova.shows(see("h2"))
    nova.move(How.LIVE)
    assert [order["os-migrateLive"]["block_migration"] for order in nova.orders()] == [False, True]


def test_a_cold_migration_is_confirmed_once_it_has_arrived(nova: Nova) -> None:
    arrived = see("h2", "VERIFY_RESIZE")
    nova.shows(see(status="RESIZE", task="resize_migrating"), arrived, arrived, see("h2", "SHUTOFF"))
    refused = Conflict("it is being confirmed", status=409)
    nova.cloud.on("POST", "compute", ACTION, None, None, refused)
    nova.move(How.COLD, "SHUTOFF")
    assert nova.orders() == [{"migrate": {"host": "h2"}}, {"confirmResize": None}, {"confirmResize": None}]
    assert nova.moving.ordered == {}


def test_before_2_56_nova_chooses_where_a_stopped_server_goes(nova: Nova) -> None:
    nova.cloud.microversions["compute"] = "2.53"
    nova.shows(see("h3", "SHUTOFF"))
    nova.move(How.COLD, "SHUTOFF")
    assert nova.orders() == [{"migrate": None}]


@pytest.mark.parametrize(
    "was, ends, started",
    [("ACTIVE", "SHUTOFF", True), ("SHUTOFF", "SHUTOFF", False), ("ACTIVE", "ACTIVE", False)],
)
def test_what_ran_on_a_dead_host_runs_again(nova: Nova, was: str, ends: str, started: bool) -> None:
    nova.shows(see(status="REBUILD", task="rebuilding"), see("h2", ends), see("h2", was))
    nova.move(How.EVACUATE, was)
    assert nova.orders() == [{"evacuate": {"host": "h2"}}, *([{"os-start": None}] if started else [])]


def test_a_shelved_server_goes_nowhere(nova: Nova) -> None:
    nova.shows(see(status="SHELVED", task="shelving_offloading"), see("", "SHELVED_OFFLOADED"))
    nova.move(How.OFFLOAD, "SHELVED")
    assert nova.orders() == [{"shelveOffload": None}]


def test_what_nova_refuses_was_never_begun(nova: Nova) -> None:
    nova.cloud.on("POST", "compute", ACTION, Conflict("host h2 is disabled", status=409))
    with pytest.raises(CloudError, match="'web': live migration to h2: host h2 is disabled"):
        nova.move(How.LIVE)
    assert nova.moving.ordered == {}


def test_an_order_whose_answer_got_lost_is_remembered(nova: Nova) -> None:
    nova.cloud.on("POST", "compute", ACTION, CloudError("no answer", status=504))
    with pytest.raises(CloudError):
        nova.move(How.LIVE)
    assert nova.moving.ordered["s1"]["target"] == "h2"


def test_novas_reason_is_told_when_a_server_stays(nova: Nova) -> None:
    actions = {
        "instanceActions": [{"start_time": "1", "request_id": "r0"}, {"start_time": "2", "request_id": "r1"}]
    }
    events = [{"details": None, "traceback": None}, {"traceback": "Traceback...\nNoValidHost: no trait X\n"}]
    nova.cloud.on("GET", "compute", "/servers/s1/os-instance-actions", actions)
    nova.cloud.on(
        "GET", "compute", "/servers/s1/os-instance-actions/r1", {"instanceAction": {"events": events}}
    )
    nova.shows(BUSY, see())
    with pytest.raises(NotMoved, match="'web' stays: live migration failed: NoValidHost: no trait X"):
        nova.move(How.LIVE)
    nova.shows(see(status="ERROR", fault={"message": "disk full"}))
    with pytest.raises(NotMoved, match="disk full"):
        nova.move(How.COLD)
    assert nova.moving.ordered == {}


def test_a_server_that_is_deleted_meanwhile_has_left(nova: Nova) -> None:
    nova.move(How.LIVE)
    assert nova.moving.ordered == {}


def stuck(nova: Nova, then: dict[str, Any]) -> None:
    nova.cloud.on("GET", "compute", MIGRATIONS, {"migrations": [{"id": 6}, {"id": 7}]})
    nova.shows(*[BUSY] * 9, then)


def test_a_stuck_live_migration_is_aborted(tmp_path: Path) -> None:
    nova = Nova(tmp_path, stuck_after=5)
    stuck(nova, see())
    with pytest.raises(CloudError, match=r"'web' stays: .* it was stuck, and aborted after 5 s") as raised:
        nova.move(How.LIVE)
    assert nova.cloud.did("DELETE") == [("DELETE", f"{MIGRATIONS}/7")]
    assert not isinstance(raised.value, NotMoved) and nova.moving.given_up == {"s1"}


def test_or_forced(tmp_path: Path) -> None:
    nova = Nova(tmp_path, stuck_after=5, when_stuck="force")
    stuck(nova, see("h2"))
    nova.move(How.LIVE)
    assert nova.cloud.sent("POST", f"{MIGRATIONS}/7/action") == [{"force_complete": None}]


def test_one_that_waits_in_the_queue_is_dealt_with_as_soon_as_it_can_be(tmp_path: Path) -> None:
    nova = Nova(tmp_path, stuck_after=5, when_stuck="force")
    stuck(nova, see("h2"))
    action = f"{MIGRATIONS}/7/action"
    nova.cloud.on(
        "POST", "compute", action, Conflict("is queued", status=409), CloudError("no", status=400), None
    )
    nova.move(How.LIVE)
    assert len(nova.cloud.sent("POST", action)) == 3


def test_one_that_waits_behind_others_is_not_stuck(tmp_path: Path) -> None:
    nova = Nova(tmp_path, stuck_after=5)
    queued = {"migrations": [{"id": 7, "status": "queued"}]}
    nova.cloud.on(
        "GET", "compute", MIGRATIONS, queued, queued, {"migrations": [{"id": 7, "status": "running"}]}
    )
    nova.shows(*[BUSY] * 14, see("h2"))
    nova.move(How.LIVE)
    assert nova.cloud.did("DELETE") == []


def test_nothing_is_waited_for_for_ever(tmp_path: Path) -> None:
    nova = Nova(tmp_path, stuck_after=5, timeouts={"move": 20})
    nova.cloud.on("GET", "compute", MIGRATIONS, {"migrations": []})
    nova.shows(BUSY)
    with pytest.raises(CloudError, match="live migration has not ended after 25 s"):
        nova.move(How.LIVE)
    assert "s1" in nova.moving.ordered  # the next run waits on


def test_a_rerun_waits_for_what_was_ordered_and_counts_from_then(tmp_path: Path) -> None:
    nova = Nova(tmp_path, stuck_after=5)
    since = nova.clock.now() - 60
    stuck(nova, see())
    order = {"name": "web", "how": "live", "target": "h2", "was": "ACTIVE", "since": since}
    with pytest.raises(CloudError, match="aborted after 60 s"):
        nova.moving.finish("s1", order)
    assert nova.orders() == []


def test_after_a_stop_nothing_more_begins(nova: Nova) -> None:
    nova.clock.stopped = True
    with pytest.raises(Interrupted):
        nova.move(How.LIVE)
    assert nova.orders() == [] and nova.moving.ordered == {}
