"""Rules about volumes."""

from pumphouse.model import Action, Item
from pumphouse.plan.match import NO_REIMAGE
from pumphouse.plan.rules.view import BLOCK, WARN, Found, View, rule, said
from pumphouse.plan.select import attached_to


@rule("volume-state", BLOCK)
def _volume_state(view: View) -> Found:
    """Volumes in a status in which they cannot be copied."""
    for item in view.to_do("volume"):
        status = item.observed["status"]
        attached = item.observed["attachments"]
        shelved = status == "reserved" and not attached and attached_to(item, view.source)
        if status not in ("available", "in-use") and not shelved and not _ours_uploads(view, item):
            yield (
                item.key,
                f"{said(item)} is in status {status}",
                "Bring it to available or in-use, or exclude it.",
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
