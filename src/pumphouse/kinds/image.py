"""Glance images: fields here, data by a transfer."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pumphouse.errors import Conflict
from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Lookup, Ref
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
DATA = ("size", "os_hash_algo", "os_hash_value")  # facts of the data
OBSERVED = ("status", "virtual_size", "checksum", "stores", "locations", *DATA)
# Facts of one cloud's storage; they mean nothing in another.
OWN = (*OBSERVED, "id", "created_at", "updated_at", "file", "schema", "self", "direct_url")
WHOLE = ("active", "deactivated")  # the states of an image that has its data
OF_MOVED = "belongs to a server that Pumphouse moved"
OF_SHELVED = "root disk of a shelved server: it goes with that server"
DEVICES = "block_device_mapping"  # property of snapshots of volume-backed servers
SIGNATURE = "img_signature"  # begin of the properties that make Glance ask the key manager for a certificate
QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"visibility": "community"},
    {"os_hidden": "true"},
    {"os_hidden": "true", "visibility": "community"},
)
PATCH = "application/openstack-images-v2.1-json-patch"
# Properties that Nova gives to snapshots of servers; ids that nothing needs, and that are worth keeping right.
MENTIONED = {"base_image_ref": "image", "instance_uuid": "server", "owner_id": "project", "user_id": "user"}
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
        Ref("volume_snapshot", "block_device_mapping.*.snapshot_id"),
        *(Ref(kind, f"properties.{name}", weak=True) for name, kind in MENTIONED.items()),
    )
    portable = (*CORE, "properties", DEVICES)
    compared = ("deactivated", "signature", *DATA)
    identity = ("name", "owner")
    payload = True
    skips_along = True
    reads_after = ("volume_snapshot",)
    project_field = "owner"
    fixed = ("disk_format", "container_format", *DATA)
    notes = {
        "id": "kept when it is free",
        "os_hash_value": "compared where both clouds use the same algorithm; the content always is",
        "properties": "`kernel_id`, `ramdisk_id`, and the ids that Nova gives to snapshots of servers "
        "(`base_image_ref`, `instance_uuid`, `owner_id`, `user_id`) become those of the destination",
        "block_device_mapping": "of a snapshot of a volume-backed server: names the counterparts of its volume "
        "snapshots, and is raw; skipped where they do not come along",
        "deactivated": "copied by the administrator, and deactivated again",
        "signature": "the `img_signature` properties are set when the data is there: Glance would ask for a "
        "certificate that the destination's key manager does not have",
    }
    lost = {
        "stores": "the data goes to the destination's default store",
        "created_at": "the time of the copy",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Hidden images are listed apart, and so are community ones of others.

        Before Rocky ``os_hidden`` would be taken for a property, so it is sent only to ask for hidden ones.
        """
        bodies = [
            body
            for query in QUERIES
            for body in cloud.pages("image", "/images", "images", limit=100, **query)
        ]
        known = {f"image:{body['id']}" for body in bodies} | {item.key for item in found["volume_snapshot"]}
        for body in {body["id"]: body for body in bodies}.values():
            item = self.item(body)
            if item:
                gone = [
                    key for key in super().needs(item) if not key.startswith("project:") and key not in known
                ]
                yield replace(item, observed={**item.observed, "gone": gone})

    def item(self, body: dict[str, Any]) -> Item | None:
        """What is not a field of Glance is a property of the image."""
        properties = {
            name: value
            for name, value in body.items()
            if name not in (*CORE, *OWN) and not name.startswith("os_glance_")
        }
        devices = _devices(properties.get(DEVICES))
        if devices:
            del properties[DEVICES]
        signature = {name: properties.pop(name) for name in list(properties) if name.startswith(SIGNATURE)}
        parts = {
            "properties": properties,
            "making": properties.pop(MAKING, None),
            "signature": signature,
            DEVICES: devices,
            "deactivated": body.get("status") == "deactivated",
        }
        return super().item({**body, **parts})

    def observe(self) -> tuple[str, ...]:
        """Facts of the data; the image it is to become a copy of; which of its references lead nowhere."""
        return (*OBSERVED, "making")

    def needs(self, item: Item, *, weak: bool = False) -> tuple[str, ...]:
        """What is gone is not waited for."""
        gone = item.observed.get("gone", ())
        return tuple(key for key in super().needs(item, weak=weak) if key not in gone)

    def target(self, item: Item, lookup: Lookup) -> dict[str, Any]:
        """Ids of what is gone, or stays at the source, are kept as they are."""
        properties = item.fields["properties"]
        gone = item.observed.get("gone", ())
        want = super().target(item, lambda kind, i: i if f"{kind}:{i}" in gone else lookup(kind, i))
        for name in MENTIONED:
            if name in properties:
                want["properties"][name] = want["properties"][name] or properties[name]
        if want[DEVICES]:
            want["disk_format"] = "raw"  # Nova used to say otherwise; Glance now takes nothing else for empty
        return want

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set; releases before Train know no hidden images."""
        fields["tags"] = sorted(fields.get("tags") or ())
        fields.setdefault("os_hidden", False)
        return fields

    def skip_reason(self, item: Item) -> str:
        """Only whole images with data of their own can be copied."""
        if MARK in item.fields["properties"] and item.fields["os_hidden"]:  # snapshots inherit the mark
            return OF_MOVED
        if is_shelve_image(item.name, item.fields["properties"]):
            return OF_SHELVED
        if item.observed["status"] not in WHOLE:
            return f"its status is {item.observed['status']}: it has no data to copy"
        if item.fields["properties"].get(DEVICES):
            return f"its {DEVICES} cannot be read"
        lost = [key for key in item.observed.get("gone", ()) if key.startswith("volume_snapshot:")]
        if lost:
            return (
                f"it is the shell of a volume-backed server's snapshot: {lost[0].replace(':', ' ')} is gone"
            )
        return "" if item.observed["size"] or item.fields[DEVICES] else "it is empty"

    def candidates(self, want: Fields, item: Item, there: Iterable[Item]) -> list[Item]:
        """The one begun for it; else the one of the same id; else those of its name and owner with its data."""
        others = list(there)
        begun = [other for other in others if other.observed.get("making") == item.id]
        same_id = [o for o in others if o.id == item.id and o.observed["status"] in WHOLE]
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
        if want[DEVICES]:
            body[DEVICES] = json.dumps(want[DEVICES])
        body[MAKING] = item.id
        body["protected"] = False  # until it is whole: a protected image cannot be removed
        try:
            return str(cloud.post("image", "/images", {**body, "id": item.id})["id"])
        except Conflict:
            return str(cloud.post("image", "/images", body)["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Sign it, take the mark off, protect and deactivate it at last."""
        body = cloud.get("image", f"/images/{identifier}")
        changes = [{"op": "add", "path": f"/{name}", "value": v} for name, v in want["signature"].items()]
        if MAKING in body:
            changes.append({"op": "remove", "path": f"/{MAKING}"})
        if changes:
            cloud.patch("image", f"/images/{identifier}", changes, PATCH)
        if want["protected"]:
            protect(cloud, identifier, True)
        if want["deactivated"] and body["status"] != "deactivated":
            cloud.post("image", f"/images/{identifier}/actions/deactivate")

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Glance takes JSON patches; properties are fields like others, and states are actions."""
        new = {name: want[name] for name in CORE if name in have}
        old = dict.fromkeys(new)
        if DEVICES in have:
            new[DEVICES] = old[DEVICES] = json.dumps(want[DEVICES])
        for part in ("properties", "signature"):
            if part in have:
                new |= want[part]
                old |= have[part]
        changes = [{"op": "remove", "path": _pointer(name)} for name in old if name not in new]
        changes += [{"op": "add", "path": _pointer(name), "value": value} for name, value in new.items()]
        if changes:
            cloud.patch("image", f"/images/{identifier}", changes, PATCH)
        if "deactivated" in have:
            action = "deactivate" if want["deactivated"] else "reactivate"
            cloud.post("image", f"/images/{identifier}/actions/{action}")

    def set_later(self) -> tuple[str, ...]:
        """Protected at last."""
        return (*super().set_later(), "protected")

    def compare(self, want: Fields, have: Fields) -> Iterator[tuple[str, Any, Any]]:
        """Hashes of different algorithms say nothing about each other; releases before Rocky have none."""
        comparable = want.get("os_hash_algo") == have.get("os_hash_algo")
        for name, wanted, found in super().compare(want, have):
            if name != "os_hash_algo" and (name != "os_hash_value" or comparable):
                yield name, wanted, found

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Also when it is protected."""
        body = cloud.find("image", f"/images/{identifier}")
        if body:
            if body["protected"]:
                protect(cloud, identifier, False)
            cloud.delete("image", f"/images/{identifier}")


def _devices(text: Any) -> list[dict[str, Any]]:
    """What Nova writes into the property as JSON; empty when it is something else."""
    try:
        devices = json.loads(text or "[]")
    except ValueError:
        return []
    good = isinstance(devices, list) and all(isinstance(device, dict) for device in devices)
    return devices if good else []


def _pointer(name: str) -> str:
    """Of a field (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def protect(cloud: Cloud, identifier: str, value: bool) -> None:
    """Set or lift the protection against deletion."""
    change = [{"op": "replace", "path": "/protected", "value": value}]
    cloud.patch("image", f"/images/{identifier}", change, PATCH)
