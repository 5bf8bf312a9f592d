"""Cinder volumes: fields here, data through an image by a transfer."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pumphouse.errors import CloudError
from pumphouse.model import Item
from pumphouse.policy import Policy
from pumphouse.ports import Clock, Cloud
from pumphouse.resource import Api, Found, Kind, Ref

PROJECT = "os-vol-tenant-attr:tenant_id"
# Cinder writes these into the metadata of attached volumes itself.
OWN_METADATA = ("attached_mode", "readonly")
ZONE = "availability_zone"
MARK = "pumphouse_source_volume"  # in the metadata while the volume is being made


class Volume(Kind):
    """Belongs to the project and user that make it. Moves with its server, or alone when detached."""

    name = "volume"
    api = Api("block-storage", "/volumes", "volume", "volumes")
    refs = (Ref("volume_type", "volume_type"), Ref("project", "project_id"), Ref("user", "user_id"))
    portable = ("name", "description", "size", "volume_type", "project_id", "user_id", "metadata")
    compared = ("bootable", "volume_image_metadata", "readonly", ZONE)
    payload = True
    moves = True
    acts_in_project = True
    reads_after = ("user",)
    notes = {
        "readonly": "a flag that Cinder keeps among the metadata",
        "user_id": "kept when the user was made by Pumphouse, else the administrator's",
    }
    chosen = {
        "volume_type": "by name, mapped by policy.volume_types",
        ZONE: "mapped by policy.volume_availability_zones, else chosen by the destination",
    }
    lost = {
        "id": "Cinder gives a new one",
        "encrypted": "blocked: the key stays in the source",
        "group_id": "groups are not carried; the plan names the volumes that are in one",
        "backups": "the plan names the volumes that have some",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Of every project; a user that no longer exists is none."""
        users = {user.id for user in found["user"]}
        backups = Counter(
            backup["volume_id"]
            for backup in cloud.pages("block-storage", "/backups/detail", "backups", all_tenants="1")
        )
        for body in cloud.pages("block-storage", "/volumes/detail", "volumes", all_tenants="1"):
            owner = body.get("user_id") if body.get("user_id") in users else None
            more = {"project_id": body.get(PROJECT), "user_id": owner, "backups": backups[body["id"]]}
            item = self.item({**body, **more})
            if item:
                yield item

    def observe(self) -> tuple[str, ...]:
        """Attachments name servers and devices; the host names the pool, for administrators."""
        return (
            *("status", "attachments", "encrypted", "multiattach", ZONE),
            *("backups", "os-vol-host-attr:host", "group_id", "consistencygroup_id"),
        )

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Booleans as such; metadata without what Cinder adds."""
        fields["name"] = fields.get("name") or ""
        fields["bootable"] = str(fields["bootable"]).lower() == "true"
        fields.setdefault("volume_image_metadata", {})
        fields.setdefault("readonly", fields["metadata"].get("readonly", "").lower() == "true")
        fields["metadata"] = {n: v for n, v in fields["metadata"].items() if n not in OWN_METADATA}
        return fields

    def skip_reason(self, item: Item) -> str:
        """Cinder makes volumes without a project of their own for its migrations."""
        return "" if item.project_id else "it belongs to no project"

    def decide(self, want: dict[str, Any], item: Item, policy: Policy) -> dict[str, Any]:
        """The zone, where the operator says which."""
        zone = policy.volume_availability_zones.get(want.pop(ZONE, None) or "")
        return {**want, ZONE: zone} if zone else want

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """From an image (``want['image_id']``); marked, so that an interrupted run finds it again."""
        body = {
            "name": want["name"],
            "description": want["description"],
            "size": want["size"],
            "volume_type": want["volume_type"],
            "metadata": {**want["metadata"], MARK: item.id},
            "imageRef": want["image_id"],
            **({ZONE: want[ZONE]} if want.get(ZONE) else {}),
        }
        answer = cloud.post("block-storage", "/volumes", {"volume": body})
        return str(answer["volume"]["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Cinder took the temporary image's metadata and made it bootable: set both as at the source."""
        path = f"/volumes/{identifier}"
        volume = cloud.get("block-storage", path)["volume"]
        wanted = want["volume_image_metadata"]
        for name in set(volume.get("volume_image_metadata") or {}) - set(wanted):
            cloud.post("block-storage", f"{path}/action", {"os-unset_image_metadata": {"key": name}})
        if wanted:
            cloud.post("block-storage", f"{path}/action", {"os-set_image_metadata": {"metadata": wanted}})
        if (str(volume["bootable"]).lower() == "true") != want["bootable"]:
            body = {"os-set_bootable": {"bootable": want["bootable"]}}
            cloud.post("block-storage", f"{path}/action", body)
        cloud.put("block-storage", f"{path}/metadata", {"metadata": want["metadata"]})
        if want.get("readonly") and volume["metadata"].get("readonly", "").lower() != "true":
            cloud.post("block-storage", f"{path}/action", {"os-update_readonly_flag": {"readonly": True}})

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Cinder deletes in its own time; see :func:`wait_gone`."""
        cloud.delete("block-storage", f"/volumes/{identifier}")


def find_marked(cloud: Cloud, source_id: str) -> str | None:
    """The volume of an interrupted run, by its mark."""
    for body in cloud.pages("block-storage", "/volumes/detail", "volumes", all_tenants="1"):
        if body["metadata"].get(MARK) == source_id:
            return str(body["id"])
    return None


def wait(cloud: Cloud, clock: Clock, path: str, one: str, timeout: float) -> dict[str, Any]:
    """Wait until a volume or snapshot is available or in use.

    :param path: e.g. ``/volumes/ID``.
    :raises CloudError: when it ends in an error or vanishes: Cinder accepts first and refuses later.
    """

    def poll() -> dict[str, Any] | None:
        body: dict[str, Any] = cloud.get("block-storage", path)[one]
        if body["status"].startswith("error"):
            raise CloudError(
                f"{cloud.role}: {one} {body.get('name') or body['id']!r} ({body['id']}) is in status {body['status']}",
                f"See 'openstack volume message list' and the logs of cinder-volume of the {cloud.role}.",
            )
        return body if body["status"] in ("available", "in-use") else None

    return clock.wait(f"{cloud.role} {one} {path.rsplit('/', 1)[1]} to be available", timeout, poll)


def wait_gone(cloud: Cloud, clock: Clock, path: str, timeout: float) -> None:
    """Wait until a volume or snapshot is no longer there."""

    def poll() -> bool | None:
        body = cloud.find("block-storage", path)
        if body and next(iter(body.values()))["status"] == "error_deleting":
            raise CloudError(f"{cloud.role}: {path[1:]} could not be deleted (status error_deleting)")
        return None if body else True

    clock.wait(f"{cloud.role} {path[1:]} to be deleted", timeout, poll)
