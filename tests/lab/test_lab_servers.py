"""The lab's Nova driver: what a server is made of, what happens to its bytes."""

import base64
import os
import secrets
import time
import urllib.request

import pytest
from clouds import VERSIONS

pytestmark = pytest.mark.lab

MIB = 1 << 20
# of its own for each run, so that what a failed one left is not in the way
NAME = f"lab-{secrets.token_hex(3)}"


def wait_for(get, accept, seconds=90):
    """The object once it is as wanted; fails as soon as it is in error."""
    deadline = time.monotonic() + seconds
    while True:
        found = get()
        if accept(found):
            return found
        assert found.status.lower() != "error", found
        assert time.monotonic() < deadline, found
        time.sleep(0.3)


def server_is(cloud, server, status):
    return wait_for(
        lambda: cloud.compute.get_server(server.id),
        lambda found: found.status == status and not found.task_state,
    )


def moved(cloud, server, host):
    return wait_for(
        lambda: cloud.compute.get_server(server.id),
        lambda found: found.compute_host != host and found.status == "ACTIVE" and not found.task_state,
    )


def connect(lab, side):
    cloud = lab.connect(side)
    cloud.compute.default_microversion = VERSIONS["compute"]
    return cloud


def bytes_of(lab, side, server, offset, count):
    with disk(lab, side, server).open("rb") as file:
        file.seek(offset)
        return file.read(count)


def disk(lab, side, server):
    return lab.home / side / "data" / "instances" / server.id / "disk"


@pytest.fixture(scope="module", params=["source", "destination"])
def side(request):
    return request.param


@pytest.fixture(scope="module")
def cloud(lab, side):
    return connect(lab, side)


