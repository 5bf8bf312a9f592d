"""A host on a machine of the lab becomes one of the destination: real BMC, engine ``command``, both clouds real.

It fails first, is killed on the way, and arrives.
"""

import contextlib
import json
import signal
import sqlite3
import subprocess
import time

import pytest
import yaml
from tenant import wait
from test_lab_machines import FIRST, NEW, SECOND, Machines, boot

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def machines(machine_lab):
    made = Machines(machine_lab)
    made.destination.image.create_image(
        name="smoke", data=b"GUEST" * 1024, disk_format="raw", container_format="bare", wait=True
    )
    return made


@pytest.fixture(scope="module")
def command(machines):
    """Runs a command with a smoke test configured; its end, or the running process."""
    lab = machines.lab
    path = lab.home / "upgrade.yaml"
    hosts = {"smoke_test": {"image": "smoke", "flavor": "lab.tiny"}, "timeouts": {"service": 60}}
    path.write_text(yaml.safe_dump({**yaml.safe_load(lab.config.read_text()), "hosts": hosts}))

    def run(*words, wait=True):
        words = (*words, "--config", str(path))
        if wait:
            return lab.run(*words, check=False)
        return subprocess.Popen(lab.command(*words), cwd=lab.home, stdout=subprocess.DEVNULL)

    return run


def status(command):
    (row,) = json.loads(command("host", "status", SECOND, "-f", "json").stdout)
    return row


def at_work(machines):
    """Whether an upgrade is under way; the ledger says so sooner than a command does."""
    with contextlib.closing(sqlite3.connect(machines.lab.home / "ledger.sqlite")) as ledger:
        return ("running",) in ledger.execute("SELECT state FROM host").fetchall()


def test_a_host_that_takes_servers_is_refused(machines, command):
    done = command("host", "upgrade", SECOND, "--yes")
    assert done.returncode == 3 and "takes new servers" in done.stderr
    assert machines(SECOND)["resets"] == 0


def test_a_failure_says_what_to_do_and_leaves_the_source_as_it_was(machines, command):
    server = boot(machines.source, SECOND)
    machines(SECOND, fail="join")
    done = command("host", "upgrade", SECOND, "--evacuate", "--yes")
    assert done.returncode == 4 and "nova-compute did not come up" in done.stderr, done.stderr
    assert "The same command goes on here" in done.stderr
    assert (status(command)["Stage"], status(command)["State"]) == ("deploy", "failed")
    assert machines.life(server) == [("spawned", SECOND), ("live-migrated", FIRST)]
    assert machines.service(machines.source, SECOND)  # removed only when the new one works


def test_killed_on_the_way_the_same_command_goes_on(machines, command):
    process = command("host", "upgrade", SECOND, "--yes", wait=False)
    deadline = time.monotonic() + 60
    while not at_work(machines):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = command("host", "upgrade", SECOND, "--yes")
    assert done.returncode == 0, done.stderr
    assert machines.service(machines.destination, NEW) == "up"
    assert machines.service(machines.source, SECOND) is None
    assert SECOND not in {each.name for each in machines.source.compute.hypervisors()}
    assert list(machines.destination.compute.servers(all_projects=True)) == []  # the smoke test's is gone
    started = [life for life in record(machines) if life["event"] == "spawned"]
    assert NEW in {life["host"] for life in started}


def record(machines):
    text = (machines.lab.files("destination") / "instances" / "record.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_what_is_done_is_not_done_again(machines, command):
    resets = machines(SECOND)["resets"]
    done = command("host", "upgrade", SECOND, "--yes")
    assert done.returncode == 0 and machines(SECOND)["resets"] == resets
    rows = {row["Host"]: row for row in json.loads(command("host", "list", "-f", "json").stdout)}
    assert rows[NEW]["Cloud"] == "destination"


def test_the_password_of_the_bmc_is_written_nowhere(machines, command):
    home = machines.lab.home
    secret = (home / "bmc-password").read_text().strip()
    written = [path.read_bytes() for path in (*home.glob("ledger.sqlite*"), *(home / "logs").iterdir())]
    assert len(written) > 2
    assert not any(secret.encode() in text for text in written)
    assert not any(secret in text for text in machines.lab.printed)


CONTROLLER = "source-controller-1"


def test_a_source_that_still_runs_is_not_closed_and_its_controller_stays(machines, command):
    done = command("decommission", "--controllers", "join", "--yes")
    assert done.returncode == 3 and "hosts that still run, 1: " + FIRST in done.stderr, done.stderr
    assert machines(CONTROLLER)["resets"] == 0


def test_the_emptied_source_is_closed_and_its_controller_joins(machines, command):
    source = machines.source
    for server in source.compute.servers(all_projects=True):
        source.compute.delete_server(server)
    wait("no server", lambda: not list(source.compute.servers(all_projects=True)))
    for image in source.image.images():
        source.image.delete_image(image)
    (service,) = source.compute.services(binary="nova-compute")
    source.compute.disable_service(service)
    assert command("host", "upgrade", FIRST, "--yes").returncode == 0
    machines(CONTROLLER, fail="boot")
    failed = command("decommission", "--controllers", "join", "--yes")
    assert failed.returncode == 4 and "did not turn up from the network" in failed.stderr, failed.stderr
    done = command("decommission", "--controllers", "join", "--yes")
    assert done.returncode == 0, done.stderr
    assert "compute host of the destination" in done.stdout
    hosts = {each.host for each in machines.destination.compute.services(binary="nova-compute")}
    assert {f"node-{name}" for name in (FIRST, SECOND, CONTROLLER)} < hosts
    assert list(source.compute.services(binary="nova-compute")) == []
