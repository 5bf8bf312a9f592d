"""One host from cloud to cloud: every stage, what fails there, and what a run after a kill does."""

from pathlib import Path

import pytest
from machine_room import Killed, Network, Room

from pumphouse.errors import (
    BmcLoginError,
    DeploymentFailed,
    EngineBusy,
    MachineNetworkError,
    NotDiscovered,
    NotJoined,
    ProvisioningFailed,
    PumphouseError,
    Refused,
    SmokeTestFailed,
    UsageError,
)
from pumphouse.events import Bus
from pumphouse.model import CheckResult, Event, HostRecord, NodeState, Result
from pumphouse.service import upgrading

ALL = [
    "boot from network",
    "reset",
    "enroll",
    "assign",
    "deploy",
    "boot server",
    "delete server",
    "delete old service",
]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def upgrade(room: Room, operation: str = "upgrade", bus: Bus | None = None) -> HostRecord:
    return upgrading.carry_out(room.session(bus), operation, "old-1")


def refused(room: Room, error: type[PumphouseError], words: str, operation: str = "upgrade") -> None:
    with pytest.raises(error, match=words):
        upgrading.plan(room.session(), operation, "old-1")
    assert room.did == []
    assert room.session().adapters.hosts.find("old-1") is None


# --- all goes well --------------------------------------------------------------------------------
def test_a_host_goes_through_all_stages_and_ends_in_the_destination(room: Room) -> None:
    told: list[Event] = []
    bus = Bus()
    bus.subscribe(told.append)
    record = upgrade(room, bus=bus)
    assert room.did == ALL
    assert (record.stage, record.state, record.data["host"]) == ("done", "done", "node-7")
    assert not room.smoke_servers and not room.old_known
    done = [e.data["stage"] for e in told if e.type == "host.stage" and e.data["state"] == "done"]
    assert done == ["empty", "start", "discover", "prove", "assign", "deploy", "join", "smoke", "leave"]
    assert any((e.data.get("percent"), e.data.get("message")) == (40, "puppet runs") for e in told)
    assert [e.type for e in told][-2:] == ["host.done", "run.done"]


def test_a_host_that_is_done_is_left_alone(room: Room) -> None:
    upgrade(room)
    plan = upgrading.plan(room.session(), "upgrade", "old-1")
    assert (plan.stages, plan.done) == ((), "node-7")
    upgrade(room)
    assert room.did == ALL


def test_an_engine_that_starts_machines_itself_needs_no_bmc(tmp_path: Path) -> None:
    room = Room(tmp_path, boots=False)
    upgrade(room)
    assert room.did == ALL[2:]


def test_without_smoke_test_and_with_agents(tmp_path: Path) -> None:
    room = Room(tmp_path, smoke=False, agents=True)
    upgrade(room)
    assert room.did == [*ALL[:5], ALL[7]]


# --- refusals -------------------------------------------------------------------------------------
def test_what_speaks_against_it_is_told_before_anything_is_touched(room: Room) -> None:
    room.old_status = "enabled"
    refused(room, Refused, "takes new servers")
    room.old_status = "disabled"
    room.servers = [{"id": "x", "name": "web-1", "status": "SHUTOFF"}]
    refused(room, Refused, r"not empty: servers, 1: web-1 \(SHUTOFF\)")
    room.servers = []
    room.fail["power"] = BmcLoginError("BMC 10.0.0.1 does not accept the credentials")
    refused(room, BmcLoginError, "does not accept")
    room.checks = [CheckResult("reference node", Result.FAIL, "no compute in environment 'new'")]
    refused(room, Refused, "Engine: reference node: no compute")
    room.checks, room.state = [], NodeState.ELSEWHERE
    refused(room, Refused, "in another environment of Engine")
    room.state, room.engine = None, None
    refused(room, Refused, "no deployment engine")


def test_hosts_that_are_not_the_sources_are_refused(room: Room) -> None:
    with pytest.raises(UsageError, match="no host named 'atlantis'"):
        upgrading.plan(room.session(), "upgrade", "atlantis")
    room.new_known = True
    with pytest.raises(Refused, match="'node-7' is not in inventory"):
        upgrading.plan(room.session(), "upgrade", "node-7")
    room.old_known = False
    refused(room, Refused, "'old-1' is in neither cloud")


# --- emptied first --------------------------------------------------------------------------------
def evacuated(room: Room) -> HostRecord:
    return upgrading.carry_out(room.session(), "upgrade", "old-1", evacuate=True)


