"""Volumes on storage that both clouds have: which may be adopted; and what the source was like before."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pumphouse.inventory import Inventory
from pumphouse.model import Item, Row
from pumphouse.policy import Policy

ADOPTED = "adopted: both clouds have its storage"
HOST = "os-vol-host-attr:host"
STOPPABLE = ("ACTIVE", "SHUTOFF")


def shared_pool(item: Item, source: Inventory, policy: Policy) -> tuple[str, str]:
    """The destination's pool that a volume is in already, empty when none; why it is copied all the same, else empty.

    Cinder lets go of a volume only when it is available, without snapshots, not in a group and not encrypted
    (``os-unmanage``); Nova does not detach the root volume of a server.
    """
    pool = policy.shared_pools.get(str(item.observed.get(HOST)), "")
    if not pool:
        return "", ""
    if any(s.fields["volume_id"] == item.id for s in source.of("volume_snapshot")):
        return pool, "it has snapshots"
    if item.observed["status"] not in ("available", "in-use"):  # e.g. reserved for a shelved server
        return pool, f"it is {item.observed['status']}"
    if item.observed["encrypted"]:
        return pool, "it is encrypted"
    if item.observed.get("group_id") or item.observed.get("consistencygroup_id"):
        return pool, "it is in a group"
    return pool, _held_by_server(item, source)


def _held_by_server(item: Item, source: Inventory) -> str:
    attachments = item.observed["attachments"]
    if len(attachments) > 1:
        return "it is attached to several servers"
    for attachment in attachments:
        server = source.get("server", attachment["server_id"])
        if server is None:
            return "it is attached to a server that is not there"
        if any(v["volume_id"] == item.id and v["boot_index"] == 0 for v in server.fields["volumes"]):
            return "it is the root of a server"
        if server.observed["status"] not in STOPPABLE:
            return f"its server is {server.observed['status']}"
    return ""


def as_it_was(source: Inventory, rows: Iterable[Row]) -> Inventory:
    """The source with the volumes that it let go: each where it was, as it was noted before.

    So a killed run goes on, a comparison finds the original's fields, and rollback knows what to give back.
    """
    noted = [row for row in rows if row.kind == "volume" and "adopt" in row.data and row.state != "committed"]
    if not noted:
        return source
    items = {item.key: item for item in source}
    for row in noted:
        facts = row.data["adopt"]
        fields, observed = facts["fields"], facts["observed"]
        items[row.key] = Item("volume", row.source_id, row.name, fields["project_id"], fields, observed)
        attached, key = facts["attached"], f"server:{facts['server']}"
        if attached and key in items:
            items[key] = _with_volume(items[key], attached)
    return Inventory(source.role, items.values())


def _with_volume(server: Item, attached: Mapping[str, object]) -> Item:
    volumes = [v for v in server.fields["volumes"] if v["volume_id"] != attached["volume_id"]]
    volumes = sorted(
        [*volumes, dict(attached)], key=lambda v: (v["boot_index"] != 0, len(v["device"]), v["device"])
    )
    return replace(server, fields={**server.fields, "volumes": volumes})
