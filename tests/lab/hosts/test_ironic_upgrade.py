"""Hosts change clouds over a real Ironic: Redfish BMCs, an image with a config drive, both clouds real.

One is taken and given back. The other fails first, is killed on the way, and arrives.
"""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
import requests
import yaml
from test_lab_machines import FIRST, NEW, SECOND, Machines

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def machines(ironic_lab):
    made = Machines(ironic_lab)
    made.destination.image.create_image(
        name="smoke", data=b"GUEST" * 1024, disk_format="raw", container_format="bare", wait=True
    )
    for host in (FIRST, SECOND):
        (service,) = made.source.compute.services(host=host, binary="nova-compute")
        made.source.compute.disable_service(service)
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


def nodes(machines):
    """Ironic's, by name: their states."""
    url = json.loads((machines.lab.home / "lab.json").read_text())["ironic"]["url"]
    auth = ("operator", (machines.lab.home / "ironic-password").read_text().strip())
    headers = {"X-OpenStack-Ironic-API-Version": "1.82"}
    found = requests.get(f"{url}/v1/nodes", auth=auth, headers=headers, timeout=30).json()["nodes"]
    return {node["name"]: node["provision_state"] for node in found}


def test_a_host_that_was_taken_is_given_back(machines, command):
    done = command("host", "acquire", FIRST, "--yes")
    assert done.returncode == 0, done.stderr
    assert nodes(machines) == {FIRST: "manageable"} and machines(FIRST)["running"] == "off"
    done = command("host", "withdraw", FIRST, "--yes")
    assert done.returncode == 0, done.stderr
    assert nodes(machines) == {} and machines(FIRST)["running"] == "source"
    (service,) = machines.source.compute.services(host=FIRST, binary="nova-compute")
    assert (service.state, service.status) == ("up", "enabled")


def test_a_failure_says_what_to_do_and_leaves_the_source_as_it_was(machines, command):
    machines(SECOND, fail="write")
    done = command("host", "upgrade", SECOND, "--yes")
    assert done.returncode == 4 and "Ironic could not clean it" in done.stderr, done.stderr
    assert "disk reports an error" in done.stderr and "The same command goes on here" in done.stderr
    assert nodes(machines) == {SECOND: "clean failed"}
    assert machines.service(machines.source, SECOND) == "down"  # removed only when the new one works
    refused = command("host", "withdraw", SECOND, "--yes")
    assert refused.returncode == 3 and "has been written to" in refused.stderr


def test_killed_on_the_way_the_same_command_goes_on(machines, command):
    process = command("host", "upgrade", SECOND, "--yes", wait=False)
    deadline = time.monotonic() + 120
    while nodes(machines)[SECOND] not in ("deploying", "wait call-back"):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = command("host", "upgrade", SECOND, "--yes")
    assert done.returncode == 0, done.stderr
    assert nodes(machines) == {SECOND: "active"}
    assert machines.service(machines.destination, NEW) == "up"
    assert machines.service(machines.source, SECOND) is None
    assert list(machines.destination.compute.servers(all_projects=True)) == []  # the smoke test's is gone


def test_passwords_are_written_nowhere(machines, command):
    home = machines.lab.home
    written = [path.read_bytes() for path in (*home.glob("ledger.sqlite*"), *(home / "logs").iterdir())]
    assert len(written) > 2
    for name in ("bmc-password", "ironic-password"):
        secret = (home / name).read_text().strip()
        assert not any(secret.encode() in text for text in written)
        assert not any(secret in text for text in machines.lab.printed)


# --- Ironic in the destination --------------------------------------------------------------------
@pytest.fixture
def in_destination(machines):
    """A second Ironic, which asks the destination's Keystone who is who and stands in its catalog."""
    home, cloud = machines.lab.home, machines.destination
    known = json.loads((home / "lab.json").read_text())
    port, root = known["base_port"] + 82, home / "second"
    place = root / "ironic"
    shutil.copytree(home / "machines" / "ironic" / "bin", place / "bin")
    url, first = f"http://127.0.0.1:{port}", home / "machines" / "ironic"
    text = (first / "ironic.conf").read_text().replace(str(first), str(place))
    text = text.replace(known["ironic"]["url"], url).replace("http_basic", "keystone", 1)
    auth = {**cloud.config.get_auth_args(), "auth_type": "password"}
    options = "".join(f"{name} = {value}\n" for name, value in auth.items())
    (place / "ironic.conf").write_text(f"{text}\n[keystone_authtoken]\n{options}")
    command = [sys.executable, "-m", "pumphouse.lab.ironic", root, "ironic", str(port)]
    with (root / "out").open("wb") as console:
        process = subprocess.Popen(command, stdout=console, stderr=subprocess.STDOUT)
    service = cloud.identity.create_service(name="ironic", type="baremetal")
    cloud.identity.create_endpoint(service_id=service.id, interface="public", region_id="RegionOne", url=url)
    deadline = time.monotonic() + 120
    while not answers(url):
        assert time.monotonic() < deadline and process.poll() is None, (root / "out").read_text()
        time.sleep(0.2)
    yield
    process.terminate()
    process.wait()
    cloud.identity.delete_service(service)


def answers(url):
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_in_the_destination_it_takes_the_administrator_of_that(machines, in_destination):
    home = machines.lab.home
    settings = yaml.safe_load(machines.lab.config.read_text())
    deployment = settings["destination"]["deployment"]
    for name in ("url", "username", "password_file"):
        del deployment[name]
    settings["ledger"] = "second.sqlite"
    (home / "second.yaml").write_text(yaml.safe_dump(settings))
    (service,) = machines.source.compute.services(host=FIRST, binary="nova-compute")
    machines.source.compute.disable_service(service)
    done = machines.lab.run("host", "acquire", FIRST, "--yes", "--config", str(home / "second.yaml"))
    assert done.returncode == 0 and machines(FIRST)["running"] == "off"
    rows = {
        row["Host"]: row
        for row in machines.lab.listing("host", "list", "--config", str(home / "second.yaml"))
    }
    assert rows[FIRST]["Engine"] == "free", rows
