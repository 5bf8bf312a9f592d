"""The engine ``command`` with real programs: told apart by exit code, followed, stopped."""

import os
import pathlib
import signal
import threading
import time

import pytest

from pumphouse import programs
from pumphouse.clock import StoppableClock
from pumphouse.config import Config
from pumphouse.drivers.provision import command
from pumphouse.errors import (
    ConfigError,
    DeploymentFailed,
    EngineBusy,
    EngineUnreachable,
    Interrupted,
    ProvisionError,
    ProvisioningFailed,
)
from pumphouse.hosts import Host
from pumphouse.model import NodeState, Result
from pumphouse.wiring import open_provisioner

HOST = Host.model_validate(
    {
        "name": "compute-01",
        "macs": ["52:54:00:00:00:01", "52:54:00:00:00:02"],
        "bmc": {"type": "ipmi", "address": "10.0.0.1", "username": "u", "password": "never told"},
    }
)


def engine(tmp_path, script, clock=None):
    path = tmp_path / "install-host"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return command.CommandProvisioner(command.CommandSettings(program=str(path)), clock or StoppableClock())


def told(lines):
    return lambda percent, words: lines.append((percent, words))


def test_progress_is_told_and_the_last_line_names_the_host(tmp_path):
    lines = []
    script = """
    test "$1 $2" = "install compute-01" || exit 9
    echo progress 10 writing the disk
    echo a line for the log
    echo "progress 250 $PUMPHOUSE_MACS $PUMPHOUSE_BMC_ADDRESS $PUMPHOUSE_HOST"
    env | grep -q "never told" && exit 9
    echo host node-7.example.org"""
    assert engine(tmp_path, script).deploy(HOST, told(lines), 30) == "node-7.example.org"
    macs = "52:54:00:00:00:01,52:54:00:00:00:02"
    assert lines == [(10, "writing the disk"), (100, f"{macs} 10.0.0.1 compute-01")]


@pytest.mark.parametrize(
    "script, error, words",
    [
        ("echo no space left; exit 3", ProvisioningFailed, "code 3: no space left"),
        (
            "echo >&2 nova-compute does not start; exit 4",
            DeploymentFailed,
            "code 4: nova-compute does not start",
        ),
        ("exit 2", ProvisionError, "code 2: it said nothing"),
        ("echo done", DeploymentFailed, "did not say what the compute host is called"),
        ("echo 'host '", DeploymentFailed, "did not say what the compute host is called"),
    ],
)
def test_failures_are_told_apart(tmp_path, script, error, words):
    with pytest.raises(error, match=words) as raised:
        engine(tmp_path, script).deploy(HOST, told([]), 30)
    assert type(raised.value) is error and "compute-01" in raised.value.message and raised.value.remedy


def test_a_busy_program_is_asked_again_until_the_time_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "BUSY_PAUSE", 0.1)
    lines, flag = [], tmp_path / "flag"
    script = (
        f"test -e {flag} && echo host n1 && exit 0; touch {flag}; echo another host is installed; exit 75"
    )
    assert engine(tmp_path, script).deploy(HOST, told(lines), 30) == "n1"
    assert lines == [(None, "busy: another host is installed")]
    monkeypatch.setattr(programs, "BUSY_PAUSE", 60)  # there is no time to ask again
    with pytest.raises(EngineBusy, match="another host is installed"):
        engine(tmp_path, "echo another host is installed; exit 75").deploy(HOST, told([]), 30)


def gone(pid):
    for _ in range(100):
        if not pathlib.Path(f"/proc/{pid}").exists() or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


def test_a_stop_ends_the_program_and_what_it_started(tmp_path):
    clock, pids = StoppableClock(), tmp_path / "pids"
    threading.Timer(0.5, clock.stop).start()
    with pytest.raises(Interrupted):
        engine(tmp_path, f"sleep 60 & echo $! > {pids}; wait", clock).deploy(HOST, told([]), 60)
    assert gone(int(pids.read_text()))


def test_a_program_that_takes_too_long_is_stopped(tmp_path):
    pids = tmp_path / "pids"
    with pytest.raises(ProvisionError, match="not done after 1 s"):
        engine(tmp_path, f"sleep 60 & echo $! > {pids}; wait").deploy(HOST, told([]), 1)
    assert gone(int(pids.read_text()))


def test_a_child_that_keeps_the_output_open_is_not_waited_for(tmp_path):
    pids, started = tmp_path / "pids", time.monotonic()
    script = f"sleep 60 & echo $! > {pids}; printf 'host n1'"
    assert engine(tmp_path, script).deploy(HOST, told([]), 60) == "n1"
    assert time.monotonic() - started < 10
    os.kill(int(pids.read_text()), signal.SIGKILL)  # it was left to itself


def test_a_program_that_closes_its_output_is_waited_for(tmp_path):
    flag = tmp_path / "flag"
    script = f"echo host n1; exec >&- 2>&-; sleep 0.5; touch {flag}"
    assert engine(tmp_path, script).deploy(HOST, told([]), 60) == "n1"
    assert flag.exists()
    with pytest.raises(ProvisionError, match="not done after 1 s"):
        engine(tmp_path, "exec >&- 2>&-; sleep 60").deploy(HOST, told([]), 1)


def test_check_calls_the_program(tmp_path):
    good, bad = engine(tmp_path, 'test "$1" = check'), None
    assert [line.result for line in good.check()] == [Result.OK]
    bad = engine(tmp_path, "echo no inventory; exit 1")
    (line,) = bad.check()
    assert line.result is Result.FAIL and "no inventory" in line.detail
    os.unlink(tmp_path / "install-host")
    (line,) = bad.check()
    assert line.result is Result.FAIL and "cannot be started" in line.detail
    with pytest.raises(EngineUnreachable, match="cannot be started: No such file"):
        bad.deploy(HOST, told([]), 5)


def test_every_machine_is_free_for_it(tmp_path):
    assert engine(tmp_path, "exit 0").find(HOST).state is NodeState.FREE
    with pytest.raises(ProvisionError, match="lets no machine go"):
        engine(tmp_path, "exit 0").release(HOST, told([]), 30)


@pytest.mark.parametrize(
    "deployment, words",
    [
        ({"type": "puppet"}, "'puppet': no such driver"),
        ({"type": "command"}, "config.yaml: destination.deployment: program: is required"),
        ({"type": "command", "program": [], "colour": "red"}, "colour: unknown key"),
    ],
)
def test_wrong_settings_are_refused(deployment, words):
    clouds = {"source": {"cloud": "old"}, "destination": {"cloud": "new", "deployment": deployment}}
    with pytest.raises(ConfigError) as raised:
        open_provisioner(Config.model_validate(clouds), "destination", StoppableClock())
    assert words in raised.value.message
