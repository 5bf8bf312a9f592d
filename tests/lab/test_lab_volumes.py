"""The lab's Cinder driver: backends, bytes, and handing volumes from one cloud to the other."""

import secrets
import time
from types import SimpleNamespace

import pytest
from clouds import VERSIONS

pytestmark = pytest.mark.lab

MIB = 1 << 20
# of its own for each run, so that what a failed one left is not in the way
NAME = f"lab-{secrets.token_hex(3)}"


def volume_is(cloud, volume_id, accept=lambda found: True, status="available"):
    deadline = time.monotonic() + 60
    while True:
        found = cloud.block_storage.get_volume(volume_id)
        if found.status == status and accept(found):
            return found
        assert found.status != "error" and time.monotonic() < deadline, found
        time.sleep(0.3)


def snapshot_is_available(cloud, snapshot):
    deadline = time.monotonic() + 60
    while cloud.block_storage.get_snapshot(snapshot.id).status != "available":
        assert time.monotonic() < deadline
        time.sleep(0.3)


def path_of(lab, side, backend, volume_id):
    directory = lab.home / side / "data" / "volumes" / backend
    return (lab.home / "shared-volumes" if backend == "shared" else directory) / f"volume-{volume_id}"


def new_volume(cloud, **options):
    answer = cloud.block_storage.post("/volumes", json={"volume": {"name": NAME, **options}})
    answer.raise_for_status()
    return volume_is(cloud, answer.json()["volume"]["id"])


def delete(cloud, *volumes):
    for volume in volumes:
        cloud.block_storage.delete_volume(volume.id)
    for volume in volumes:
        cloud.block_storage.wait_for_delete(SimpleNamespace(id=volume.id, fetch=volume.fetch), wait=60)


@pytest.fixture(scope="module", params=["source", "destination"])
def side(request):
    return request.param


@pytest.fixture(scope="module")
def cloud(lab, side):
    made = lab.connect(side)
    made.block_storage.default_microversion = VERSIONS["block_storage"]
    return made


@pytest.fixture
def volume(lab, side, cloud):
    made = new_volume(cloud, size=1, volume_type="fast")
    with path_of(lab, side, "fast", made.id).open("r+b") as file:
        file.seek(8 * MIB)
        file.write(b"VOLUME")
    yield made
    delete(cloud, made)


def holds(path, offset=8 * MIB):
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(6) == b"VOLUME"


def test_snapshot_clone_and_extend_carry_the_bytes(lab, side, cloud, volume):
    cloud.block_storage.extend_volume(volume, 2)
    volume_is(cloud, volume.id, lambda found: found.size == 2)
    snapshot = cloud.block_storage.create_snapshot(volume_id=volume.id, name=NAME)
    snapshot_is_available(cloud, snapshot)
    of_snapshot = new_volume(cloud, size=2, snapshot_id=snapshot.id)
    clone = new_volume(cloud, size=3, source_volid=volume.id)
    for each in (of_snapshot, clone):
        assert holds(path_of(lab, side, "fast", each.id))
    assert path_of(lab, side, "fast", clone.id).stat().st_size == 3 << 30
    cloud.block_storage.delete_snapshot(snapshot)
    cloud.block_storage.wait_for_delete(snapshot, wait=60)
    delete(cloud, of_snapshot, clone)


def test_upload_and_volume_of_image(lab, side, cloud, volume):
    answer = cloud.block_storage.upload_volume_to_image(
        volume, NAME, disk_format="raw", container_format="bare"
    )
    volume_is(cloud, volume.id)
    image = cloud.image.get_image(answer["image_id"])
    assert (image.status, image.size) == ("active", 9 * MIB)
    made = new_volume(cloud, size=1, imageRef=image.id, volume_type="slow")
    assert made.is_bootable and holds(path_of(lab, side, "slow", made.id))
    cloud.block_storage.set_volume_bootable_status(made, False)
    cloud.block_storage.set_volume_image_metadata(made, hw_disk_bus="scsi")
    found = cloud.block_storage.get_volume(made.id)
    assert not found.is_bootable and found.volume_image_metadata["hw_disk_bus"] == "scsi"
    cloud.block_storage.delete_volume_image_metadata(made, keys=["hw_disk_bus"])
    assert "hw_disk_bus" not in cloud.block_storage.get_volume(made.id).volume_image_metadata
    cloud.image.delete_image(image.id)
    delete(cloud, made)


def test_retype_moves_the_file(lab, side, cloud, volume):
    cloud.block_storage.retype_volume(volume, "slow", "on-demand")
    volume_is(cloud, volume.id, lambda found: found.volume_type == "slow")
    assert holds(path_of(lab, side, "slow", volume.id))
    cloud.block_storage.retype_volume(volume, "fast", "on-demand")
    volume_is(cloud, volume.id, lambda found: found.volume_type == "fast")
    assert holds(path_of(lab, side, "fast", volume.id))


def test_shared_backend_hands_a_volume_to_the_other_cloud(lab):
    source, destination = lab.connect("source"), lab.connect("destination")
    made = new_volume(source, size=1, volume_type="shared")
    path = path_of(lab, "source", "shared", made.id)
    path.open("r+b").write(b"VOLUME")
    source.block_storage.unmanage_volume(made.id)
    source.block_storage.wait_for_delete(made, wait=60)
    answer = destination.block_storage.post(
        "/manageable_volumes",
        json={
            "volume": {
                "host": "destination@shared#shared",
                "ref": {"source-name": path.name},
                "volume_type": "shared",
            }
        },
        microversion="3.8",
    )
    answer.raise_for_status()
    taken = volume_is(destination, answer.json()["volume"]["id"])
    assert not path.exists() and holds(path_of(lab, "destination", "shared", taken.id), 0)
    delete(destination, taken)


def test_image_is_shared_with_a_project(cloud):
    project = cloud.identity.create_project(name=NAME, domain_id="default")
    image = cloud.image.create_image(
        name=NAME, data=b"x" * 1024, disk_format="raw", container_format="bare", visibility="shared"
    )
    cloud.image.add_member(image, member_id=project.id)
    assert [each.member_id for each in cloud.image.members(image)] == [project.id]
    cloud.image.delete_image(image)
    cloud.identity.delete_project(project)
