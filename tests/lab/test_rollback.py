"""``rollback`` gives both clouds back as they were."""

import pytest
from clouds import changes, traces
from disks import wrong_disks


@pytest.mark.parametrize("side", ["source", "destination"])
def test_both_clouds_are_as_before(untouched, rolled_back, side):
    assert changes(untouched.inventories[side], rolled_back.inventories[side]) == []


def test_servers_have_their_states_back(rolled_back):
    states = {each["name"]: each["status"] for each in rolled_back.inventories["source"]["server"].values()}
    assert states["shop-batch-1"] == "SHUTOFF"
    assert {states[f"shop-{name}"] for name in ("web-1", "db-1", "web-2")} == {"ACTIVE"}


def test_the_source_disks_are_what_they_were(lab, rolled_back):
    here = rolled_back.inventories["source"]
    assert wrong_disks(here, lab.files("source"), lab.manifest["disks"]) == []


@pytest.mark.parametrize("side", ["source", "destination"])
def test_nothing_temporary_is_left(rolled_back, side):
    assert traces(rolled_back.inventories[side]) == []


def test_a_second_rollback_has_nothing_to_do(lab, rolled_back):
    done = lab.run("rollback", "project", "acme-shop", "--yes", check=False)
    assert done.returncode in (0, 3)
    assert "Traceback" not in done.stderr