@pytest.fixture(scope="module")
def image(cloud, tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "image.raw"
    path.write_bytes(b"LABIMAGE" + os.urandom(2 * MIB - 8))
    made = cloud.image.create_image(
        name=NAME, filename=str(path), disk_format="raw", container_format="bare",
        visibility="public", wait=True,
    )  # fmt: skip
    yield cloud.image.get_image(made.id)
    cloud.image.delete_image(made.id)


@pytest.fixture(scope="module")
def network(cloud):
    made = cloud.network.create_network(name=NAME)
    cloud.network.create_subnet(network_id=made.id, cidr="10.66.0.0/24", ip_version=4)
    yield made
    cloud.network.delete_network(made.id)


@pytest.fixture(scope="module")
def server(cloud, image, network):
    """A server with all that may be told at its creation, and its port with a chosen address."""
    port = cloud.network.create_port(
        network_id=network.id, mac_address="fa:16:3e:66:00:07", fixed_ips=[{"ip_address": "10.66.0.7"}]
    )
    volume = cloud.block_storage.create_volume(name=NAME, size=1)
    wait_for(lambda: cloud.block_storage.get_volume(volume.id), lambda found: found.status == "available")
    key = cloud.compute.create_keypair(
        name=NAME,
        public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbGp6Vr5tN2oBq0jz0a1l0p8k9v0w1x2y3z4A5B6C7D lab",
    )
    made = cloud.compute.create_server(
        name=NAME,
        flavor_id=cloud.compute.find_flavor("lab.tiny").id,
        image_id=image.id,
        networks=[{"port": port.id}],
        key_name=key.name,
        metadata={"role": "test"},
        tags=["one", "two"],
        has_config_drive=True,
        user_data=base64.b64encode(b"#!/bin/sh\n").decode(),
        block_device_mapping=[
            {"boot_index": 0, "uuid": image.id, "source_type": "image", "destination_type": "local"},
            {"boot_index": -1, "uuid": volume.id, "source_type": "volume", "destination_type": "volume"},
            {
                "boot_index": -1, "source_type": "blank", "destination_type": "volume",
                "volume_size": 1, "volume_type": "slow", "delete_on_termination": True,
            },
        ],
    )  # fmt: skip
    yield server_is(cloud, made, "ACTIVE")
    cloud.compute.delete_server(made.id)
    cloud.compute.wait_for_delete(made, wait=60)
    cloud.compute.delete_keypair(key.name)
    cloud.network.delete_port(port.id)
    wait_for(lambda: cloud.block_storage.get_volume(volume.id), lambda found: found.status == "available")
    cloud.block_storage.delete_volume(volume.id)


def test_server_is_as_ordered(lab, side, cloud, server):
    assert bytes_of(lab, side, server, 0, 8) == b"LABIMAGE"
    assert disk(lab, side, server).stat().st_size == 1 << 30
    assert [each["addr"] for each in server.addresses[NAME]] == ["10.66.0.7"]
    assert sorted(server.tags) == ["one", "two"]
    assert server.has_config_drive and server.key_name == NAME
    assert base64.b64decode(server.user_data) == b"#!/bin/sh\n"
    attached = [cloud.block_storage.get_volume(each["id"]) for each in server.attached_volumes]
    assert sorted(volume.volume_type for volume in attached) == ["fast", "slow"]
    port = next(iter(cloud.network.ports(device_id=server.id)))
    assert (port.status, port.binding_host_id) == ("ACTIVE", server.compute_host)


def test_stop_pause_suspend_lock_and_back(cloud, server):
    compute = cloud.compute
    for act, back, status in (
        (compute.stop_server, compute.start_server, "SHUTOFF"),
        (compute.pause_server, compute.unpause_server, "PAUSED"),
        (compute.suspend_server, compute.resume_server, "SUSPENDED"),
        (compute.rescue_server, compute.unrescue_server, "RESCUE"),
    ):
        act(server)
        server_is(cloud, server, status)
        back(server)
        server_is(cloud, server, "ACTIVE")
    compute.lock_server(server, locked_reason="migrating")
    assert compute.get_server(server.id).locked_reason == "migrating"
    compute.unlock_server(server)


def test_snapshot_carries_the_bytes_and_rebuild_brings_them_back(lab, side, cloud, server):
    written = os.urandom(MIB)
    with disk(lab, side, server).open("r+b") as file:
        file.seek(50 * MIB)
        file.write(written)
    snapshot = cloud.compute.create_server_image(server, NAME, wait=True, timeout=90)
    snapshot = cloud.image.get_image(snapshot.id)
    assert (snapshot.size, snapshot.min_disk) == (51 * MIB, 1)
    assert snapshot.hash_algo == "sha512"
    part = cloud.image.get(
        f"/images/{snapshot.id}/file", headers={"Range": f"bytes={50 * MIB}-{51 * MIB - 1}"}
    )
    assert (part.status_code, part.content) == (206, written)
    cloud.compute.rebuild_server(server, image=snapshot.id)
    server_is(cloud, server, "ACTIVE")
    assert bytes_of(lab, side, server, 50 * MIB, MIB) == written
    cloud.image.delete_image(snapshot.id)


def test_shelve_and_resize_keep_the_bytes(lab, side, cloud, server):
    with disk(lab, side, server).open("r+b") as file:
        file.seek(60 * MIB)
        file.write(b"SHELVED")
    cloud.compute.shelve_server(server)
    server_is(cloud, server, "SHELVED_OFFLOADED")
    assert not disk(lab, side, server).exists()
    cloud.compute.unshelve_server(server)
    server_is(cloud, server, "ACTIVE")
    cloud.compute.resize_server(server, cloud.compute.find_flavor("lab.small").id)
    server_is(cloud, server, "VERIFY_RESIZE")
    cloud.compute.confirm_server_resize(server)
    server_is(cloud, server, "ACTIVE")
    assert disk(lab, side, server).stat().st_size == 2 << 30
    assert bytes_of(lab, side, server, 60 * MIB, 7) == b"SHELVED"


def test_live_migration_and_evacuation_move_the_server(lab, side, cloud, server):
    if len(list(cloud.compute.hypervisors())) < 2:
        pytest.skip("one compute host")
    first = cloud.compute.get_server(server.id).compute_host
    cloud.compute.live_migrate_server(server, host=None, block_migration="auto")
    second = moved(cloud, server, first).compute_host
    port = next(iter(cloud.network.ports(device_id=server.id)))
    assert (port.status, port.binding_host_id) == ("ACTIVE", second)
    service = next(each for each in cloud.compute.services(binary="nova-compute") if each.host == second)
    force_down(cloud, service, True)
    try:
        cloud.compute.evacuate_server(server)
        moved(cloud, server, second)
    finally:
        nova = cloud.compute.get_endpoint().split("/v2.1")[0]
        assert urllib.request.urlopen(f"{nova}/lab/restart/{second}").read() == b"restarted\n"
        force_down(cloud, service, False)
    assert bytes_of(lab, side, server, 0, 8) == b"LABIMAGE"


def force_down(cloud, service, forced):
    answer = cloud.compute.put(
        f"/os-services/{service.id}", json={"forced_down": forced}, microversion="2.53"
    )
    answer.raise_for_status()


def test_server_that_boots_from_a_volume(lab, side, cloud, image):
    made = cloud.compute.create_server(
        name=NAME,
        flavor_id=cloud.compute.find_flavor("lab.tiny").id,
        networks="none",
        block_device_mapping=[
            {
                "boot_index": 0, "uuid": image.id, "source_type": "image", "destination_type": "volume",
                "volume_size": 1, "volume_type": "fast", "delete_on_termination": True,
            }
        ],
    )  # fmt: skip
    made = server_is(cloud, made, "ACTIVE")
    root = made.attached_volumes[0]["id"]
    path = lab.home / side / "data" / "volumes" / "fast" / f"volume-{root}"
    assert path.read_bytes()[:8] == b"LABIMAGE"
    assert not disk(lab, side, made).exists()
    assert cloud.block_storage.get_volume(root).is_bootable
    snapshot = cloud.compute.create_server_image(made, NAME, wait=True)
    assert cloud.image.get_image(snapshot.id).size == 0
    for each in cloud.block_storage.snapshots(volume_id=root):
        cloud.block_storage.delete_snapshot(each)
        cloud.block_storage.wait_for_delete(each, wait=30)
    cloud.image.delete_image(snapshot.id)
    cloud.compute.delete_server(made)
    cloud.compute.wait_for_delete(made, wait=60)


def test_admin_copies_a_volume_in_use_of_another_project(lab, side, cloud, image):
    """Force snapshot, volume of it, upload: the way to an attached volume's bytes."""
    project = cloud.identity.create_project(name=NAME, domain_id="default")
    user = cloud.identity.create_user(name=NAME, password="lab-secret", domain_id="default")
    cloud.identity.assign_project_role_to_user(project, user, cloud.identity.find_role("member"))
    theirs = lab.connect(side, username=user.name, password="lab-secret", project_name=project.name)
    server = theirs.compute.create_server(
        name=NAME,
        flavor_id=cloud.compute.find_flavor("lab.tiny").id,
        networks="none",
        block_device_mapping=[
            {
                "boot_index": 0, "uuid": image.id, "source_type": "image", "destination_type": "volume",
                "volume_size": 1, "delete_on_termination": True,
            }
        ],
    )  # fmt: skip
    volume = server_is(theirs, server, "ACTIVE").attached_volumes[0]["id"]
    storage = cloud.block_storage
    snapshot = storage.create_snapshot(volume_id=volume, is_forced=True)
    wait_for(lambda: storage.get_snapshot(snapshot.id), lambda found: found.status == "available")
    copy = storage.create_volume(snapshot_id=snapshot.id, size=1)
    wait_for(lambda: storage.get_volume(copy.id), lambda found: found.status == "available")
    uploaded = storage.upload_volume_to_image(copy, NAME, disk_format="raw", container_format="bare")
    wait_for(lambda: cloud.image.get_image(uploaded["image_id"]), lambda found: found.status == "active")
    assert cloud.image.download_image(uploaded["image_id"]).content[:8] == b"LABIMAGE"
    wait_for(lambda: storage.get_volume(copy.id), lambda found: found.status == "available")
    cloud.image.delete_image(uploaded["image_id"])
    for delete, each in ((storage.delete_volume, copy), (storage.delete_snapshot, snapshot)):
        delete(each)
        storage.wait_for_delete(each, wait=60)
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, wait=60)
    cloud.identity.delete_user(user)
    cloud.identity.delete_project(project)


