"""The machines that the lab's compute hosts stand on: switched by BMC, lost, installed anew, injected with failures.

The tests tell one story: a host crashes and comes back, another one leaves for the destination.
"""

import json
import os
import subprocess

import pytest
import requests
from tenant import wait

pytestmark = pytest.mark.lab

FIRST, SECOND = "source-compute-1", "source-compute-2"
NEW = "node-source-compute-2"


class Machines:
    """The machines' interface, and what clients see of them."""

    def __init__(self, lab):
        self.lab = lab
        self.url = json.loads((lab.home / "lab.json").read_text())["machines"]["url"]
        self.source, self.destination = lab.connect("source"), lab.connect("destination")

    def __call__(self, name, **asked):
        """A machine, after it was told something: ``power="off"``, ``fail="join"``."""
        for what, value in asked.items():
            key = {"boot": "device", "write": "disk", "fail": "what"}.get(what, what)
            requests.post(f"{self.url}/machines/{name}/{what}", json={key: value}).raise_for_status()
        return requests.get(f"{self.url}/machines/{name}").json()

    def ipmi(self, name, *words):
        """Drive its BMC as anybody would."""
        port = 100 + json.loads((self.lab.home / "lab.json").read_text())["base_port"]
        port += [FIRST, SECOND, "destination-compute-1"].index(name)
        command = ["ipmitool", "-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-p", str(port)]
        command += ["-U", "operator", "-f", self.lab.home / "bmc-password", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def install(self, name):
        """Run the engine's script."""
        environment = {**os.environ, "PUMPHOUSE_MACS": ",".join(self(name)["macs"])}
        command = [self.lab.home / "engine" / "install-host", "install", name]
        return subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=120
        )

    def service(self, cloud, host):
        """``up``, ``down``, or nothing when the cloud has no such compute service."""
        services = cloud.compute.services(host=host, binary="nova-compute")
        return next((service.state for service in services), None)

    def life(self, server, side="source"):
        """The lab's own record of a server: what happened to it, and where."""
        lines = (self.lab.files(side) / "instances" / "record.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        return [(row["event"], row["host"]) for row in rows if row["server"] == server.id]


@pytest.fixture(scope="module")
def machines(machine_lab):
    return Machines(machine_lab)


@pytest.fixture(scope="module")
def server(machines):
    """One that runs on the first host."""
    return boot(machines.source, FIRST)


def boot(cloud, host):
    image = cloud.image.create_image(
        name=host, data=b"GUEST" * 1024, disk_format="raw", container_format="bare", wait=True
    )
    made = cloud.compute.create_server(
        name=f"on-{host}", flavor_id=cloud.compute.find_flavor("lab.tiny").id, image_id=image.id,
        networks="none", availability_zone=f"nova:{host}",
    )  # fmt: skip
    return cloud.compute.wait_for_server(made, wait=60)


def becomes(cloud, server, status):
    wait(f"{status}", lambda: cloud.compute.get_server(server.id).status == status, 60)


def test_every_hypervisor_stands_on_a_machine_that_pumphouse_reaches(machines):
    rows = {row["Host"]: row for row in machines.lab.listing("host", "list")}
    assert {name: row["Power"] for name, row in rows.items()} == {
        FIRST: "on", SECOND: "on", "source-controller-1": "on", "destination-compute-1": "on",
    }  # fmt: skip
    assert machines.ipmi(FIRST, "power", "status") == "Chassis Power is on\n"


def test_a_live_migration_is_no_stop(machines, server):
    for target in (SECOND, FIRST):
        machines.source.compute.live_migrate_server(server, host=target, block_migration="auto")
        wait(target, lambda t=target: machines.source.compute.get_server(server.id).compute_host == t, 60)
        becomes(machines.source, server, "ACTIVE")
    assert machines.life(server) == [
        ("spawned", FIRST), ("live-migrated", SECOND), ("live-migrated", FIRST),
    ]  # fmt: skip


def test_a_machine_without_power_is_a_host_that_crashed(machines, server):
    machines.ipmi(FIRST, "power", "off")
    wait("the machine to be off", lambda: machines(FIRST)["running"] == "off", 30)
    wait("Nova to notice", lambda: machines.service(machines.source, FIRST) == "down", 60)
    assert machines.service(machines.source, SECOND) == "up"
    assert machines.source.compute.get_server(server.id).status == "ACTIVE"  # nobody has told Nova
    assert machines.life(server)[-1] == ("crashed", FIRST)


def test_a_restart_of_the_lab_does_not_bring_it_back(machines):
    machines.lab.run("lab", "down")
    machines.lab.run("lab", "up")
    assert machines.ipmi(FIRST, "power", "status") == "Chassis Power is off\n"
    assert machines.service(machines.source, FIRST) == "down"


def test_power_brings_the_host_back_with_its_guests_stopped(machines, server):
    machines.ipmi(FIRST, "power", "on")
    wait("Nova to notice", lambda: machines.service(machines.source, FIRST) == "up", 60)
    becomes(machines.source, server, "SHUTOFF")
    machines.source.compute.start_server(server)
    becomes(machines.source, server, "ACTIVE")
    assert machines.life(server)[-2:] == [("crashed", FIRST), ("started", FIRST)]


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("boot", 3, "did not turn up"),
        ("write", 3, "disk reports an error"),
        ("join", 4, "nova-compute did not come up"),
    ],
)
def test_an_installation_fails_as_it_was_told_to(machines, what, code, words):
    machines(SECOND, fail=what)
    done = machines.install(SECOND)
    assert (done.returncode, words in done.stdout) == (code, True), done
    assert machines(SECOND)["failures"] == {**machines(SECOND)["failures"], what: 0}
    assert machines.service(machines.destination, NEW) is None


