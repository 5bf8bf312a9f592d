"""Volumes on storage that both clouds have change hands without a copy; killed on the way, and given back."""

import secrets

import pytest
from clouds import every, inventory, traces
from disks import checksum
from killing import Point
from museum.storage import clear, until, volume_file, write_bytes

SERVER = f"heir-{secrets.token_hex(2)}"  # a migration is known by its selection
DISK, ALONE, FIRM = "heir-disk", "heirloom", "heir-root"
KEPT = "heir-kept"
SELECTION = ("server", SERVER)
POINTS = (Point("step.started", "release", 1), Point("step.started", "adopt", 1))


@pytest.fixture(scope="module")
def config(lab):
    """Policy that says which pool is the same one."""
    path = lab.home / "shared.yaml"
    pools = "{source@shared#shared: destination@shared#shared}"
    path.write_text(lab.config.read_text() + f"\npolicy: {{shared_pools: {pools}}}\n")
    return ("--config", str(path))


@pytest.fixture(scope="module")
def original(lab):
    """A server that boots from a volume of the source's own and has a disk in the shared storage."""
    cloud = lab.connect("source")
    cinder, compute = cloud.block_storage, cloud.compute
    made = {}
    for name, kind in ((FIRM, "fast"), (DISK, "shared"), (ALONE, "shared")):
        about = {"description": f"{name} of old", "metadata": {"kind": kind}}
        volume = cinder.create_volume(name=name, size=1, volume_type=kind, **about)
        made[name] = until(lambda volume=volume: cinder.get_volume(volume.id), "available")
        write_bytes(volume_file(lab, "source", volume.id), name)
    cinder.set_volume_bootable_status(made[FIRM], True)
    cinder.set_volume_image_metadata(made[DISK], hw_disk_bus="scsi")
    flavor = compute.create_flavor(name=SERVER, ram=64, vcpus=1, disk=0)
    devices = [
        {"uuid": made[name].id, "source_type": "volume", "destination_type": "volume", "boot_index": index}
        for name, index in ((FIRM, 0), (DISK, -1))
    ]
    server = compute.create_server(
        name=SERVER, flavor_id=flavor.id, networks="none", block_device_mapping=devices
    )
    until(lambda: compute.get_server(server.id), "ACTIVE")
    yield state(lab, "source")
    for there in (cloud, lab.connect("destination")):
        for each in [each for each in there.compute.servers() if each.name == SERVER]:
            there.compute.delete_server(each)
            there.compute.wait_for_delete(each, wait=60)
        clear(there, FIRM, DISK, ALONE)
    compute.delete_flavor(flavor)


def state(lab, side):
    """The volumes by name; the number of a file stays the same as long as nobody copies it."""
    cloud = lab.connect(side)
    servers = {s["id"]: s for s in every(cloud, "compute", "/servers/detail?all_tenants=1", "servers")}
    found = {}
    for volume in every(cloud, "block_storage", "/volumes/detail?all_tenants=1", "volumes"):
        if volume["name"] in (DISK, ALONE, FIRM):
            file = volume_file(lab, side, volume["id"])
            fields = ("description", "metadata", "size", "volume_type", "bootable", "volume_image_metadata")
            attached = [(servers[a["server_id"]]["name"], a["device"]) for a in volume["attachments"]]
            facts = [volume.get(name) for name in fields]
            number = file.stat().st_ino if volume["volume_type"] == "shared" else None
            found[volume["name"]] = (facts, attached, checksum(file), number)
    states = {s["name"]: s["status"] for s in servers.values() if s["name"] == SERVER}
    return found, states


@pytest.fixture(scope="module")
def moved(lab, original, config):
    assert "is handed over without a copy" in lab.run("plan", *SELECTION, *config).stdout
    command = ("migrate", *SELECTION, "--yes", *config)
    for point in POINTS:
        assert lab.kill(point, *command), point
    lab.run(*command)
    lab.run("migrate", "volume", ALONE, "--yes", *config)
    return state(lab, "destination")


def test_the_very_files_have_changed_hands(original, moved):
    assert moved == original


def test_the_source_knows_only_what_was_copied(lab, moved):
    volumes, states = state(lab, "source")
    assert (set(volumes), states) == ({FIRM}, {SERVER: "SHUTOFF"})


def test_what_was_handed_over_verifies(lab, moved, config):
    lab.run("verify", *SELECTION, "--accept-running", *config)


def test_rollback_gives_everything_back_though_killed(lab, original, moved, config):
    command = ("rollback", *SELECTION, "--yes", *config)
    assert lab.kill(Point("step.started", "undo", 1), *command)
    lab.run(*command)
    lab.run("rollback", "volume", ALONE, "--yes", *config)
    assert state(lab, "source") == original
    assert state(lab, "destination") == ({}, {})


@pytest.fixture(scope="module")
def committed(lab, original, moved, config):
    """Moved once more, with a snapshot of the copied volume; then the originals are deleted, in spite of a kill."""
    cinder = lab.connect("source").block_storage
    (firm,) = (each for each in cinder.volumes() if each.name == FIRM)
    snapshot = cinder.create_snapshot(volume_id=firm.id, name=KEPT, is_forced=True)
    until(lambda: cinder.get_snapshot(snapshot.id), "available")
    lab.run("migrate", *SELECTION, "--yes", *config)
    command = ("commit", *SELECTION, "--yes", *config)
    assert lab.kill(Point("step.started", "delete", 2), *command)
    lab.run(*command)
    assert "nothing to do" in lab.run(*command).stderr
    return cinder


def test_commit_deletes_the_copied_with_its_snapshot_and_leaves_the_handed_over(lab, original, committed):
    volumes, states = state(lab, "source")
    assert (set(volumes), states) == ({ALONE}, {})
    assert [each for each in committed.snapshots() if each.name == KEPT] == []
    volumes, states = state(lab, "destination")
    assert (volumes, states) == ({n: v for n, v in original[0].items() if n != ALONE}, original[1])
    (kept,) = (each for each in lab.connect("destination").block_storage.snapshots() if each.name == KEPT)
    assert checksum(volume_file(lab, "destination", kept.id, "snapshot")) == volumes[FIRM][2]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_nothing_temporary_is_left(lab, committed, side):
    assert traces(inventory(lab.connect(side))) == []
