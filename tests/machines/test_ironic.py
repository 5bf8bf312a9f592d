"""The engine ``ironic`` against a real Ironic: machines with Redfish BMCs are cleaned, written, joined, released.

The tests tell the story of three machines: one is enrolled by us and goes all the way, one was in Ironic before, one
belongs to somebody else.
"""

import socket

import pytest
from ironic_room import IronicRoom
from pydantic import SecretStr

from pumphouse.clock import StoppableClock
from pumphouse.errors import (
    DeploymentFailed,
    EngineLoginError,
    EngineUnreachable,
    Interrupted,
    ProvisionError,
    ProvisioningFailed,
    Refused,
    WipeFailed,
)
from pumphouse.model import NodeState, Result

OURS, KNOWN, THEIRS = "source-compute-1", "source-compute-2", "source-compute-3"
NEW = f"node-{OURS}"
SECONDS = 150


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port():
    for base in range(15_400, 21_000, 400):
        if all(is_free(base + offset) for offset in (70, 81, 100, 774, 10_774)):
            return base
    raise AssertionError("no free ports")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    made = IronicRoom(tmp_path_factory.mktemp("ironic"), free_port())
    yield made
    made.stop()


@pytest.fixture
def engine(room):
    return room.engine()


def told(lines):
    return lambda percent, words: lines.append((percent, words))


def node(room, name):
    return room.ironic("GET", f"/nodes/{name}")


# --- before anything is written -------------------------------------------------------------------
def test_check_says_what_is_wrong(room, engine, tmp_path):
    assert [line.result for line in engine.check()] == [Result.OK]
    wrong = room.engine(password="wrong", password_file=None)
    (line,) = wrong.check()
    assert line.result is Result.FAIL and "wrong" not in line.detail
    with pytest.raises(EngineLoginError):
        wrong.nodes()
    with pytest.raises(EngineUnreachable):
        room.engine(url="http://127.0.0.1:1").find(room.host(OURS))
    last = list(room.engine(user_data=str(tmp_path / "gone")).check())[-1]
    assert (last.check, last.result) == ("user data", Result.FAIL)


def test_a_wrong_password_of_the_bmc_is_told_and_mended_by_the_next_run(room, engine):
    with pytest.raises(ProvisionError, match="Ironic cannot manage it") as raised:
        engine.enroll(room.host(OURS, password=SecretStr("wrong"), password_file=None))
    assert "inventory.yaml" in raised.value.remedy
    assert engine.find(room.host(OURS)).state is NodeState.OFFLINE
    assert room.machine(OURS)["running"] == "source"
    engine.enroll(room.host(OURS))
    assert engine.find(room.host(OURS)).state is NodeState.FREE
    assert room.machine(OURS)["running"] == "off"  # the source has lost it


def test_given_back_ironic_forgets_what_it_was_told(room, engine):
    engine.assign(room.host(OURS))
    assert engine.find(room.host(OURS)).state is NodeState.ASSIGNED
    engine.withdraw(room.host(OURS))
    engine.withdraw(room.host(OURS))
    assert engine.find(room.host(OURS)) is None
    assert room.machine(OURS)["disk"] == "source"


def test_a_kill_between_node_and_ports_loses_nothing(room, engine):
    made = {"name": OURS, "driver": "redfish", "extra": {"pumphouse": {"enrolled": True}}}
    room.ironic("POST", "/nodes", made)
    engine.enroll(room.host(OURS))
    assert [found.name for found in engine.nodes()] == [OURS]
    assert engine.nodes()[0].macs == room.host(OURS).macs


# --- the way of one machine -----------------------------------------------------------------------
def test_a_failed_cleaning_is_told_and_the_next_run_cleans_again(room, engine):
    engine.assign(room.host(OURS))
    room.machine(OURS, fail="write")
    with pytest.raises(WipeFailed, match="disk reports an error"):
        engine.deploy(room.host(OURS), told([]), SECONDS)
    assert engine.find(room.host(OURS)).state is NodeState.FAILED


def test_a_host_that_does_not_join_is_told_and_joins_with_the_next_run(room, engine):
    lines = []
    room.machine(OURS, fail="join")
    with pytest.raises(DeploymentFailed, match="nova-compute did not come up"):
        engine.deploy(room.host(OURS), told(lines), SECONDS)
    said = [words for _, words in lines]
    assert "clean wait: erase_devices_metadata" in said and "wait call-back: write_image" in said
    assert {percent is None or 0 <= percent <= 100 for percent, _ in lines} == {True}
    assert engine.find(room.host(OURS)).state is NodeState.DEPLOYED
    room.machine(OURS, power="reset")
    assert engine.deploy(room.host(OURS), told([]), SECONDS) == NEW
    assert (room.machine(OURS)["running"], room.machine(OURS)["host"]) == ("destination", NEW)


