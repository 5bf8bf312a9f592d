"""Servers that cannot be moved as they are, losses taken knowingly, root disks made volumes, and the way back."""

import base64
import hashlib

import pytest
import yaml
from disks import checksum
from tenant import Tenant, wait

NOTHING = hashlib.sha256().hexdigest()
NEW = {"microversion": "2.93"}
#: Server → what is done to it before the move, and the state that leads to.
STATES = {
    "paused": ("pause", "PAUSED"),
    "shelved": ("shelve", "SHELVED_OFFLOADED"),
    "rescued": ("rescue", "RESCUE"),
    "stuck": ("shelve", "SHELVED_OFFLOADED"),  # with a volume
}
BLOCKED = ("rescued", "stuck")


def body(attic, side, name):
    project = attic.clouds[side].identity.find_project(attic.name)
    found = attic.all("compute", "servers", name, side)
    (server,) = (each for each in found if each.project_id == project.id)
    return attic.clouds[side].compute.get(f"/servers/{server.id}", **NEW).json()["server"]


@pytest.fixture(scope="module")
def attic(lab):
    made = Tenant(lab, "attic").furnish(41)
    made.server("rooted", user_data=base64.b64encode(b"#!/bin/sh\n").decode())
    for name in STATES:
        made.server(name, volumes=1 if name == "stuck" else 0)
    made.flavor = made.here.compute.create_flavor(
        name=f"{made.name}-local", ram=64, vcpus=1, disk=1, ephemeral=1, swap=64
    )
    made.server("local")
    for name, (action, status) in STATES.items():
        path = f"/servers/{body(made, 'source', name)['id']}/action"
        assert made.tenant.compute.post(path, json={action: None}, **NEW).status_code < 300
        wait(
            f"{name} to be {status}",
            lambda name=name, status=status: body(made, "source", name)["status"] == status,
        )
    override = {
        "server": "rooted",
        "boot_root": "volume",
        "boot_root_type": "fast",
        "boot_root_delete": False,
    }
    config = yaml.safe_load(lab.config.read_text())
    config.setdefault("policy", {})["overrides"] = [{**override, "user_data": "drop"}]
    (lab.home / "attic.yaml").write_text(yaml.safe_dump(config))
    return made


@pytest.fixture(scope="module")
def found(attic):
    """The servers of the source as they were before the move."""
    names = ("rooted", "local", *STATES)
    return {name: body(attic, "source", name) for name in names}


@pytest.fixture(scope="module")
def moved(lab, attic, found):
    words = (
        "--skip-blocked",
        "--accept",
        "server-local-disks:local",
        "--config",
        str(lab.home / "attic.yaml"),
    )
    lab.run("migrate", "project", attic.name, "--yes", *words)
    return {name: body(attic, "destination", name) for name in found if name not in BLOCKED}


def test_what_cannot_be_brought_back_is_blocked_with_its_remedy(lab, attic, found):
    done = lab.run("plan", "project", attic.name, "--config", str(lab.home / "attic.yaml"), check=False)
    told = " ".join(done.stdout.split())
    identifiers = {name: server["id"] for name, server in found.items()}
    for words in (
        "block: server 'rescued' ({rescued}) is in status RESCUE",
        "openstack server unrescue {rescued}",
        "block: server 'stuck' ({stuck}) is shelved, and has 1 volume(s)",
        "openstack server unshelve {stuck}",
        "block: server 'local' ({local}) has 1 GiB ephemeral disk and 64 MiB swap",
        "--accept server-local-disks:{local}",
        "warn: server 'paused' ({paused}) is PAUSED: its memory stays behind",
    ):
        assert words.format(**identifiers) in told


def test_states_are_brought_back(moved, found):
    assert {name: server["status"] for name, server in moved.items()} == {
        name: server["status"] for name, server in found.items() if name not in BLOCKED
    }


def test_local_disks_arrive_empty(lab, attic, moved):
    place = lab.files("destination") / "instances" / moved["local"]["id"]
    for name, size in (("disk.eph0", 1 << 30), ("disk.swap", 64 << 20)):
        assert (place / name).stat().st_size == size
        assert checksum(place / name) == NOTHING


def test_a_root_disk_becomes_a_volume_that_outlives_its_server(lab, attic, moved, found):
    assert not moved["rooted"]["image"]
    assert moved["rooted"]["OS-EXT-SRV-ATTR:user_data"] is None
    (attached,) = moved["rooted"]["os-extended-volumes:volumes_attached"]
    assert attached["delete_on_termination"] is False
    volume = attic.clouds["destination"].block_storage.get_volume(attached["id"])
    assert (volume.volume_type, volume.size) == ("fast", 1)
    assert "pumphouse" not in str(volume.volume_image_metadata)
    (file,) = lab.files("destination").glob(f"volumes/*/volume-{attached['id']}")
    assert checksum(file) == checksum(lab.files("source") / "instances" / found["rooted"]["id"] / "disk")
    assert "rooted root disk" not in [
        i.name for i in attic.clouds["destination"].image.images(is_hidden=True)
    ]


def test_all_of_it_verifies(lab, attic, moved):
    lab.run("verify", "project", attic.name, "--accept-running", "--config", str(lab.home / "attic.yaml"))


def test_rollback_gives_all_back_as_it_was(lab, attic, moved, found):
    lab.run("rollback", "project", attic.name, "--yes", "--config", str(lab.home / "attic.yaml"))
    fields = ("status", "locked", "OS-EXT-STS:power_state")
    for name, before in found.items():
        now = body(attic, "source", name)
        assert {f: now[f] for f in fields} == {f: before[f] for f in fields}, name
    assert attic.clouds["destination"].identity.find_project(attic.name) is None
    left = attic.clouds["destination"].block_storage.volumes(details=True, all_projects=True)
    assert moved["rooted"]["os-extended-volumes:volumes_attached"][0]["id"] not in [v.id for v in left]
