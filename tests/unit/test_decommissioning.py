"""The last step: nothing is closed that holds something, and what was begun goes on."""

from pathlib import Path

import pytest
from machine_room import Killed, Room

from pumphouse.errors import BmcUnreachable, Refused
from pumphouse.service import decommissioning


@pytest.fixture
def room(tmp_path: Path) -> Room:
    made = Room(tmp_path)
    made.old_up = False
    return made


def close(room: Room, *, off: bool = True) -> decommissioning.Closing:
    return decommissioning.carry_out(room.session(), off=off)


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
    assert close(room) == decommissioning.Closing((), ())


def test_controllers_stay_on_unless_told(room: Room) -> None:
    close(room, off=False)
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
