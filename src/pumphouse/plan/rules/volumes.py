"""Rules about volumes."""

from pumphouse.model import Action, Item
from pumphouse.plan.match import NO_REIMAGE
from pumphouse.plan.pools import ADOPTED, shared_pool
from pumphouse.plan.rules.view import BLOCK, NOTE, WARN, Found, View, rule, said
from pumphouse.plan.select import attached_to

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
    """Volumes attached to several servers, or to one that is not moved."""
    servers = {i.id for i in view.to_do("server")}
    for item in view.to_do("volume"):
        attached = attached_to(item, view.source)
        if len(attached) > 1:
            yield (
                item.key,
                f"{said(item)} is attached to {len(attached)} servers",
                ("Detach it from all but one; attach it again in the destination."),
            )
        elif attached and attached[0] not in servers:
            name = view.source.name_of("server", attached[0])
            yield (
                item.key,
                f"{said(item)} is attached to server {name!r}, which is not moved",
                ("Select that server too, or detach the volume, or exclude it."),
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
