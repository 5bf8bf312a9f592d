"""The network of a machine: any program, and a switch's interfaces by a real SSH session."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncssh
import pytest

from pumphouse.clock import StoppableClock
from pumphouse.config import Config
from pumphouse.errors import ConfigError, MachineNetworkError, Refused
from pumphouse.hosts import Host
from pumphouse.wiring import open_network

BMC = {"type": "ipmi", "address": "10.0.0.1", "username": "u", "password": "never told"}
PASSWORD = "s3cret of the switch"


def network(timeout=10, **settings):
    config = {
        "source": {"cloud": "a"},
        "destination": {"cloud": "b"},
        "hosts": {"network": settings or None, "timeouts": {"network": timeout}},
    }
    return open_network(Config.model_validate(config), StoppableClock())


def machine(**more):
    return Host.model_validate({"name": "compute-01", "macs": ["52:54:00:00:00:01"], "bmc": BMC, **more})


def test_without_one_machines_stay_where_they_are():
    assert network() is None


# --- a program ------------------------------------------------------------------------------------
@pytest.fixture
def program(tmp_path):
    def write(script):
        path = tmp_path / "network"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


def test_a_program_is_called_with_verb_and_host(program, tmp_path):
    called = tmp_path / "called"
    script = f'env | grep -q "never told" && exit 9; echo "$* $PUMPHOUSE_HOST $PUMPHOUSE_MACS" >> {called}'
    made = network(type="command", program=[program(script), "--dry"])
    made.check(machine())
    made.isolate(machine())
    made.restore(machine())
    facts = "compute-01 compute-01 52:54:00:00:00:01"
    assert called.read_text().splitlines() == [
        f"--dry {verb} {facts}" for verb in ("check", "isolate", "restore")
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no such port; exit 1", "isolate ended with code 1: no such port"),
        ("echo someone else configures; exit 75", "isolate is busy: someone else configures"),
        ("exit 2", "code 2: it said nothing"),
        ("sleep 30", "not done after 1 s; it was stopped"),
    ],
)
def test_a_program_that_fails_says_why(program, script, words):
    with pytest.raises(MachineNetworkError, match=words) as raised:
        network(1, type="command", program=program(script)).isolate(machine())
    assert "compute-01" in raised.value.message and raised.value.remedy
    with pytest.raises(MachineNetworkError, match="cannot be started: No such file"):
        network(type="command", program="/nowhere/at/all").isolate(machine())


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match=r"hosts\.network: program: is required"):
        network(type="command")
    with pytest.raises(ConfigError, match="may hold"):
        network(type="switch", vlan=9, isolate=["interface {port}"])
    with pytest.raises(ConfigError, match="'vlan-robot': no such driver"):
        network(type="vlan-robot")


# --- a switch -------------------------------------------------------------------------------------
class Switch:
    """A running one."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.file, key = directory / "switch.json", directory / "key"
        made = asyncssh.generate_private_key("ssh-ed25519")
        made.write_private_key(key)
        self.known = directory / "known_hosts"
        self.known.write_text(f"[127.0.0.1]:{self.port} {made.export_public_key().decode()}")
        command = [sys.executable, Path(__file__).with_name("switch.py"), str(self.port), "netops", PASSWORD]
        self.process = subprocess.Popen([*command, key, self.file])
        deadline = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.1)

    def __call__(self):
        return json.loads(self.file.read_text())

    def host(self, **more):
        switch = {"device_type": "cisco_ios", "address": "127.0.0.1", "port": self.port, "username": "netops"}
        switch |= {"password": PASSWORD, "known_hosts": str(self.known), "vlans": [10, 20]}
        return machine(switch=switch | {"interfaces": ["Ethernet1/1", "Ethernet1/2"]} | more)


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    made = Switch(tmp_path_factory.mktemp("switch"))
    yield made
    made.process.terminate()
    made.process.wait()


def test_interfaces_go_into_the_vlan_of_the_engine_and_back(switch):
    made = network(type="switch", vlan=99, save=True)
    made.check(switch.host())
    assert switch() == {"interfaces": {}, "saved": 0}
    made.isolate(switch.host())
    alone = {"mode": "access", "access vlan": "99"}
    assert switch() == {"interfaces": {"Ethernet1/1": alone, "Ethernet1/2": alone}, "saved": 1}
    made.isolate(switch.host())
    made.restore(switch.host())
    back = alone | {"mode": "trunk", "trunk allowed vlan": "10,20"}
    assert switch()["interfaces"] == {"Ethernet1/1": back, "Ethernet1/2": back}


def test_a_line_that_the_switch_refuses_is_told(switch):
    made = network(type="switch", vlan=99)
    with pytest.raises(MachineNetworkError, match="refuses a line") as raised:
        made.isolate(switch.host(interfaces=["Gigabit0/1"]))
    assert "Gigabit0/1" in raised.value.message
    own = network(type="switch", vlan=99, isolate=["interface {interface}", "vlan members {vlan}"])
    with pytest.raises(MachineNetworkError, match=r"refuses a line: .*vlan members 99"):
        own.isolate(switch.host())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "user name or password is not accepted"),
        ({"known_hosts": "/dev/null"}, "host key is unknown"),
        ({"port": 1}, "nothing answers"),
        ({"device_type": "etch_a_sketch"}, "device_type"),
    ],
)
def test_what_is_wrong_with_the_switch_is_told_apart(switch, change, words):
    with pytest.raises(MachineNetworkError, match=words) as raised:
        network(type="switch", vlan=99).check(switch.host(**change))
    told = f"{raised.value.message} {raised.value.remedy}"
    assert "compute-01" in told and "127.0.0.1" in told and PASSWORD not in told and "wrong" not in told
    assert "\n" not in told


def test_a_host_without_a_switch_is_refused():
    with pytest.raises(Refused, match="does not say which switch host 'compute-01' is plugged into"):
        network(type="switch", vlan=99).isolate(machine())
