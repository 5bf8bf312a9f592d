"""Killed with SIGKILL at different points, the same command goes on each time and ends in the same state."""

import pytest
from clouds import is_kept_root, traces
from disks import wrong_disks
from portrait import differences

PROJECTS = ("acme-shop", "acme-lab")
MIGRATE = ("migrate", "project", *PROJECTS, "--yes")


@pytest.mark.parametrize("project", PROJECTS)
def test_everything_arrives_equal_and_once(untouched, interrupted, project):
    original, copy = (untouched.portraits["source", project], interrupted.portraits["destination", project])
    assert differences(original, copy) == []


def test_images_are_shared_with_the_same_projects(untouched, interrupted):
    original, copy = (
        untouched.portraits["source", PROJECTS[0]],
        interrupted.portraits["destination", PROJECTS[0]],
    )
    assert copy["image member"] == original["image member"]


def test_the_data_of_every_disk_arrives(lab, interrupted):
    there = interrupted.inventories["destination"]
    assert wrong_disks(there, lab.files("destination"), lab.manifest["disks"]) == []


@pytest.mark.parametrize("side", ["source", "destination"])
def test_nothing_temporary_is_left(interrupted, side):
    assert traces(interrupted.inventories[side]) == []


def test_every_server_has_one_root_image(lab, interrupted):
    there = interrupted.inventories["destination"]
    kept = [each["name"] for each in there["image"].values() if is_kept_root(each, there)]
    assert len(kept) == len([each for each in lab.manifest["disks"] if each["kind"] == "server"])


def test_source_servers_are_off_and_locked(interrupted):
    states = {
        (each["status"], each["locked"]) for each in interrupted.inventories["source"]["server"].values()
    }
    assert states == {("SHUTOFF", True)}


def test_another_run_does_nothing(lab, interrupted):
    again = lab.run(*MIGRATE)
    assert "nothing to do" in again.stdout + again.stderr
