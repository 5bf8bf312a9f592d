"""Snapshots of Cinder volumes: kept as snapshots of the moved volume."""

from collections.abc import Iterator
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

PROJECT = "os-extended-snapshot-attributes:project_id"
MARK = "pumphouse_source_snapshot"  # in the metadata while the snapshot is being made


class VolumeSnapshot(Kind):
    """Belongs to the project and user that make it. Moves with its volume, without downtime."""

    name = "volume_snapshot"
    api = Api("block-storage", "/snapshots", "snapshot", "snapshots")
    refs = (Ref("volume", "volume_id"), Ref("project", "project_id"), Ref("user", "user_id"))
    portable = ("name", "description", "size", "volume_id", "project_id", "user_id", "metadata")
    companion_of = ("volume_id",)
    reads_after = ("user",)
    payload = True
    moves = True
    acts_in_project = True
    notes = {
        "size": "that of its volume at the time",
        "user_id": "as with volumes; told by the source from microversion 3.41",
    }
    chosen = {
        "data": "kept or dropped by policy.snapshots; to keep it the destination needs block storage "
        "microversion 3.68 (Yoga)",
    }
    lost = {
        "id": "Cinder gives a new one",
        "created_at": "the time of the move; their order is kept",
        "group_snapshot_id": "carried as a snapshot of its own",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Of every project, without the temporary ones of a run."""
        users = {user.id for user in found["user"]}
        for body in cloud.pages(self.api.service, "/snapshots/detail", self.api.many, all_tenants="1"):
            if (body.get("name") or "").startswith("pumphouse-"):
                continue
            owner = body.get("user_id") if body.get("user_id") in users else None
            item = self.item({**body, "project_id": body.get(PROJECT), "user_id": owner})
            if item:
                yield item

    def observe(self) -> tuple[str, ...]:
        """The age gives the order in which they are made again."""
        return ("status", "created_at", "group_snapshot_id")

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """No name is an empty one."""
        fields["name"] = fields.get("name") or ""
        return fields

    def skip_reason(self, item: Item) -> str:
        """Cinder makes none of a broken one."""
        status = item.observed["status"]
        return "" if status in ("available", "backing-up") else f"it is in status {status}"

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Of the volume as it is now; marked, so that an interrupted run finds it again."""
        body = {name: want[name] for name in ("name", "description", "volume_id")}
        body["metadata"] = {**want["metadata"], MARK: item.id}
        return str(cloud.post(self.api.service, self.api.path, {"snapshot": body})["snapshot"]["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """The metadata of the source, without our mark."""
        cloud.put(self.api.service, f"/snapshots/{identifier}/metadata", {"metadata": want["metadata"]})


def find_marked(cloud: Cloud, source_id: str) -> str | None:
    """The snapshot of an interrupted run, by its mark."""
    for body in cloud.pages("block-storage", "/snapshots/detail", "snapshots", all_tenants="1"):
        if body["metadata"].get(MARK) == source_id:
            return str(body["id"])
    return None