def test_an_installed_machine_is_a_host_of_the_destination_alone(machines):
    done = machines.install(SECOND)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"host {NEW}"), done
    assert "progress 100" in done.stdout
    assert machines.service(machines.destination, NEW) == "up"
    assert boot(machines.destination, NEW).status == "ACTIVE"
    wait("the source to miss it", lambda: machines.service(machines.source, SECOND) == "down", 60)
    before = machines(SECOND)["resets"]
    assert machines.install(SECOND).returncode == 0
    assert machines(SECOND)["resets"] == before  # found done


def test_a_host_joins_again_after_its_service_was_deleted(machines):
    (server,) = machines.destination.compute.servers(name=f"on-{NEW}")
    machines.destination.compute.delete_server(server)
    machines.destination.compute.wait_for_delete(server)
    machines(SECOND, power="off")
    (service,) = machines.destination.compute.services(host=NEW)
    machines.destination.compute.delete_service(service)
    machines(SECOND, power="on")
    wait("it to be up", lambda: machines.service(machines.destination, NEW) == "up", 60)
    assert boot(machines.destination, NEW).status == "ACTIVE"


def test_a_wiped_machine_runs_nothing(machines):
    machines(SECOND, write="blank", power="reset")
    wait("the end of its boot", lambda: not machines(SECOND)["booting"], 30)
    assert (machines(SECOND)["power"], machines(SECOND)["running"]) == ("on", "nothing")
    wait("Nova to notice", lambda: machines.service(machines.destination, NEW) == "down", 60)


def test_what_makes_no_sense_is_refused(machines):
    for path, body in (
        ("power", {"power": "maybe"}), ("fail", {"what": "luck"}), ("boot", {}),
        ("write", {"disk": "destination"}),
    ):  # fmt: skip
        answer = requests.post(f"{machines.url}/machines/{FIRST}/{path}", json=body)
        assert answer.status_code in (400, 409)
        assert answer.json()["error"]
    assert requests.get(f"{machines.url}/machines/atlantis").status_code == 404
    refused = machines.lab.run("lab", "reset", "--only", "source", check=False)
    assert "emptied as a whole" in refused.stderr


def test_a_reset_puts_every_machine_back(machines):
    machines.lab.run("lab", "reset")
    machines.lab.run("lab", "up")
    for name in (FIRST, SECOND):
        machine = machines(name)
        assert (machine["running"], machine["disk"], machine["host"]) == ("source", "source", name)
    assert machines.service(machines.destination, NEW) is None
