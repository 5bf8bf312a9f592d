"""Servers that share a volume move, go back and are committed as one; killed on the way, also when all was settled."""

import json
import secrets
import sqlite3
import sys

import pytest
import yaml
from clouds import every, inventory, traces
from disks import checksum
from killing import Point
from museum.storage import clear, until, volume_file, write_bytes

pytestmark = pytest.mark.long
# A migration is known by its selection: in a lab that is kept it must be another one each time.
OWNER = secrets.token_hex(2)
LEFT, RIGHT = f"twin-left-{OWNER}", f"twin-right-{OWNER}"  # the one runs, the other is stopped
DISK, OWN, ROOTS = "twin-disk", "twin-own", ("twin-root-left", "twin-root-right")
KIND = "twin-type"
BOTH = ("server", LEFT, RIGHT)
COPIED = Point("step.started", "create_server", 1)
POINTS = (Point("step.started", "transfer", 1), Point("step.started", "create_server", 2))
# The hook of a server that has been settled kills the run, the first time.
KILL = """
import os, pathlib, signal, sys
if not pathlib.Path(sys.argv[1]).exists():
    pathlib.Path(sys.argv[1]).touch()
    os.kill(os.getppid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def config(lab):
    """A run that is killed behind the settling of the stopped server, and has no time to wait for nothing."""
    marker = lab.home / "twin-killed"
    marker.unlink(missing_ok=True)
    hook = {"command": [sys.executable, "-c", KILL, str(marker)]}
    policy = {
        "timeouts": {"server": 40},
        "overrides": [{"server": RIGHT, "server_hooks": {"after_start": [hook]}}],
    }
    path = lab.home / "twins.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(lab.config.read_text()), "policy": policy}))
    return ("--config", str(path))


def volume_type(lab, side, **specs):
    storage = lab.connect(side).block_storage
    kind = storage.find_type(KIND) or storage.create_type(name=KIND)
    storage.update_type_extra_specs(kind, volume_backend_name="fast", **specs)


@pytest.fixture(scope="module")
def original(lab):
    """Two servers that boot from volumes and share one; the first has another of its own."""
    cloud = lab.connect("source")
    cinder, compute = cloud.block_storage, cloud.compute
    volume_type(lab, "source", multiattach="<is> True")
    made = {}
    for name in (*ROOTS, DISK, OWN):
        kind = KIND if name == DISK else "fast"
        volume = cinder.create_volume(name=name, size=1, volume_type=kind, metadata={"called": name})
        made[name] = until(lambda volume=volume: cinder.get_volume(volume.id), "available")
        write_bytes(volume_file(lab, "source", volume.id), name)
    flavor = compute.create_flavor(name="twin", ram=64, vcpus=1, disk=0)
    for name, root, disks in ((LEFT, ROOTS[0], (DISK, OWN)), (RIGHT, ROOTS[1], (DISK,))):
        cinder.set_volume_bootable_status(made[root], True)
        boot = {"uuid": made[root].id, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
        server = compute.create_server(
            name=name, flavor_id=flavor.id, networks="none", block_device_mapping=[boot]
        )
        until(lambda server=server: compute.get_server(server.id), "ACTIVE")
        for disk in disks:
            compute.create_volume_attachment(server, volume_id=made[disk].id)
            until(lambda disk=disk: cinder.get_volume(made[disk].id), "in-use")
    compute.stop_server(server)
    until(lambda: compute.get_server(server.id), "SHUTOFF")
    yield state(lab, "source")
    for side in ("source", "destination"):
        there = lab.connect(side)
        for server in [each for each in there.compute.servers() if each.name in (LEFT, RIGHT)]:
            there.compute.delete_server(server)
            there.compute.wait_for_delete(server, wait=60)
        clear(there, *made)
        for kind in [each for each in there.block_storage.types() if each.name == KIND]:
            there.block_storage.delete_type(kind)
        there.compute.delete_flavor(there.compute.find_flavor("twin") or "none", ignore_missing=True)


def state(lab, side):
    """Each volume with its content and what it is attached to; states of the servers."""
    cloud = lab.connect(side)
    servers = {s["id"]: s for s in every(cloud, "compute", "/servers/detail?all_tenants=1", "servers")}
    found = {}
    for volume in every(cloud, "block_storage", "/volumes/detail?all_tenants=1", "volumes"):
        if volume["name"].startswith("twin-"):
            assert volume["name"] not in found, volume["name"]
            attached = sorted((servers[a["server_id"]]["name"], a["device"]) for a in volume["attachments"])
            facts = [volume[name] for name in ("metadata", "multiattach", "volume_type", "bootable")]
            found[volume["name"]] = (facts, attached, checksum(volume_file(lab, side, volume["id"])))
    return found, {s["name"]: s["status"] for s in servers.values() if s["name"] in (LEFT, RIGHT)}


def write_again(lab):
    compute, cinder = lab.connect("source").compute, lab.connect("source").block_storage
    (server,) = (each for each in compute.servers() if each.name == LEFT)
    compute.unlock_server(server)
    compute.start_server(server)
    until(lambda: compute.get_server(server.id), "ACTIVE")
    for volume in cinder.volumes():
        if volume.name in (DISK, OWN):
            write_bytes(volume_file(lab, "source", volume.id), f"{volume.name} again")


def rows(lab):
    """State of each of their rows in the ledger, by kind and name."""
    file = sqlite3.connect(f"file:{lab.home / 'ledger.sqlite'}?mode=ro", uri=True)
    found = file.execute(
        "select kind, name, state, data from resource where name like 'twin-%' order by updated_at"
    ).fetchall()
    file.close()
    names = (LEFT, RIGHT, DISK, OWN, *ROOTS)
    return {(k, name): (state, json.loads(data)) for k, name, state, data in found if name in names}


@pytest.fixture(scope="module")
def refusals(lab, original, config):
    """Plans that cannot be carried out: half of the servers, a destination that allows one server per volume."""
    volume_type(lab, "destination")
    half = lab.run("plan", "server", LEFT, *config, check=False)
    lacking = lab.run("plan", "server", LEFT, "--with-connected", *config, check=False)
    volume_type(lab, "destination", multiattach="<is> True")
    return half, lacking


def test_half_of_them_is_refused_with_the_way_out(refusals):
    half, _ = refusals
    assert half.returncode != 0
    assert f"is attached to server '{RIGHT}', which is not moved" in half.stdout
    assert "--with-connected" in half.stdout


def test_a_type_that_allows_one_server_is_refused(refusals):
    _, lacking = refusals
    assert lacking.returncode != 0
    assert f"shares volume {DISK} with {LEFT}" in lacking.stdout
    assert "which its type in the destination does not allow" in lacking.stdout


@pytest.fixture(scope="module")
def killed(lab, refusals, config):
    """Runs that were killed; the ledger as the last left it, when both servers were settled.

    After the first, when all disks were copied, somebody starts a server at the source again, which writes.
    """
    command = ("migrate", *BOTH, "--yes", *config)
    assert lab.kill(COPIED, *command)
    write_again(lab)
    first, *others = POINTS
    if not lab.kill(
        first, *command
    ):  # a counterpart had been begun: it was removed, and nothing else was done
        assert state(lab, "destination") == ({}, {})
        assert lab.kill(first, *command)
    for point in others:
        assert lab.kill(point, *command), point
    assert lab.run(*command, check=False).returncode == -9
    return rows(lab)


def test_none_of_them_is_done_before_all_are(killed):
    moving = {state for (kind, _), (state, _) in killed.items() if kind in ("server", "volume")}
    assert moving == {"created"}


@pytest.fixture(scope="module")
def moved(lab, killed, config):
    lab.run("migrate", *BOTH, "--yes", *config)
    return state(lab, "destination")


def test_everything_arrives_once_attached_as_it_was_with_what_was_written_last(lab, original, moved):
    volumes, states = moved
    assert (volumes, states) == (state(lab, "source")[0], original[1])
    assert volumes[OWN][:2] == original[0][OWN][:2]
    assert volumes[OWN][2] != original[0][OWN][2] and volumes[DISK][2] != original[0][DISK][2]


def test_the_source_is_down(lab, moved):
    assert state(lab, "source")[1] == {LEFT: "SHUTOFF", RIGHT: "SHUTOFF"}


def test_they_verify_with_their_data(lab, moved, config):
    lab.run("verify", *BOTH, "--accept-running", *config)


def test_one_alone_does_not_go_back(lab, moved, config):
    refused = lab.run("rollback", "server", RIGHT, "--yes", *config, check=False)
    assert refused.returncode != 0
    assert f"is also attached to server '{LEFT}'" in refused.stderr


@pytest.fixture(scope="module")
def returned(lab, original, moved, config):
    command = ("rollback", *BOTH, "--yes", *config)
    assert lab.kill(Point("step.started", "undo", 1), *command)
    lab.run(*command)
    return state(lab, "source"), state(lab, "destination")


def test_rollback_gives_both_back_though_killed(moved, returned):
    assert returned == (moved, ({}, {}))


def test_they_are_committed_together(lab, moved, returned, config):
    lab.run("migrate", *BOTH, "--yes", *config)
    refused = lab.run("commit", "server", LEFT, "--yes", *config, check=False)
    assert refused.returncode != 0
    assert f"with server '{RIGHT}', which would stay" in refused.stderr
    lab.run("commit", *BOTH, "--yes", *config)
    assert state(lab, "source") == ({}, {})
    assert state(lab, "destination") == moved


@pytest.mark.parametrize("side", ["source", "destination"])
def test_nothing_temporary_is_left(lab, returned, side):
    assert traces(inventory(lab.connect(side))) == []