def test_a_host_can_be_emptied_first(room: Room) -> None:
    room.old_status = "enabled"
    plan = upgrading.plan(room.session(), "upgrade", "old-1", evacuate=True)
    assert [stage.name for stage in plan.stages][:4] == ["disable", "move", "proof", "empty"]
    assert plan.evacuation and room.did == []
    assert evacuated(room).state == "done"
    assert room.did == ["disable", *ALL]


def test_a_server_that_cannot_leave_stops_it_before_anything_is_touched(room: Room) -> None:
    room.old_status = "enabled"
    flavor = {"vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0}
    where = {"OS-EXT-SRV-ATTR:host": "old-1", "tenant_id": "p", "image": {"id": "i"}, "flavor": flavor}
    room.servers = [{"id": "x", "name": "web-1", "status": "ACTIVE", **where}]
    with pytest.raises(
        Refused, match="cannot be emptied: server 'web-1' fits nowhere: there is no other host"
    ):
        evacuated(room)
    assert room.did == [] and room.session().adapters.hosts.find("old-1") is None


def test_originals_of_moved_servers_have_to_be_committed_first(room: Room) -> None:
    flavor = {"vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0}
    where = {"OS-EXT-SRV-ATTR:host": "old-1", "tenant_id": "p", "image": {"id": "i"}, "flavor": flavor}
    room.servers = [{"id": "x", "name": "web-1", "status": "SHUTOFF", **where}]
    ledger = room.session().adapters.ledger
    ledger.intend("server:x", "server", "web-1")
    ledger.created("server:x", "there")
    ledger.done("server:x")
    with pytest.raises(Refused, match="originals of servers that have moved, 1: web-1"):
        evacuated(room)
    assert room.did == []


def test_a_machine_that_was_started_is_neither_emptied_nor_switched_off_again(room: Room) -> None:
    room.old_status = "enabled"
    room.kill["reset"] = "after"
    with pytest.raises(Killed):
        evacuated(room)
    assert not room.old_up
    room.did.clear()
    room.kill["enroll"] = "before"
    with pytest.raises(Killed):
        evacuated(room)
    assert "switch off" not in room.did and room.did[0] != "disable"


# --- failures, and the same command again ----------------------------------------------------------
@pytest.mark.parametrize(
    "error", [ProvisioningFailed("no disk"), DeploymentFailed("puppet"), EngineBusy("task 3")]
)
def test_what_the_engine_says_is_kept_and_the_same_command_goes_on(room: Room, error: PumphouseError) -> None:
    room.fail["deploy"] = error
    with pytest.raises(type(error)) as raised:
        upgrade(room)
    assert "same command" in raised.value.remedy
    record = room.session().adapters.hosts.find("old-1")
    assert record and (record.stage, record.state, record.data["error"]) == (
        "deploy",
        "failed",
        error.message,
    )
    done = upgrade(room)
    assert (done.state, done.data["error"]) == ("done", "")
    assert room.did == ALL


def test_a_machine_that_does_not_turn_up_is_started_again_by_the_next_run(room: Room) -> None:
    room.appears = False
    with pytest.raises(NotDiscovered, match=r"within 30 s; last: not seen yet"):
        upgrade(room)
    room.appears = True
    upgrade(room)
    assert room.did.count("reset") == 2
    assert room.did[-6:] == ALL[2:]


def test_nothing_is_written_when_another_machine_was_started(room: Room) -> None:
    room.state = NodeState.FREE
    session = room.session()
    session.adapters.hosts.begin("old-1", "upgrade")
    session.adapters.hosts.stage("old-1", "start", service="old-1", started=True)
    with pytest.raises(Refused, match="those of another machine"):
        upgrade(room)
    assert "assign" not in room.did


def test_a_host_whose_services_do_not_come_up(room: Room) -> None:
    room.comes_up = False
    with pytest.raises(NotJoined, match="its nova-compute is down"):
        upgrade(room)
    room.new_up, room.mapped = True, False
    with pytest.raises(NotJoined, match="cells do not know") as raised:
        upgrade(room)
    assert "discover_hosts" in raised.value.remedy
    room.mapped = True
    assert upgrade(room).state == "done"
    assert room.did == ALL


def test_a_failed_smoke_test_leaves_no_server_and_keeps_the_source_as_it_is(room: Room) -> None:
    room.smoke_status = "ERROR"
    with pytest.raises(SmokeTestFailed, match="did not start: no valid disk"):
        upgrade(room)
    assert not room.smoke_servers
    assert room.old_known
    assert not room.session().adapters.ledger.temporaries()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ALL)
def test_killed_anywhere_the_same_command_comes_to_the_same_end(room: Room, what: str, when: str) -> None:
    room.kill[what] = when
    with pytest.raises(Killed):
        upgrade(room)
    record = upgrade(room)
    assert (record.state, record.data["host"]) == ("done", "node-7")
    assert not room.smoke_servers and not room.old_known
    assert not room.session().adapters.ledger.temporaries()
    assert {step: room.did.count(step) for step in ("assign", "deploy")} == {"assign": 1, "deploy": 1}


# --- acquire and withdraw ----------------------------------------------------------------------------
def test_acquired_a_host_waits_free_for_whoever_takes_it(room: Room) -> None:
    assert upgrade(room, "acquire").state == "done"
    assert (room.did, room.state) == (ALL[:3], NodeState.FREE)


def test_acquired_without_an_engine_it_is_started_from_the_network(room: Room) -> None:
    room.engine = None
    upgrade(room, "acquire")
    assert room.did == ALL[:2]


def test_given_back_before_anything_is_written(room: Room) -> None:
    room.kill["deploy"] = "before"
    with pytest.raises(Killed):
        upgrade(room)
    assert upgrade(room, "withdraw").state == "done"
    assert room.did[4:] == ["withdraw", "boot from disk", "reset", "enable"]
    assert (room.old_up, room.old_status) == (True, "enabled")


def test_given_back_though_nova_has_not_noticed_that_it_was_gone(room: Room) -> None:
    upgrade(room, "acquire")
    room.old_up = True  # as Nova sees it, for service_down_time more
    upgrade(room, "withdraw")
    assert room.did.count("boot from disk") == 1


def test_what_is_written_is_not_given_back(room: Room) -> None:
    refused(room, Refused, "nothing was begun", "withdraw")
    room.fail["deploy"] = ProvisioningFailed("no disk")
    with pytest.raises(ProvisioningFailed):
        upgrade(room)
    with pytest.raises(Refused, match="has been written to"):
        upgrade(room, "withdraw")


# --- the network of the machine ----------------------------------------------------------------------
def test_a_machine_is_isolated_while_it_is_installed(room: Room) -> None:
    room.network = Network(room)
    assert upgrade(room).state == "done"
    assert room.did == ["isolate", *ALL[:5], "restore", *ALL[5:]]


def test_given_back_it_starts_in_its_own_network(room: Room) -> None:
    room.network = Network(room)
    room.fail["isolate"] = MachineNetworkError("no such VLAN")
    with pytest.raises(MachineNetworkError):
        upgrade(room)
    room.kill["deploy"] = "before"
    with pytest.raises(Killed):
        upgrade(room)
    upgrade(room, "withdraw")
    assert room.did == ["isolate", *ALL[:4], "withdraw", "restore", "boot from disk", "reset", "enable"]


@pytest.mark.parametrize("what", ["isolate", "restore"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_network_the_same_command_comes_to_the_same_end(
    room: Room, what: str, when: str
) -> None:
    room.network = Network(room)
    room.kill[what] = when
    with pytest.raises(Killed):
        upgrade(room)
    assert upgrade(room).state == "done"
    order = [step for step in room.did if step in ("isolate", "boot from network", "deploy", "restore")]
    assert [*dict.fromkeys(order)] == ["isolate", "boot from network", "deploy", "restore"]


def test_a_switch_that_does_not_answer_refuses_before_anything_is_touched(room: Room) -> None:
    room.network = Network(room)
    room.fail["network"] = MachineNetworkError("nothing answers")
    refused(room, MachineNetworkError, "nothing answers")


# --- an engine that takes the power from machines ----------------------------------------------------
@pytest.fixture
def stopping(tmp_path: Path) -> Room:
    room = Room(tmp_path, boots=False)
    room.stops = True
    return room


def test_a_machine_that_the_engine_stops_is_not_started_but_proven(stopping: Room) -> None:
    names = [stage.name for stage in upgrading.plan(stopping.session(), "upgrade", "old-1").stages]
    assert names[:4] == ["empty", "discover", "prove", "assign"]
    assert upgrade(stopping).state == "done"
    assert stopping.did == ALL[2:]


def test_nothing_is_written_when_the_engine_stopped_another_machine(stopping: Room) -> None:
    stopping.appears = False
    with pytest.raises(Refused, match="still runs after 30 s, though its machine was taken from the source"):
        upgrade(stopping)
    assert stopping.did == ["enroll"]


def test_a_machine_that_the_engine_stopped_is_given_back_by_it(stopping: Room) -> None:
    upgrade(stopping, "acquire")
    upgrade(stopping, "withdraw")
    assert stopping.did == ["enroll", "withdraw", "boot from disk", "reset", "enable"]
    assert (stopping.old_up, stopping.old_status) == (True, "enabled")
