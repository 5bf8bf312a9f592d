"""The lab's machines: settings, files, and the life of one machine."""

import stat
import time

import pytest
import yaml

from pumphouse.errors import LabError
from pumphouse.hosts import load_hosts
from pumphouse.lab.client_files import write_client_files
from pumphouse.lab.home import choose_settings, clouds_of, read_settings, room_of, write_settings
from pumphouse.lab.machine_files import mac_addresses, machine_id, write_machine_files
from pumphouse.lab.machines.machine import Machine, Record, Refused


def made(home, **asked):
    settings = choose_settings(home, {"machines": True, **asked})
    write_settings(home, settings, clouds_of(home, settings))
    return settings


def test_settings_of_machines_are_kept_and_cannot_be_changed(tmp_path):
    settings = made(tmp_path, bmc="redfish", host_vcpus=4)
    assert read_settings(tmp_path) == settings
    assert choose_settings(tmp_path, {"machines": None}) == settings
    with pytest.raises(LabError, match="with 4 vCPUs and plenty of MiB, machines with redfish"):
        choose_settings(tmp_path, {"bmc": "ipmi"})


def test_a_bmc_without_machines_is_refused(tmp_path):
    with pytest.raises(LabError, match="--boot-seconds says nothing"):
        choose_settings(tmp_path, {"boot_seconds": 1.0})


@pytest.mark.parametrize("bmc", ["ipmi", "redfish"])
def test_the_inventory_is_one_that_pumphouse_reads(tmp_path, bmc):
    settings = made(tmp_path, bmc=bmc)
    room = room_of(tmp_path, settings)
    write_client_files(tmp_path, clouds_of(tmp_path, settings), room)
    write_machine_files(room)
    hosts = load_hosts(tmp_path / "inventory.yaml").hosts
    assert [host.name for host in hosts][2:] == ["source-compute-3", "destination-compute-1"]
    assert list(hosts[0].macs) == mac_addresses("source-compute-1")
    assert len(hosts[0].bmc.secret()) >= 12
    assert stat.S_IMODE(room.password_file.stat().st_mode) == 0o600
    deployment = yaml.safe_load((tmp_path / "config.yaml").read_text())["destination"]["deployment"]
    assert deployment["type"] == "command"
    assert stat.S_IMODE((tmp_path / "engine" / "install-host").stat().st_mode) & 0o100


class Around:
    """No cloud: it tells what was asked of it."""

    boot_seconds = 0.01

    def __init__(self):
        self.asked, self.reported, self.refuses = [], [], 0

    def save(self):
        pass

    def compute(self, action, cloud, host):
        if self.refuses:
            self.refuses -= 1
            raise OSError("not up yet")
        self.asked.append(f"{action} {cloud} {host}")

    def report(self, described):
        self.reported.append(described["running"])


@pytest.fixture
def around():
    return Around()


@pytest.fixture
def machine(around):
    name = "compute-1"
    fixed = {"uuid": machine_id(name), "macs": mac_addresses(name), "host": name}
    running = Machine(
        Record(
            name, power="on", boot="disk", booting=False, running="source", disk="source", **fixed
        ),
        around,
    )  # fmt: skip
    running.start()
    return running


def settled(machine):
    deadline = time.monotonic() + 10
    while machine.record.booting and time.monotonic() < deadline:
        time.sleep(0.005)
    return machine.record.running


def test_it_goes_from_one_cloud_to_the_other(machine, around):
    with pytest.raises(Refused, match="runs as compute-1"):
        machine.write("destination", "node-1")
    machine.boot_from("network")
    machine.switch("reset")
    assert (settled(machine), machine.record.boot) == ("bootstrap", "disk")
    machine.write("destination", "node-1")
    machine.switch("reset")
    assert settled(machine) == "destination"
    assert around.asked == [
        "start source compute-1", "stop source compute-1", "start destination node-1",
    ]  # fmt: skip
    assert around.reported[0] == "bootstrap"


def test_power_that_is_there_stays(machine):
    machine.switch("on")
    assert machine.record.resets == 0
    machine.switch("off")
    assert (machine.record.power, machine.record.running) == ("off", "off")
    machine.switch("on")
    assert settled(machine) == "source"


def test_a_cloud_that_is_not_up_yet_is_asked_again(machine, around):
    around.refuses = 1
    machine.switch("off")
    assert (machine.record.running, around.asked[-1]) == ("off", "stop source compute-1")


def test_what_is_to_fail_fails_as_often_as_it_was_told(machine):
    machine.fail("power", 2)
    for power in ("on", "off", "on", "on"):
        machine.switch(power)
    assert machine.record.power == "on"
    machine.switch("off")
    machine.switch("off")
    machine.fail("boot", 1)
    for expected in ("nothing", "bootstrap"):
        machine.boot_from("network")
        machine.switch("reset")
        assert settled(machine) == expected
    with pytest.raises(Refused, match="what may fail is one of"):
        machine.fail("luck", 1)
