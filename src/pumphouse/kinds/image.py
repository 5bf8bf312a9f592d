"""Glance images: fields here, data by a transfer."""

from collections.abc import Iterable, Iterator
from typing import Any

from pumphouse.errors import Conflict
from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref
from pumphouse.server_body import is_shelve_image

CORE = (
    "name",
    "visibility",
    "owner",
    "protected",
    "os_hidden",
    "min_disk",
    "min_ram",
    "disk_format",
    "container_format",
    "tags",
)
OBSERVED = ("status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value")
# Facts of one cloud's storage; they mean nothing in another.
OWN = (
    *OBSERVED,
    "id",
    "created_at",
    "updated_at",
    "file",
    "schema",
    "self",
    "locations",
    "direct_url",
    "stores",
)
PATCH = "application/openstack-images-v2.1-json-patch"
MARK = "pumphouse_source_server"  # property of the image a moved server was made from
MAKING = "pumphouse_source_image"  # property of an image until it is whole: an interrupted run finds it again


class Image(Kind):
    """Keeps its id when it is free; is the same when id or name and data are."""

    name = "image"
    api = Api("image", "/images", "image", "images")
    refs = (
        Ref("project", "owner"),
        Ref("image", "properties.kernel_id"),
        Ref("image", "properties.ramdisk_id"),
    )
    portable = (*CORE, "properties")
    identity = ("name", "owner")
    payload = True
    project_field = "owner"
    fixed = ("disk_format", "container_format")
    notes = {
        "id": "kept when it is free",
        "os_hash_value": "compared after the copy",
    }
    lost = {
        "deactivated": "skipped with a reason",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Hidden images are listed apart."""
        for hidden in ("false", "true"):
            for body in cloud.pages("image", "/images", "images", os_hidden=hidden, limit=100):
                item = self.item(body)
                if item:
                    yield item

    def item(self, body: dict[str, Any]) -> Item | None:
        """What is not a field of Glance is a property of the image."""
        properties = {
            name: value
            for name, value in body.items()
            if name not in CORE and name not in OWN and not name.startswith("os_glance_")
        }
        making = properties.pop(MAKING, None)
        return super().item({**body, "properties": properties, "making": making})

    def observe(self) -> tuple[str, ...]:
        """Size in bytes and hashes of the data; the image it is to become a copy of."""
        return (*OBSERVED, "making")

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set; releases before Train know no hidden images."""
        fields["tags"] = sorted(fields.get("tags") or ())
        fields.setdefault("os_hidden", False)
        return fields

    def skip_reason(self, item: Item) -> str:
        """Only whole images with data of their own can be copied."""
        if MARK in item.fields["properties"] and item.fields["os_hidden"]:  # snapshots inherit the mark
            return "belongs to a server that Pumphouse moved"
        if is_shelve_image(item.name, item.fields["properties"]):
            return "root disk of a shelved server: it goes with that server"
        if item.observed["status"] != "active":
            return f"its status is {item.observed['status']}: it has no data to copy"
        if item.fields["properties"].get("block_device_mapping"):
            return "snapshot of a volume-backed server: it names snapshots of its own cloud"
        return "" if item.observed["size"] else "it is empty"

    def candidates(self, want: Fields, item: Item, there: Iterable[Item]) -> list[Item]:
        """The one begun for it; else the one of the same id; else those of its name and owner with its data."""
        others = list(there)
        begun = [other for other in others if other.observed.get("making") == item.id]
        same_id = [o for o in others if o.id == item.id and o.observed["status"] == "active"]
        digest = item.observed["os_hash_value"]
        same_data = [
            other
            for other in super().candidates(want, item, others)
            if digest and other.observed["os_hash_value"] == digest
        ]
        return begun or same_id or same_data

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """With the id of the source; Glance never gives the id of a deleted image again."""
        body = {name: want[name] for name in CORE if name in want} | want["properties"]
        body[MAKING] = item.id
        body["protected"] = False  # until it is whole: a protected image cannot be removed
        try:
            return str(cloud.post("image", "/images", {**body, "id": item.id})["id"])
        except Conflict:
            return str(cloud.post("image", "/images", body)["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Take the mark off, and protect it at last."""
        if MAKING in cloud.get("image", f"/images/{identifier}"):
            cloud.patch("image", f"/images/{identifier}", [{"op": "remove", "path": f"/{MAKING}"}], PATCH)
        if want["protected"]:
            protect(cloud, identifier, True)

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Glance takes JSON patches; properties are fields like others."""
        new = {name: want[name] for name in CORE if name in have}
        old = dict.fromkeys(new)
        if "properties" in have:
            new |= want["properties"]
            old |= have["properties"]
        changes = [{"op": "remove", "path": _pointer(name)} for name in old if name not in new]
        changes += [{"op": "add", "path": _pointer(name), "value": value} for name, value in new.items()]
        cloud.patch("image", f"/images/{identifier}", changes, PATCH)

    def set_later(self) -> tuple[str, ...]:
        """Protected at last."""
        return (*super().set_later(), "protected")

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Also when it is protected."""
        body = cloud.find("image", f"/images/{identifier}")
        if body:
            if body["protected"]:
                protect(cloud, identifier, False)
            cloud.delete("image", f"/images/{identifier}")


def _pointer(name: str) -> str:
    """Of a field (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def protect(cloud: Cloud, identifier: str, value: bool) -> None:
    """Set or lift the protection against deletion."""
    change = [{"op": "replace", "path": "/protected", "value": value}]
    cloud.patch("image", f"/images/{identifier}", change, PATCH)