def test_a_host_is_released_and_wiped(room, engine):
    room.machine(OURS, fail="write")
    with pytest.raises(WipeFailed, match="could not release it: clean failed"):
        engine.release(room.host(OURS), told([]), 120)
    engine.release(room.host(OURS), told([]), 120)
    assert node(room, OURS)["provision_state"] == "available"
    assert room.machine(OURS)["disk"] == "blank"
    engine.release(room.host(OURS), told([]), 120)


# --- a machine that Ironic had before -------------------------------------------------------------
@pytest.fixture(scope="module")
def known(room):
    """Available; its operator lets Ironic clean nothing."""
    engine, host = room.engine(fields={"automated_clean": False}), room.host(KNOWN)
    engine.enroll(host)
    room.ironic("PATCH", f"/nodes/{KNOWN}", [{"op": "remove", "path": "/extra/pumphouse"}])
    room.ironic("PUT", f"/nodes/{KNOWN}/states/provision", {"target": "provide"})
    room.until("it to be available", lambda: node(room, KNOWN)["provision_state"] == "available")
    return host


def test_a_disk_that_fails_is_told(room, engine, known):
    engine.enroll(known)
    engine.assign(known)
    room.machine(KNOWN, fail="write")
    with pytest.raises(ProvisioningFailed, match=r"deploy failed: .*disk reports an error"):
        engine.deploy(known, told([]), SECONDS)
    assert engine.find(known).state is NodeState.FAILED


def test_an_agent_that_does_not_call_back_is_told(room, engine, known):
    room.machine(KNOWN, fail="boot")
    with pytest.raises(ProvisioningFailed, match=r"deploy failed: .*callback") as raised:
        engine.deploy(known, told([]), SECONDS)
    assert "did not call back" in raised.value.remedy


def test_stopped_on_the_way_the_next_run_goes_on(room, known):
    clock = StoppableClock()

    def stop(percent, words):
        if words.startswith(("deploying", "wait call-back")):  # whichever is seen first
            clock.stop()

    with pytest.raises(Interrupted):
        room.engine(clock).deploy(known, stop, SECONDS)
    resets = room.machine(KNOWN)["resets"]
    assert room.engine().find(known).state is NodeState.DEPLOYING
    assert room.engine().deploy(known, told([]), SECONDS) == f"node-{KNOWN}"
    assert room.machine(KNOWN)["resets"] <= resets + 2  # into the agent, and from the disk: once each


# --- a machine of somebody else -------------------------------------------------------------------
def test_a_node_that_others_use_is_left_alone(room, engine, known):
    room.ironic("PATCH", f"/nodes/{KNOWN}", [{"op": "remove", "path": "/extra/pumphouse"}])
    assert engine.find(known).state is NodeState.ELSEWHERE
    with pytest.raises(Refused, match="its node in Ironic is active"):
        engine.enroll(known)
    with pytest.raises(Refused, match="is not free"):
        engine.assign(known)
    assert room.machine(KNOWN)["running"] == "destination"


def test_a_node_in_maintenance_is_left_alone(room, engine):
    host = room.host(THEIRS)
    room.ironic("POST", "/nodes", {"name": THEIRS, "driver": "redfish"})
    room.ironic("PUT", f"/nodes/{THEIRS}/maintenance", {"reason": "a fan is broken"})
    with pytest.raises(Refused, match="in maintenance: a fan is broken"):
        engine.enroll(host)
    assert room.machine(THEIRS)["running"] == "source"


def test_passwords_are_in_nothing_that_ironic_tells(room, engine):
    secret = (room.home / "bmc-password").read_text().strip()
    assert secret not in str(room.ironic("GET", "/nodes/detail"))
    assert secret not in str(engine.nodes())


def test_a_machine_is_inspected_before_it_is_taken(room):
    host = room.host("destination-compute-1")
    engine = room.engine(inspect=True, fields={"inspect_interface": "redfish"})
    engine.enroll(host)
    found = node(room, host.name)
    assert found["inspection_finished_at"] and found["properties"]["memory_mb"] == 16 * 1024
    assert engine.find(host).state is NodeState.FREE
    engine.withdraw(host)
