"""The lab's processes: shown, restarted, stopped, whatever became of them."""

import json
import os
import secrets
import signal
import socket
import time

import psutil
import pytest

from pumphouse.lab.releases import find_release

pytestmark = pytest.mark.lab

NAME = f"lab-{secrets.token_hex(3)}"


PACKAGES = {"placement": "openstack-placement"}


def processes_of(lab):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PUMPHOUSE_LAB_PROCESS_OF") == str(lab.home):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def kill(lab, side, service):
    os.kill(int((lab.home / side / "run" / f"{service}.pid").read_text()), signal.SIGKILL)


def states(lab):
    return {(row["Cloud"], row["Service"]): row["State"] for row in lab.listing("lab", "status")}


def test_status_shows_twelve_services_within_the_memory_promised(lab):
    rows = lab.listing("lab", "status")
    assert len(rows) == 12
    assert {row["State"] for row in rows} == {"up"}
    for row in rows:
        package = PACKAGES.get(row["Service"], row["Service"])
        pinned = find_release(row["Release"]).requirements.read_text().splitlines()
        assert f"{package}=={row['Version']}" in pinned
    assert sum(row["Memory MiB"] for row in rows) < 2560


def test_up_of_a_running_lab_says_so(lab):
    assert "running already" in lab.run("lab", "up").stderr


def test_up_with_other_settings_is_refused(lab):
    refused = lab.run("lab", "up", "--base-port", "12345", check=False)
    assert refused.returncode == 6
    assert "cannot be changed" in refused.stderr


@pytest.fixture
def server(lab):
    cloud = lab.connect("source")
    image = cloud.image.create_image(
        name=NAME, data=b"KEPT" * 1024, disk_format="raw", container_format="bare", wait=True
    )
    made = cloud.compute.create_server(
        name=NAME, flavor_id=cloud.compute.find_flavor("lab.tiny").id, image_id=image.id, networks="none"
    )
    yield cloud.compute.wait_for_server(made, wait=90)
    cloud = lab.connect("source")
    cloud.compute.delete_server(made)
    cloud.compute.wait_for_delete(made, wait=90)
    cloud.image.delete_image(image.id)


def test_whatever_is_killed_the_lab_stops_and_starts_with_its_servers(lab, server):
    kill(lab, "source", "keystone")
    kill(lab, "destination", "cinder")
    deadline = time.monotonic() + 5
    while states(lab)["source", "keystone"] != "down" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "keystone (source), cinder (destination)" in lab.run("lab", "up").stderr
    assert set(states(lab).values()) == {"up"}

    kill(lab, "source", "glance")
    (lab.home / "source" / "run" / "nova.pid").unlink()  # nothing names this process any more
    assert "stopped 11 processes" in lab.run("lab", "down").stderr
    assert processes_of(lab) == []
    assert not list(lab.home.glob("*/run/*"))
    assert set(states(lab).values()) == {"down"}

    port = json.loads((lab.home / "lab.json").read_text())["source"]["ports"]["glance"]
    with socket.create_server(("127.0.0.1", port)):
        refused = lab.run("lab", "up", check=False)
    assert refused.returncode == 6
    assert f"port {port}, for glance of the source, is in use by process {os.getpid()}" in refused.stderr

    started = time.monotonic()
    lab.run("lab", "up")
    print(f"restart took {time.monotonic() - started:.1f} s")
    cloud = lab.connect("source")
    found = cloud.compute.get_server(server.id)
    assert found.status == "ACTIVE"
    disk = lab.home / "source" / "data" / "instances" / server.id / "disk"
    assert disk.open("rb").read(4) == b"KEPT"
    cloud.compute.stop_server(found)
    cloud.compute.wait_for_server(found, status="SHUTOFF", wait=60)
