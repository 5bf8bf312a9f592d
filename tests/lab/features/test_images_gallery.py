"""Images that are shared, taken, unfinished, hashed otherwise or not what they are said to be."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import uuid

import pytest
import yaml
from clouds import get
from museum.images import make_image, noise, patch
from tenant import Tenant, wait

MIB = 1 << 20
RAW = {"disk_format": "raw", "container_format": "bare"}
MAKING = "pumphouse_source_image"
ANSWERS = {"accepting": "accepted", "rejecting": "rejected", "waiting": "pending"}


@pytest.fixture(scope="module")
def gallery(lab):
    """A project with images of all kinds, shared with three that come along and one that stays."""
    made = Tenant(lab, "gallery").furnish(31)
    image, identity = made.here.image, made.here.identity
    made.guests = {
        name: identity.create_project(name=f"{made.name}-{name}", domain_id="default")
        for name in (*ANSWERS, "staying")
    }
    made.shared = make_image(made.here, owned(made, "shared", visibility="shared"), noise(1, 1000))
    for name, project in made.guests.items():
        image.post(f"/images/{made.shared}/members", json={"member": project.id}).raise_for_status()
        status = ANSWERS.get(name, "pending")
        image.put(f"/images/{made.shared}/members/{project.id}", json={"status": status}).raise_for_status()
    make_image(made.here, owned(made, "queued"), None)
    make_image(made.here, owned(made, "empty"), b"")
    made.hashed = make_image(made.here, owned(made, "hashed"), noise(2, MIB))
    hash_again(lab, made.hashed, noise(2, MIB))
    made.taken = str(uuid.uuid4())
    there = lab.connect("destination")
    assert make_image(there, {"id": made.taken, "name": "was here", **RAW}, None) == made.taken
    there.image.delete(f"/images/{made.taken}").raise_for_status()
    make_image(made.here, owned(made, "taken", id=made.taken, protected=True), noise(3, 24 * MIB))
    server = made.server(f"{made.name}-guide")
    made.snapshot = made.tenant.compute.create_server_image(server, f"{made.name}-snapshot", wait=False).id
    wait("the snapshot", lambda: made.tenant.image.get_image(made.snapshot).status == "active")
    make_aggregate(made)
    made.shell = from_volume(made)
    return made


def owned(made, name, **more):
    return {"name": f"{made.name}-{name}", "owner": made.project.id, **RAW, **more}


def hash_again(lab, image, data):
    """As a Glance would have it whose hashing_algorithm is sha256."""
    file = sqlite3.connect(lab.home / "source" / "db" / "glance.sqlite", timeout=30)
    with file:
        file.execute(
            "update images set os_hash_algo='sha256', os_hash_value=? where id=?",
            (hashlib.sha256(data).hexdigest(), image),
        )
    file.close()


def from_volume(made):
    """A snapshot of a server that boots from a volume: an image without data that names a volume snapshot."""
    storage, compute = made.tenant.block_storage, made.tenant.compute
    volume = storage.create_volume(name=f"{made.name}-root", size=1, image_id=made.image.id)
    storage.wait_for_status(volume, "available", interval=0.5)
    port = made.tenant.network.create_port(network_id=made.network.id)
    device = {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
    server = compute.create_server(
        name=f"{made.name}-diskless",
        flavor_id=made.flavor.id,
        networks=[{"port": port.id}],
        block_device_mapping_v2=[device],
    )
    server = compute.wait_for_server(server, interval=0.5)
    shell = compute.create_server_image(server, f"{made.name}-shell", wait=False).id
    wait("the shell", lambda: made.tenant.image.get_image(shell).status == "active")
    (snapshot,) = [each for each in storage.snapshots() if each.volume_id == volume.id]
    storage.wait_for_status(snapshot, "available", interval=0.5)
    return shell


def make_aggregate(made):
    compute = made.here.compute
    aggregate = compute.create_aggregate(name=f"{made.name}-racks", availability_zone=f"{made.name}-zone")
    compute.set_aggregate_metadata(aggregate, {"filter_tenant_id": made.project.id})
    return aggregate


def selected(made):
    return ("project", made.name, *(made.guests[name].name for name in ANSWERS))


@pytest.fixture(scope="module")
def told(lab, gallery):
    """What the plan says, in one line."""
    lines = lab.run("plan", *selected(gallery), check=False).stdout.splitlines()
    return " ".join(line.strip() for line in lines)


@pytest.fixture(scope="module")
def killed(lab, gallery):
    """The run that was killed while the image whose id is taken was copied; the id it had by then."""
    config = yaml.safe_load(lab.config.read_text())
    config.setdefault("policy", {})["bandwidth"] = 6
    slow = lab.home / "gallery.yaml"
    slow.write_text(yaml.safe_dump(config))
    command = lab.command("migrate", *selected(gallery), "--yes", "--config", str(slow))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        (begun,) = wait("the copy", lambda: under_way(lab, gallery))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
    return begun


def under_way(lab, made):
    found = lab.connect("destination").image.get("/images", params={MAKING: made.taken}).json()["images"]
    return [each["id"] for each in found if each["status"] == "saving"]


@pytest.fixture(scope="module")
def migrated(lab, gallery, told, killed):
    """The same command once more."""
    return lab.run("migrate", *selected(gallery), "--yes")


def one(made, name):
    return made.there("image", "images", f"{made.name}-{name}")


def content(cloud, image):
    return hashlib.sha256(cloud.image.get(f"/images/{image}/file").content).hexdigest()


def test_the_plan_says_what_stays_and_what_lacks(gallery, told):
    for words in (
        f"{gallery.name}-queued",
        "is not carried over: its status is queued",
        "is not carried over: it is empty",
        f"is shared with project '{gallery.name}-staying', which is not selected",
        f"no host aggregate with filter_tenant_id={gallery.project.id}",
    ):
        assert words in told


def test_an_image_begun_by_a_killed_run_is_made_once_though_its_id_was_taken(gallery, killed, migrated):
    image = one(gallery, "taken")
    assert image.id == killed != gallery.taken
    assert (image.status, image.is_protected, MAKING in image.to_dict()["properties"]) == (
        "active",
        True,
        False,
    )
    assert content(gallery.clouds["destination"], image.id) == hashlib.sha256(noise(3, 24 * MIB)).hexdigest()


def test_members_answer_as_they_did_and_who_stays_is_left_out(gallery, migrated):
    image, identity = one(gallery, "shared"), gallery.clouds["destination"].identity
    assert image.id == gallery.shared
    members = get(gallery.clouds["destination"], "image", f"/images/{image.id}/members")["members"]
    found = {identity.get_project(each["member_id"]).name: each["status"] for each in members}
    assert found == {f"{gallery.name}-{name}": status for name, status in ANSWERS.items()}


def test_images_without_data_stay(gallery, migrated):
    assert one(gallery, "queued") is None
    assert one(gallery, "empty") is None


def test_an_image_hashed_by_another_algorithm_is_proven_by_its_content(gallery, migrated):
    image = one(gallery, "hashed")
    assert (image.id, image.hash_algo) == (gallery.hashed, "sha512")
    assert content(gallery.clouds["destination"], image.id) == hashlib.sha256(noise(2, MIB)).hexdigest()


def test_a_snapshot_of_a_server_names_the_counterparts(gallery, migrated):
    body = get(gallery.clouds["destination"], "image", f"/images/{gallery.snapshot}")
    server = gallery.there("compute", "servers", f"{gallery.name}-guide")
    project = gallery.clouds["destination"].identity.find_project(gallery.name)
    assert body["instance_uuid"] == server.id
    assert body["base_image_ref"] == gallery.image.id
    assert body["owner_id"] == project.id
    assert body["image_type"] == "snapshot"


def test_a_snapshot_of_a_server_on_a_volume_boots_from_the_snapshot_that_moved(gallery, migrated):
    there = gallery.clouds["destination"]
    body = get(there, "image", f"/images/{gallery.shell}")
    (device,) = json.loads(body["block_device_mapping"])
    root = gallery.there("block_storage", "volumes", f"{gallery.name}-root")
    snapshot = there.block_storage.get_snapshot(device["snapshot_id"])
    assert (body["status"], body["size"], snapshot.volume_id) == ("active", 0, root.id)
    assert device["source_type"] == "snapshot"
    original = get(gallery.here, "image", f"/images/{gallery.shell}")["block_device_mapping"]
    assert json.loads(original)[0] | {"snapshot_id": snapshot.id} == device


def test_what_changes_at_the_source_is_carried_over(lab, gallery, migrated):
    image = gallery.here.image
    image.post(f"/images/{gallery.hashed}/actions/deactivate").raise_for_status()
    patch(image, gallery.shared, [{"op": "add", "path": "/colour", "value": "green"}])
    lab.run("migrate", *selected(gallery), "--yes")
    assert one(gallery, "hashed").status == "deactivated"
    assert one(gallery, "shared").properties["colour"] == "green"


def test_rollback_removes_all_of_it_also_what_is_protected(lab, gallery, migrated):
    lab.run("rollback", *selected(gallery), "--yes")
    there = lab.connect("destination").image
    for query in ({}, {"os_hidden": "true"}):
        found = there.get("/images", params={"limit": 100, **query}).json()["images"]
        assert [each["name"] for each in found if each["name"].startswith(gallery.name)] == []


def test_data_that_glance_finds_to_be_something_else_fails_in_words(lab):
    made = Tenant(lab, "forger")
    good = make_image(made.here, owned(made, "good"), noise(4, 1000))
    make_image(made.here, owned(made, "forged", disk_format="qcow2"), noise(5, 1000))
    done = lab.run("migrate", "project", made.name, "--yes", check=False)
    assert done.returncode == 1
    assert "does not match" in done.stdout + done.stderr
    assert one(made, "good").id == good
    lab.run("rollback", "project", made.name, "--yes")
    assert one(made, "forged") is None
