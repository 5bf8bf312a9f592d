"""``commit`` deletes the originals that verified, and nothing else."""

import pytest
from clouds import changes
from portrait import named

BOTH = ("project", "acme-shop", "acme-lab")
GOES = ("server", "server group", "volume", "image", "port", "floating ip", "router", "subnet", "network")
STAYS = ("project", "user", "role", "role assignment", "flavor", "keypair")


@pytest.fixture(scope="module")
def originals(lab, interrupted):
    """Ids of the projects whose originals go."""
    here = interrupted.inventories["source"]
    return {named(here, "project", name)["id"] for name in BOTH[1:]}


def test_what_does_not_verify_is_not_deleted(lab, interrupted):
    """A field that differs in the destination holds the whole commit back."""
    compute = lab.connect("destination").compute
    server = named(interrupted.inventories["destination"], "server", "lab-web-1")["id"]
    compute.set_server_metadata(server, tier="back")
    try:
        verified = lab.run("verify", *BOTH, "--no-data", check=False)
        refused = lab.run("commit", *BOTH, "--yes", check=False)
    finally:
        compute.set_server_metadata(server, tier="front")
        again = lab.run("verify", *BOTH, "--no-data", check=False)
    assert (verified.returncode, refused.returncode, again.returncode) == (1, 3, 0)
    assert "lab-web-1" in verified.stdout
    assert "lab-web-1" in refused.stderr
    assert changes(interrupted.inventories["source"], lab.look().inventories["source"]) == []


@pytest.mark.parametrize("kind", GOES)
def test_originals_are_gone(committed, originals, kind):
    rows = committed.inventories["source"][kind].values()
    assert [each["name"] for each in rows if each.get("project_id", each.get("tenant_id")) in originals] == []


def test_images_are_gone(committed):
    assert [each["name"] for each in committed.inventories["source"]["image"].values()] == ["acme-base"]


@pytest.mark.parametrize("kind", STAYS)
def test_what_others_may_use_stays(interrupted, committed, kind):
    assert committed.inventories["source"][kind] == interrupted.inventories["source"][kind]


def test_nothing_else_changes_at_the_source(interrupted, committed):
    found = changes(interrupted.inventories["source"], committed.inventories["source"])
    assert [line for line in found if not line.endswith(": gone")] == []
    assert not [line for line in found if "acme-shared" in line or "public" in line]


def test_no_disk_is_left_at_the_source(lab, committed):
    files = lab.files("source")
    assert list((files / "instances").glob("*/disk")) == []
    assert list(files.glob("volumes/*/volume-*")) == []


def test_the_destination_is_not_touched(interrupted, committed):
    assert changes(interrupted.inventories["destination"], committed.inventories["destination"]) == []
