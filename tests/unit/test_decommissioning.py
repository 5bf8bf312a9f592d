"""The last step: nothing is closed that holds something, and what was begun goes on."""

from pathlib import Path

import pytest
from machine_room import Killed, Room

from pumphouse.errors import BmcUnreachable, NotDiscovered, Refused
from pumphouse.model import NodeState
from pumphouse.service import decommissioning


@pytest.fixture
def room(tmp_path: Path) -> Room:
    made = Room(tmp_path)
    made.old_up = False
    return made


def close(room: Room, fate: decommissioning.Fate = "off") -> decommissioning.Closing:
    return decommissioning.carry_out(room.session(), fate)


def test_what_is_left_is_listed_by_kind_with_number_and_names(room: Room) -> None:
    room.old_up = True
    room.servers = [{"id": str(i), "name": f"web-{i}", "status": "SHUTOFF"} for i in range(7)]
    room.volumes = [{"id": "v", "name": "data"}]
    with pytest.raises(Refused) as raised:
        close(room)
    listed = ", ".join(f"web-{i} (SHUTOFF)" for i in range(5))
    assert raised.value.message == (
        f"the source is not empty: servers, 7: {listed} and 2 more; volumes, 1: data; "
        "hosts that still run, 1: old-1"
    )
    assert room.did == []


def test_dead_hosts_leave_and_controllers_lose_their_power(room: Room) -> None:
    close(room)
    assert room.did == ["delete old service", "switch off"]
    record = room.session().adapters.hosts.find("head")
    assert record and (record.operation, record.state) == ("decommission", "done")
    assert close(room) == decommissioning.Closing((), (), "off")


def test_controllers_stay_on_unless_told(room: Room) -> None:
    close(room, "keep")
    assert room.did == ["delete old service"]


def test_a_bmc_that_does_not_answer_is_told_before_anything_is_removed(room: Room) -> None:
    room.fail["power"] = BmcUnreachable("BMC 10.0.0.2: nothing answers")
    with pytest.raises(BmcUnreachable):
        close(room)
    assert room.did == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["delete old service", "switch off"])
def test_killed_anywhere_it_goes_on(room: Room, what: str, when: str) -> None:
    room.kill[what] = when
    with pytest.raises(Killed):
        close(room)
    close(room)
    assert not room.old_known
    assert room.did[-1] == "switch off"


JOINED = [
    "delete old service",
    "boot from network",
    "reset",
    "enroll",
    "assign",
    "deploy",
    "boot server",
    "delete server",
]


def test_controllers_join_the_destination(room: Room) -> None:
    close(room, "join")
    assert room.did == JOINED
    record = room.session().adapters.hosts.find("head")
    assert record and (record.operation, record.state, record.data["host"]) == ("join", "done", "node-7")
    assert close(room, "join").controllers == ()


def test_controllers_that_were_switched_off_may_join_later(room: Room) -> None:
    close(room)
    room.session()
    close(room, "join")
    assert room.did == [JOINED[0], "switch off", *JOINED[1:]]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", JOINED)
def test_a_controller_that_was_killed_on_its_way_goes_on(room: Room, what: str, when: str) -> None:
    room.kill[what] = when
    with pytest.raises(Killed):
        close(room, "join")
    close(room, "join")
    assert room.state is NodeState.DEPLOYED and not room.smoke_servers
    assert room.did.count("deploy") == 1


def test_without_an_engine_no_controller_joins_and_nothing_is_removed(room: Room) -> None:
    room.engine = None
    with pytest.raises(Refused, match="no deployment engine"):
        close(room, "join")
    assert room.did == []


def test_a_controller_without_mac_addresses_is_refused(tmp_path: Path) -> None:
    room = Room(tmp_path, controller_has_macs=False)
    room.old_up = False
    with pytest.raises(Refused, match="gives host 'head' no MAC addresses"):
        close(room, "join")
    assert room.did == []


def test_a_controller_that_does_not_turn_up_says_how_to_give_up(room: Room) -> None:
    room.appears = False
    with pytest.raises(NotDiscovered) as raised:
        close(room, "join")
    assert "start it from its disk" in raised.value.remedy and "withdraw" not in raised.value.remedy
