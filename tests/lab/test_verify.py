"""``verify`` names what differs, and nothing else; where nothing differs it is content."""

import json

import pytest
from disks import disk_file
from portrait import named

SHOP = ("project", "acme-shop")


@pytest.fixture(scope="module")
def there(lab, migrated):
    return lab.connect("destination")


def test_equal_clouds_verify(lab, migrated):
    assert lab.run("verify", *SHOP).returncode == 0


def test_differences_are_listed_one_by_one(lab, migrated, there):
    """A changed field, a thing that is gone and a changed byte of a disk, all found in one run."""
    everything = migrated.inventories["destination"]
    server = named(everything, "server", "shop-web-1")
    router = named(everything, "router", "shop-router")
    archive = next(each for each in lab.manifest["disks"] if each["name"] == "shop-archive")
    file = disk_file(everything, lab.files("destination"), archive)
    there.compute.set_server_metadata(server["id"], tier="back")
    there.network.update_router(router["id"], description="Elsewhere")
    _flip(file, 5_000)
    try:
        done = lab.run("verify", *SHOP, "-f", "json", check=False)
    finally:
        there.compute.set_server_metadata(server["id"], tier="front")
        there.network.update_router(router["id"], description=router["description"])
        _flip(file, 5_000)
    found = {(row["Kind"], row["Name"], row["Field"]): row for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert set(found) == {
        ("server", "shop-web-1", "metadata"),
        ("router", "shop-router", "description"),
        ("volume", "shop-archive", "data"),
    }
    metadata = found["server", "shop-web-1", "metadata"]
    assert (metadata["Source"]["tier"], metadata["Destination"]["tier"]) == ("front", "back")
    assert found["volume", "shop-archive", "data"]["Source ID"] == archive["id"]


def test_what_was_put_right_verifies_again(lab, migrated):
    assert lab.run("verify", *SHOP, "--no-data").returncode == 0


def _flip(file, offset):
    with file.open("r+b") as disk:
        disk.seek(offset)
        byte = disk.read(1)[0]
        disk.seek(offset)
        disk.write(bytes([byte ^ 0xFF]))
