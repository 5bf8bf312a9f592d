"""A host that the source's own engine manages: that lets it go and wipes it, before the destination's takes it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from machine_room import MACS, Engine, Killed, Room

from pumphouse.errors import EngineLoginError, Refused, WipeFailed
from pumphouse.events import Bus
from pumphouse.hosts import Host
from pumphouse.machines import Tell
from pumphouse.model import CheckResult, Node, NodeState, Result
from pumphouse.service import upgrading
from pumphouse.service.hosts import check_engines
from pumphouse.service.session import Session

LET_GO = ["release", "enroll", "assign", "deploy", "boot server", "delete server", "delete old service"]


class Former(Engine):
    """Has the machine until it lets it go; then the machine turns up in the other engine by itself."""

    state: NodeState | None = NodeState.DEPLOYED
    refuses: Exception | None = None

    def nodes(self) -> tuple[Node, ...]:
        if self.refuses:
            raise self.refuses
        return super().nodes()

    def find(self, host: Host | None) -> Node | None:
        return Node("3", "n3", self.state, MACS) if self.state else None

    def release(self, host: Host, tell: Tell, timeout: float) -> None:
        def wipe() -> None:
            self.state, self.room.old_up, self.room.state = None, False, NodeState.FREE

        if self.state:
            self.room.does("release", wipe)


class Managed(Room):
    """See Room; both clouds have an engine."""

    def __init__(self, directory: Path, **more: Any) -> None:
        super().__init__(directory, **more)
        self.former = Former(self)

    def session(self, bus: Bus | None = None) -> Session:
        made = super().session(bus)
        engines = {"source": self.former, "destination": self.engine}
        return Session(self.config, replace(made.adapters, provisioner=engines.__getitem__), bus or Bus())


@pytest.fixture
def room(tmp_path: Path) -> Managed:
    return Managed(tmp_path)


def upgrade(room: Managed, operation: str = "upgrade") -> None:
    upgrading.carry_out(room.session(), operation, "old-1")


def test_it_is_let_go_and_needs_no_start_by_its_bmc(room: Managed) -> None:
    stages = [stage.name for stage in upgrading.plan(room.session(), "upgrade", "old-1").stages]
    assert stages[:4] == ["empty", "release", "start", "discover"]
    upgrade(room)
    assert room.did == LET_GO


@pytest.mark.parametrize("state", [None, NodeState.FREE, NodeState.ELSEWHERE, NodeState.OFFLINE])
def test_a_machine_that_it_does_not_have_is_started_by_its_bmc(
    room: Managed, state: NodeState | None
) -> None:
    room.former.state = state
    upgrade(room)
    assert room.did[:3] == ["boot from network", "reset", "enroll"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_is_let_go_the_same_command_goes_on(room: Managed, when: str) -> None:
    room.kill["release"] = when
    with pytest.raises(Killed):
        upgrade(room)
    upgrade(room)
    assert room.did == LET_GO


def test_what_may_be_wiped_is_not_given_back(room: Managed) -> None:
    room.kill["release"] = "after"
    with pytest.raises(Killed):
        upgrade(room)
    with pytest.raises(Refused, match="has been written to"):
        upgrade(room, "withdraw")


def test_what_could_not_be_let_go_is_still_there_and_given_back(room: Managed) -> None:
    room.fail["release"] = WipeFailed("no power", "Look.")
    with pytest.raises(WipeFailed) as raised:
        upgrade(room)
    assert "It is still in the source. The same command goes on here." in raised.value.remedy
    upgrade(room, "withdraw")
    assert room.old_status == "enabled"


# --- pumphouse check ------------------------------------------------------------------------------
def checked(room: Room) -> list[tuple[str, str, str]]:
    return [(line.check, line.result.value, line.detail) for line in check_engines(room.session())]


def test_check_asks_both_engines(room: Managed) -> None:
    room.checks = [CheckResult("reference node", Result.FAIL, "there is none", "Name one.")]
    assert checked(room) == [
        ("Engine: reference node", "fail", "there is none"),
        ("Engine of the source", "ok", "answers; machines it knows: 1"),
    ]


def test_check_tells_of_an_engine_that_does_not_let_us_in(room: Managed) -> None:
    room.former.refuses = EngineLoginError("the password is wrong")
    assert checked(room)[-1] == ("deployment engine", "fail", "the password is wrong")


def test_check_says_nothing_where_there_is_no_engine(room: Managed) -> None:
    room.engine, room.former = None, None  # type: ignore[assignment]
    assert checked(room) == []
