"""Rules about volumes."""

from pumphouse.model import Action, Item
from pumphouse.plan.inforce import decided
from pumphouse.plan.match import NO_REIMAGE
from pumphouse.plan.pools import ADOPTED, shared_pool
from pumphouse.plan.rules.view import BLOCK, NOTE, WARN, Found, View, rule, said
from pumphouse.plan.select import attached_to
from pumphouse.plan.together import volume_keys

REMEDIES = {
    "awaiting-transfer": "Let it be accepted, or 'openstack volume transfer request delete'.",
}


@rule("volume-state", BLOCK)
def _volume_state(view: View) -> Found:
    """Volumes in a status in which they cannot be copied."""
    for item in view.to_do("volume"):
        status = item.observed["status"]
        remedy = REMEDIES.get(status, "Bring it to available or in-use, or exclude it.")
        if status not in ("available", "in-use") and not _ours_uploads(view, item):
            yield (
                item.key,
                f"{said(item)} is in status {status}",
                remedy,
            )


def _ours_uploads(view: View, item: Item) -> bool:
    return item.observed["status"] == "uploading" and item.key in view.rows


@rule("volume-encrypted", BLOCK)
def _encrypted(view: View) -> Found:
    """Encrypted volumes, whose keys stay at the source."""
    for item in view.to_do("volume"):
        if item.observed["encrypted"]:
            yield (
                item.key,
                f"{said(item)} is encrypted: its key stays in the source",
                ("Copy it to an unencrypted volume inside a guest, or retype it."),
            )


@rule("volume-attached-elsewhere", BLOCK)
def _elsewhere(view: View) -> Found:
    """Volumes attached to a server that is not moved with them."""
    servers = {i.id for i in view.to_do("server")}
    for item in view.to_do("volume"):
        for server in attached_to(item, view.source):
            if server not in servers:
                name = view.source.name_of("server", server)
                yield (
                    item.key,
                    f"{said(item)} is attached to server {name!r}, which is not moved",
                    "Select that server too ('--with-connected' does), or detach the volume, or exclude it.",
                )


@rule("volume-shared", NOTE)
def _shared(view: View) -> Found:
    """Volumes attached to several servers, which are stopped, moved and given back together."""
    for item in view.to_do("volume"):
        servers = [view.source.name_of("server", server) for server in attached_to(item, view.source)]
        if len(servers) > 1:
            yield (
                item.key,
                f"{said(item)} is shared by servers {', '.join(sorted(servers))}: all of them are without service "
                "until the last disk of theirs has arrived",
                "Nothing to do; rollback and commit take them together, too.",
            )


@rule("volume-not-shareable", BLOCK)
def _not_shareable(view: View) -> Found:
    """Volumes attached to several servers, of a type that allows one only in the destination."""
    types = {step.key: step for step in view.steps if step.kind == "volume_type"}
    for item in view.to_do("volume"):
        step = types.get(f"volume_type:{item.fields['volume_type']}")
        there = view.destination.get("volume_type", step.destination_id) if step else None
        kind = there or (view.source.by_key(step.key) if step else None)
        allowed = kind is not None and kind.fields.get("extra_specs", {}).get("multiattach") == "<is> True"
        if len(attached_to(item, view.source)) > 1 and not allowed:
            yield (
                item.key,
                f"{said(item)} is attached to several servers, which its type in the destination does not allow",
                "Set multiattach='<is> True' on the type there, or map it to one that has it by policy.volume_types.",
            )


@rule("volume-moved-before", BLOCK, acceptable=True)
def _moved_before(view: View) -> Found:
    """Servers that may have written to a volume since it was moved without them."""
    for item in view.to_do("server"):
        if view.started(item) and item.observed["status"] != "ACTIVE":
            continue
        for key in volume_keys(item):
            row = view.rows.get(key)
            if row and row.how == "created" and row.state == "done":
                yield (
                    item.key,
                    f"{said(item)} has volume {row.name!r} ({row.source_id}), which was moved before: what it wrote "
                    "there since would be lost",
                    f"Take the volume back first: 'pumphouse rollback volume {row.source_id}'; or accept the loss.",
                )


@rule("volume-zone", BLOCK)
def _zone(view: View) -> Found:
    """The availability zone that policy chooses for a volume is not one of the destination's."""
    zones = {zone for pool in view.destination.of("volume_pool") for zone in pool.observed["zones"]}
    for item in view.to_do("volume"):
        zone = decided(item, view.source, view.policy).get("availability_zone")
        if zone and zone not in zones:
            yield (
                item.key,
                f"{said(item)} goes to availability zone {zone!r}, which the block storage of the destination does not "
                "have",
                f"Name one that it has under policy.volume_availability_zones: {', '.join(sorted(zones)) or 'none'}.",
            )


@rule("volume-group", WARN)
def _group(view: View) -> Found:
    """Volumes in a group, which is not carried."""
    for item in view.to_do("volume"):
        group = item.observed.get("group_id") or item.observed.get("consistencygroup_id")
        if group:
            yield (
                item.key,
                f"{said(item)} leaves its volume group {group}: groups are not carried",
                "Make a group in the destination, and add the volume to it.",
            )


@rule("volume-backups", WARN)
def _backups(view: View) -> Found:
    """Volumes with backups, which are not carried."""
    for item in view.to_do("volume"):
        if count := item.observed.get("backups"):
            yield (
                item.key,
                f"{said(item)} has {count} backup(s), which are not carried",
                "Keep the source's backup store as long as they are needed, and back up the volume anew.",
            )


@rule("volume-snapshots", BLOCK, acceptable=True)
def _snapshots(view: View) -> Found:
    """Snapshots that the destination cannot keep."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        if step.kind == "volume_snapshot" and step.reason == NO_REIMAGE and item:
            yield (
                item.key,
                f"{said(item)} is lost: {step.reason}",
                "Make a volume of it, or drop snapshots with policy.snapshots.",
            )


@rule("volume-snapshots-dropped", WARN)
def _dropped(view: View) -> Found:
    """Snapshots that stay at the source by policy, or for what they are."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        skipped = step.kind == "volume_snapshot" and step.action is Action.SKIP
        if skipped and step.reason != NO_REIMAGE and item:
            yield (
                item.key,
                f"{said(item)} is not carried: {step.reason}",
                "It stays at the source, and its volume with it, until somebody deletes it.",
            )


@rule("volume-adopted", NOTE)
def _adopted(view: View) -> Found:
    """Volumes that change hands without being copied."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        if step.reason == ADOPTED and item:
            yield (
                item.key,
                f"{said(item)} is handed over without a copy: it will belong to the administrator's user, and rollback "
                "gives it a new id at the source",
                "Nothing to do; when the destination does not list it as manageable, it is copied.",
            )


@rule("volume-not-adopted", NOTE)
def _not_adopted(view: View) -> Found:
    """Volumes in a pool that both clouds have, which are copied all the same."""
    for item in view.to_do("volume"):
        pool, why_not = shared_pool(item, view.source, view.policy)
        if pool and not why_not and view.destination.get("volume_pool", pool) is None:
            why_not = f"the destination has no pool {pool!r}"
        if why_not:
            yield (
                item.key,
                f"{said(item)} is copied although both clouds have its storage: {why_not}",
                "Nothing to do; the copy takes its time.",
            )
