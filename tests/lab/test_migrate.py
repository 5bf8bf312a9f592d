"""One project moves: everything of it arrives equal, nothing else changes, nothing temporary stays."""

import hashlib

import pytest
from clouds import changes, is_kept_root, traces
from disks import wrong_disks
from portrait import KINDS, QUOTA_KINDS, differences, named

SHOP = "acme-shop"


def shop(lab, rows):
    return [each for each in lab.manifest[rows] if each["project"] == SHOP]


def test_preparing_leaves_the_source_alone(untouched, prepared):
    assert changes(untouched.inventories["source"], prepared.inventories["source"]) == []


def test_preparing_moves_no_server(prepared):
    there = prepared.inventories["destination"]
    assert (there["server"], there["volume"]) == ({}, {})
    assert prepared.portraits["destination", SHOP]["network"]


@pytest.mark.parametrize("kind", [*KINDS, "flavor access"])
def test_everything_arrives_equal(untouched, migrated, kind):
    original, copy = untouched.portraits["source", SHOP], migrated.portraits["destination", SHOP]
    assert copy[kind] or kind == "snapshot"
    assert differences(original, copy, kind) == []


@pytest.mark.parametrize("kind", QUOTA_KINDS)
def test_most_limits_can_be_compared(untouched, migrated, kind):
    original, copy = untouched.portraits["source", SHOP], migrated.portraits["destination", SHOP]
    assert len(original[kind].keys() & copy[kind].keys()) > 5


@pytest.mark.parametrize("kind", ["project", "network", "subnet"])
def test_what_is_shared_by_the_parent_project_arrives(untouched, migrated, kind):
    original, copy = untouched.portraits["source", "acme"], migrated.portraits["destination", "acme"]
    assert copy[kind]
    assert differences(original, copy, kind) == []


def test_other_projects_stay_where_they_are(migrated):
    assert ("destination", "acme-lab") not in migrated.portraits


def test_the_data_of_every_disk_arrives(lab, migrated):
    assert len(shop(lab, "disks")) == 8
    there = migrated.inventories["destination"]
    assert wrong_disks(there, lab.files("destination"), shop(lab, "disks")) == []


def test_the_data_of_every_image_arrives(lab, migrated):
    there = migrated.inventories["destination"]
    for image in shop(lab, "images"):
        file = lab.files("destination") / "images" / named(there, "image", image["name"])["id"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == image["sha256"], image["name"]


def test_source_servers_are_off_and_locked(untouched, migrated):
    for before in untouched.inventories["source"]["server"].values():
        now = migrated.inventories["source"]["server"][before["id"]]
        if before["name"].startswith("shop-"):
            assert (now["status"], now["locked"]) == ("SHUTOFF", True), before["name"]
        else:
            assert now == before


def test_nothing_else_changes_at_the_source(untouched, migrated):
    found = changes(untouched.inventories["source"], migrated.inventories["source"])
    assert [line for line in found if not line.startswith("server shop-")] == []


def test_the_source_disks_are_what_they_were(lab, migrated):
    here = migrated.inventories["source"]
    assert wrong_disks(here, lab.files("source"), lab.manifest["disks"]) == []


@pytest.mark.parametrize("side", ["source", "destination"])
def test_nothing_temporary_is_left(lab, migrated, side):
    assert traces(migrated.inventories[side]) == []


def test_root_images_are_kept_for_servers_booted_from_images(migrated):
    there = migrated.inventories["destination"]
    kept = [each["name"] for each in there["image"].values() if is_kept_root(each, there)]
    assert len(kept) == 2


def test_a_second_run_does_nothing(lab, migrated):
    again = lab.look("migrate", *("project", SHOP), "--yes")
    assert "nothing to do" in again.done.stdout + again.done.stderr
    for side in ("source", "destination"):
        assert changes(migrated.inventories[side], again.inventories[side]) == []


def test_status_tells_that_it_has_migrated(lab, migrated):
    states = {row["Selection"]: row["State"] for row in lab.listing("status")}
    assert states[f"project {SHOP}"] == "migrated"


def test_the_report_names_every_server(lab, migrated, tmp_path):
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    lab.run("report", "project", SHOP, "--html", str(page), "--json", str(data))
    for name in ("shop-web-1", "shop-db-1", "shop-web-2", "shop-batch-1"):
        assert name in page.read_text() and name in data.read_text()


def test_inventories_list_the_same_servers(lab, migrated):
    rows = {side: lab.listing("inventory", side, "--kind", "server") for side in ("source", "destination")}
    names = {side: {row["Name"] for row in rows[side] if row["Project"] == SHOP} for side in rows}
    assert names["source"] == names["destination"]
    assert len(names["source"]) == 4