def test_keypair_of_another_user_aggregate_and_quotas(cloud):
    user = cloud.identity.create_user(name=NAME, password="lab-secret", domain_id="default")
    project = cloud.identity.create_project(name=NAME, domain_id="default")
    cloud.identity.assign_project_role_to_user(project, user, cloud.identity.find_role("member"))
    try:
        key = cloud.compute.create_keypair(name="theirs", user_id=user.id, type="ssh", public_key=PUBLIC_KEY)
        assert [each.name for each in cloud.compute.keypairs(user_id=user.id)] == [key.name]
        host = next(iter(cloud.compute.hypervisors())).name
        aggregate = cloud.compute.create_aggregate(name=NAME)
        cloud.compute.add_host_to_aggregate(aggregate, host)
        assert cloud.compute.get_aggregate(aggregate.id).hosts == [host]
        cloud.compute.remove_host_from_aggregate(aggregate, host)
        cloud.compute.delete_aggregate(aggregate)
        cloud.compute.update_quota_set(project.id, cores=7)
        cloud.block_storage.update_quota_set(project.id, gigabytes=77)
        cloud.network.update_quota(project.id, ports=777)
        assert cloud.compute.get_quota_set(project.id).cores == 7
        assert cloud.block_storage.get_quota_set(project.id).gigabytes == 77
        assert cloud.network.get_quota(project.id).ports == 777
    finally:
        cloud.identity.delete_project(project)
        cloud.identity.delete_user(user)


PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbGp6Vr5tN2oBq0jz0a1l0p8k9v0w1x2y3z4A5B6C7D lab"
