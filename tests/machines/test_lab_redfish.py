"""The lab's machines behind Redfish: the emulator acts on them, and knows who may ask."""

import socket
import threading

import pytest
import requests

from pumphouse.clock import StoppableClock
from pumphouse.errors import BmcLoginError
from pumphouse.hosts import Bmc, Host
from pumphouse.lab.machines import redfish
from pumphouse.lab.machines.machine import Machine, Record
from pumphouse.lab.process import http_server
from pumphouse.model import BootDevice, PowerState
from pumphouse.wiring import open_power

IDS = ("27946b59-9e44-4fa7-8e91-f3527a1ef094", "27946b59-9e44-4fa7-8e91-f3527a1ef095")


class Around:
    """No cloud; what was asked of it is told."""

    boot_seconds = 0.2

    def __init__(self):
        self.asked = []

    def save(self):
        pass

    def compute(self, action, cloud, host):
        self.asked.append((action, cloud, host))

    def report(self, described):
        pass


@pytest.fixture
def around():
    return Around()


@pytest.fixture
def machines(around):
    made = [
        Machine(
            Record(
                name=f"compute-{number}", uuid=id_, macs=[f"52:54:00:00:00:0{number}"], power="on", boot="disk",
                booting=False, running="source", disk="source", host=f"compute-{number}",
            ),
            around,
        )
        for number, id_ in enumerate(IDS)
    ]  # fmt: skip
    for each in made:
        each.start()
    return made


@pytest.fixture
def address(machines, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    emulator = redfish.application(machines, tmp_path, "operator", "bmc-s3cret")
    server = http_server.listen(emulator, port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()


def power(address, number=0, password="bmc-s3cret"):
    system = f"/redfish/v1/Systems/{IDS[number]}"
    bmc = Bmc(type="redfish", address=address, username="operator", password=password, system=system)
    return open_power(Host(name=f"compute-{number}", bmc=bmc), StoppableClock())


def test_redfish_takes_the_host_away_and_boots_the_machine_from_the_network(address, machines, around):
    driver = power(address)
    driver.switch(PowerState.OFF, timeout=30)
    assert ("stop", "source", "compute-0") in around.asked
    driver.boot_from(BootDevice.NETWORK)
    driver.switch(PowerState.ON, timeout=30)
    StoppableClock().wait("boot", 10, lambda: machines[0].record.running == "bootstrap" or None)
    driver.reset()
    StoppableClock().wait("boot", 10, lambda: machines[0].record.running == "source" or None)
    assert around.asked[-1] == ("start", "source", "compute-0")
    assert machines[1].record.resets == 0


def test_each_machine_is_a_system_with_its_addresses(address):
    auth = ("operator", "bmc-s3cret")
    members = requests.get(f"{address}/redfish/v1/Systems", auth=auth, timeout=10).json()["Members"]
    assert [each["@odata.id"].rpartition("/")[2] for each in members] == list(IDS)
    path = f"{address}/redfish/v1/Systems/{IDS[1]}/EthernetInterfaces"
    (nic,) = requests.get(path, auth=auth, timeout=10).json()["Members"]
    assert nic["@odata.id"].endswith("52:54:00:00:00:01")


def test_a_wrong_password_is_refused(address):
    with pytest.raises(BmcLoginError):
        power(address, password="guessed").state()
