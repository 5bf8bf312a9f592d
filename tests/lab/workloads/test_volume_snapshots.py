"""Snapshots of a volume are kept, also when the migration is killed between them; and rolled back."""

import pytest
from clouds import every, inventory, traces
from disks import checksum
from killing import Point
from museum.storage import clear, until, volume_file, write_bytes

NAME = "chronicle"
MOVE = ("migrate", "volume", NAME, "--yes")
POINTS = (Point("step.started", "snapshot", 1), Point("step.started", "create_volume", 2))


@pytest.fixture(scope="module")
def chronicle(lab):
    """A volume that was snapshotted, grown, snapshotted and written to again, in the source."""
    cinder = lab.connect("source").block_storage
    volume = cinder.create_volume(name=NAME, size=1, volume_type="fast", description="of a house")
    until(lambda: cinder.get_volume(volume.id), "available")
    for size, name in enumerate(("1901", "1950"), start=1):
        if size > 1:
            cinder.extend_volume(volume, size)
            until(lambda: cinder.get_volume(volume.id), "available")
        write_bytes(volume_file(lab, "source", volume.id), name)
        made = cinder.create_snapshot(volume_id=volume.id, name=name, metadata={"year": name})
        until(lambda made=made: cinder.get_snapshot(made.id), "available")
    write_bytes(volume_file(lab, "source", volume.id), "today")
    yield history(lab, "source")
    clear(lab.connect("source"), NAME)


def history(lab, side):
    """The volume's states, oldest first: name, size, metadata and content of each snapshot, then its own."""
    cloud = lab.connect(side)
    (volume,) = every(cloud, "block_storage", f"/volumes/detail?all_tenants=1&name={NAME}", "volumes")
    path = f"/snapshots/detail?all_tenants=1&volume_id={volume['id']}"
    snapshots = sorted(every(cloud, "block_storage", path, "snapshots"), key=lambda each: each["created_at"])
    states = [
        (s["name"], s["size"], s["metadata"], checksum(volume_file(lab, side, s["id"], "snapshot")))
        for s in snapshots
    ]
    content = checksum(volume_file(lab, side, volume["id"]))
    return [*states, (volume["name"], volume["size"], volume["metadata"], content)]


@pytest.fixture(scope="module")
def moved(lab, chronicle):
    config = lab.home / "drop.yaml"
    config.write_text(lab.config.read_text() + "\npolicy: {snapshots: drop}\n")
    said = lab.run("plan", "volume", NAME, "--config", str(config)).stdout
    assert "'1950'" in said and "dropped by policy.snapshots" in said
    for point in POINTS:
        assert lab.kill(point, *MOVE), point
    lab.run(*MOVE)
    return history(lab, "destination")


def test_every_state_arrives_once_and_in_order(chronicle, moved):
    assert len(moved) == 3
    assert moved == chronicle


def test_the_contents_of_snapshots_are_compared_by_verify(lab, moved):
    lab.run("verify", "volume", NAME)


def test_rollback_removes_the_snapshots_with_the_volume(lab, chronicle, moved):
    lab.run("rollback", "volume", NAME, "--yes")
    there = inventory(lab.connect("destination"))
    assert [each for each in there["volume"].values() if each["name"] == NAME] == []
    assert [each for each in there["snapshot"].values() if each["name"] in ("1901", "1950")] == []
    assert traces(there) == []
    assert history(lab, "source") == chronicle
