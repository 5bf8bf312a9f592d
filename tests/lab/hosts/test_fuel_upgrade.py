"""Hosts of the lab become nodes of a Fuel environment: real BMCs, both clouds real, masters as in the recordings.

One goes over 9.2 from a source that nobody manages, and fails first. The other is a node of Fuel 6.1 already, is
let go by it, installed by it, and the command is killed on the way.
"""

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest
import requests
import yaml
from tenant import wait
from test_lab_machines import FIRST, SECOND, Machines

from pumphouse.lab.fuel.agent import described

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def machines(fuel_lab):
    made = Machines(fuel_lab)
    if not list(made.destination.image.images(name="smoke")):
        made.destination.image.create_image(
            name="smoke", data=b"GUEST" * 1024, disk_format="raw", container_format="bare", wait=True
        )
    for name in (FIRST, SECOND):
        (service,) = made.source.compute.services(host=name, binary="nova-compute")
        made.source.compute.disable_service(service)
    return made


def command(machines, *words, kill_at="", **deployments):
    """Run a command with these deployment engines, to its end or until it has come to a stage."""
    lab = machines.lab
    config = yaml.safe_load(lab.config.read_text())
    for cloud, deployment in deployments.items():
        config[cloud]["deployment"] = deployment
    smoke_test = {"image": "smoke", "flavor": "lab.tiny"}
    config["hosts"] = {"smoke_test": smoke_test, "timeouts": {"service": 60, "discovery": 60}}
    path = lab.home / "upgrade.yaml"
    path.write_text(yaml.safe_dump(config))
    if not kill_at:
        return lab.run(*words, "--config", str(path), check=False)
    process = subprocess.Popen(
        lab.command(*words, "--config", str(path)), cwd=lab.home, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while (kill_at, "running") not in stages(lab):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    return process.wait()


def stages(lab):
    with contextlib.closing(sqlite3.connect(lab.home / "ledger.sqlite")) as ledger:
        return ledger.execute("SELECT stage, state FROM host").fetchall()


def arrived(machines, name):
    """The host that a machine is in the destination, after the source has lost it."""
    machine = machines(name)
    assert (machine["running"], machine["disk"]) == ("destination", "destination")
    assert machines.service(machines.destination, machine["host"]) == "up"
    assert machines.service(machines.source, name) is None
    return machine["host"]


def test_a_failed_deployment_is_told_and_the_same_command_goes_on(machines):
    machines(FIRST, fail="join")
    failed = command(machines, "host", "upgrade", FIRST, "--yes")
    assert failed.returncode == 4, failed.stderr
    words = " ".join(failed.stderr.split())
    assert "Fuel could not put OpenStack on it (error): Deployment has failed. puppet failed" in words
    assert "The same command goes on here" in words
    assert ("deploy", "failed") in stages(machines.lab)
    assert machines.service(machines.source, FIRST)  # removed only when the new one works
    done = command(machines, "host", "upgrade", FIRST, "--yes")
    assert done.returncode == 0, done.stderr
    assert arrived(machines, FIRST) == "node-2.example.com"


@pytest.fixture(scope="module")
def old_fuel(machines):
    """A second master, of release 6.1, that has the other host in its environment ``source``."""
    home = machines.lab.home
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    arguments = ["--release", "6.1", str(home / "machines"), "fuel", port]
    process = subprocess.Popen([sys.executable, "-m", "pumphouse.lab.fuel", *arguments], cwd=home)
    url = f"http://127.0.0.1:{port}"
    wait("Fuel 6.1", lambda: answers(f"{url}/api/version"))
    adopt(url, (home / "fuel-password").read_text().strip(), machines(SECOND))
    yield {"type": "fuel", "url": url, "password_file": "fuel-password"}
    process.terminate()
    process.wait()


def answers(url):
    try:
        return requests.get(url).ok
    except requests.ConnectionError:
        return False


def adopt(url, password, machine):
    """Tell Fuel that it has installed the machine, by its own interface."""
    auth = {"tenantName": "admin", "passwordCredentials": {"username": "admin", "password": password}}
    token = requests.post(f"{url}/keystone/v2.0/tokens", json={"auth": auth}).json()["access"]["token"]["id"]

    def ask(method, path, body):
        answer = requests.request(method, f"{url}/api{path}", json=body, headers={"X-Auth-Token": token})
        assert answer.ok, answer.text
        return answer

    id = ask("POST", "/nodes", described(machine)).json()["id"]
    ask("POST", "/clusters/1/assignment", [{"id": id, "roles": ["compute"]}])
    installed = {"status": "ready", "roles": ["compute"], "pending_roles": [], "pending_addition": False}
    ask("PUT", "/nodes", [{"id": id, **installed}])


def test_a_host_that_fuel_manages_is_let_go_and_a_killed_command_goes_on(machines, old_fuel):
    both = {cloud: {**old_fuel, "environment": cloud} for cloud in ("source", "destination")}
    upgrade = ("host", "upgrade", SECOND, "--yes")
    resets = machines(SECOND)["resets"]
    assert command(machines, *upgrade, kill_at="deploy", **both) == -signal.SIGKILL
    done = command(machines, *upgrade, **both)
    assert done.returncode == 0, done.stderr
    assert arrived(machines, SECOND) == "node-3.example.com"  # 2 was the one that was let go
    assert machines(SECOND)["resets"] == resets + 2  # wiped by Fuel, then started from its disk


def test_the_password_of_fuel_is_written_nowhere(machines):
    home = machines.lab.home
    secret = (home / "fuel-password").read_text().strip()
    written = [path.read_bytes() for path in (*home.glob("ledger.sqlite*"), *(home / "logs").iterdir())]
    assert len(written) > 2
    assert not any(secret.encode() in text for text in written)
    assert not any(secret in text for text in machines.lab.printed)
    assert json.loads((home / "lab.json").read_text())["fuel"]["url"]
