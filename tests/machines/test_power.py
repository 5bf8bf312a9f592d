"""The power drivers against real BMCs: pyghmi's IPMI server, which ipmitool can drive too, and a Redfish emulator."""

import json
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import pytest
import requests

from pumphouse.clock import StoppableClock
from pumphouse.errors import BmcError, BmcLoginError, BmcUnreachable
from pumphouse.hosts import Bmc, Host
from pumphouse.model import BootDevice, PowerState
from pumphouse.wiring import open_power

HERE = Path(__file__).parent
SECRET = "bmc-s3cret"
LOGIN = ("operator", SECRET)


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def host(type_, address, port=None, password=SECRET, **more):
    bmc = Bmc(type=type_, address=address, port=port, username="operator", password=password, **more)
    return Host(name="compute-1", bmc=bmc)


def power(host_):
    return open_power(host_, StoppableClock())


class Running:
    """A process of the test; stopped at its end."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def machines(tmp_path):
    """Starts IPMI machines; of each, its port and what it wrote down."""
    started = []

    def start():
        port, file = free_port(), tmp_path / f"machine-{len(started)}.json"
        started.append(Running([sys.executable, HERE / "bmc.py", str(port), "operator", SECRET, file]))
        deadline = time.monotonic() + 30
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return port, lambda: json.loads(file.read_text())

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def machine(machines):
    """One IPMI machine."""
    return machines()


@pytest.fixture
def redfish(tmp_path):
    """A Redfish service with one machine: its address."""
    port = free_port(socket.SOCK_STREAM)
    settings = tmp_path / "emulator.conf"
    users = tmp_path / "users"
    users.write_text(f"operator:{bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()}\n")
    settings.write_text(
        f"SUSHY_EMULATOR_STATE_DIR = {str(tmp_path)!r}\nSUSHY_EMULATOR_AUTH_FILE = {str(users)!r}\n"
    )
    emulator = Path(sys.executable).parent / "sushy-emulator"
    command = [emulator, "--fake", "--interface", "127.0.0.1", "--port", str(port), "--config", settings]
    running = Running(command)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            requests.get(f"{address}/redfish/v1/Systems", auth=LOGIN, timeout=5).raise_for_status()
            break
        except requests.RequestException:
            time.sleep(0.1)
    yield address
    running.stop()


# --- IPMI -----------------------------------------------------------------------------------------
def test_ipmi_switches_resets_and_boots_from_the_network(machine):
    port, wrote = machine
    driver = power(host("ipmi", "127.0.0.1", port))
    assert driver.state() is PowerState.OFF
    driver.switch(PowerState.ON, timeout=30)
    assert (driver.state(), wrote()["power"]) == (PowerState.ON, "on")
    driver.switch(PowerState.ON, timeout=30)  # already so
    driver.boot_from(BootDevice.NETWORK)
    driver.reset()
    assert wrote() == {"power": "on", "boot": "network", "asked": ["on", "reset"]}
    driver.switch(PowerState.OFF, timeout=30)
    driver.reset()  # switches on what is off
    assert wrote()["asked"] == ["on", "reset", "off", "on"]


def test_a_bmc_is_asked_again_by_another_driver_in_the_same_process(machine):
    port, _ = machine
    for _ in range(3):
        assert power(host("ipmi", "127.0.0.1", port)).state() is PowerState.OFF


def test_the_machine_is_one_that_ipmitool_drives(machine):
    """So that what the driver was tried on is IPMI as others speak it."""
    if not shutil.which("ipmitool"):
        pytest.skip("ipmitool is not installed")
    port, wrote = machine
    asked = [
        "ipmitool",
        "-I",
        "lanplus",
        "-C",
        "3",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
        "-U",
        "operator",
        "-P",
        SECRET,
    ]
    subprocess.run([*asked, "power", "on"], check=True, capture_output=True, timeout=60)
    assert wrote()["power"] == "on"
    assert power(host("ipmi", "127.0.0.1", port)).state() is PowerState.ON


def test_a_wrong_ipmi_password_is_told_from_a_bmc_that_does_not_answer(machine):
    port, _ = machine
    with pytest.raises(BmcLoginError, match="not accepted") as refused:
        power(host("ipmi", "127.0.0.1", port, password="guessed")).state()
    assert "guessed" not in str(refused.value)
    with pytest.raises(BmcUnreachable, match="nothing answers"):
        power(host("ipmi", "127.0.0.1", free_port())).state()
    with pytest.raises(BmcUnreachable):
        power(host("ipmi", "no-such-bmc.invalid")).state()


def test_many_bmcs_are_asked_at_once(machines):
    ports = [machines()[0] for _ in range(3)]
    hosts = [host("ipmi", "127.0.0.1", port) for port in (*ports, free_port())]

    def ask(each):
        try:
            return power(each).state()
        except BmcUnreachable:
            return None

    with ThreadPoolExecutor(len(hosts)) as pool:
        assert list(pool.map(ask, hosts)) == [PowerState.OFF] * 3 + [None]


# --- Redfish --------------------------------------------------------------------------------------
def test_redfish_switches_resets_and_boots_from_the_network(redfish):
    driver = power(host("redfish", redfish))
    driver.switch(PowerState.OFF, timeout=60)
    assert driver.state() is PowerState.OFF
    driver.switch(PowerState.ON, timeout=60)
    assert driver.state() is PowerState.ON
    driver.boot_from(BootDevice.NETWORK)
    (member,) = requests.get(f"{redfish}/redfish/v1/Systems", auth=LOGIN, timeout=5).json()["Members"]
    system = requests.get(f"{redfish}{member['@odata.id']}", auth=LOGIN, timeout=5).json()
    assert system["Boot"]["BootSourceOverrideTarget"] == "Pxe"
    driver.reset()
    driver.switch(PowerState.ON, timeout=60)


def test_a_wrong_redfish_password_is_told(redfish):
    with pytest.raises(BmcLoginError, match="not accepted") as refused:
        power(host("redfish", redfish, password="guessed")).state()
    assert "guessed" not in str(refused.value)


def test_redfish_that_does_not_answer_or_has_no_such_system_is_told(redfish):
    with pytest.raises(BmcUnreachable, match="nothing answers"):
        power(host("redfish", f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}")).state()
    with pytest.raises(BmcError, match="compute-1"):
        power(host("redfish", redfish, system="/redfish/v1/Systems/none")).state()
