"""Snapshots of volumes, kept: the moved volume is brought to each state in turn, oldest first, and snapshotted.

What is in a snapshot no longer changes, so all of this happens while the server still runs.
"""

from pumphouse.errors import CloudError
from pumphouse.kinds import KINDS, volume, volume_snapshot
from pumphouse.model import Action, Item, Step
from pumphouse.ports import About, Cloud
from pumphouse.tasks.capture import capture_snapshot
from pumphouse.tasks.contents import compare_content, made_volume, put_content, temporary_image
from pumphouse.tasks.ensure import fill
from pumphouse.tasks.run import Run, Told


def kept_snapshots(run: Run, key: str) -> list[Step]:
    """The snapshots of a volume that the plan carries, oldest first.

    :param key: of the volume.
    """
    found = [
        (str(item.observed["created_at"]), step)
        for step in run.plan.steps
        if step.kind == "volume_snapshot" and step.action in (Action.MOVE, Action.REUSE)
        if (item := run.source.by_key(step.key)) and f"volume:{item.fields['volume_id']}" == key
    ]
    return [step for _, step in sorted(found, key=lambda pair: pair[0])]


def keep_snapshots(run: Run, step: Step, workload: str) -> None:
    """Make every snapshot of a volume that is not there yet.

    :param step: the volume.
    :param workload: key of the server it goes with, or its own.
    """
    row = run.row(step.key)
    if row and (row.data.get("moved") or row.state == "done"):
        return
    for part in kept_snapshots(run, step.key):
        kept = run.row(part.key)
        if kept is None or kept.state != "done":
            if row is None:
                run.ports.ledger.intend(step.key, step.kind, step.name)
            _keep(run, step, part, workload)
            row = run.row(step.key)


def _keep(run: Run, step: Step, part: Step, workload: str) -> None:
    item, of = run.item(part.key), run.item(step.key)
    ledger, size, row = run.ports.ledger, int(item.fields["size"]), run.row(part.key)
    if row is None:
        ledger.intend(part.key, part.kind, part.name)
    if row is None or row.data.get("held_by", "") != made_volume(run, of):
        with Told(run, part, "capture", workload):
            captured = capture_snapshot(run, "source", item.id, size, step.key, item.id)
        with Told(run, part, "transfer", workload):
            image = temporary_image(run, of, captured, item.id)
            fill(run, part, captured["id"], image, workload)
        with Told(run, part, "create_volume", workload):
            ledger.note(part.key, held_by=put_content(run, of, image, size))
    with Told(run, part, "snapshot", workload):
        identifier = _create(run, item)
        KINDS["volume_snapshot"].finish(run.ports.destination, identifier, run.want(item), item)
    if run.policy_of(workload).verify_disks == "read-back":
        with Told(run, part, "verify", workload):
            image_there = capture_snapshot(run, "destination", identifier, size, step.key, f"{item.id}-check")
            content = str(run.row(part.key).data["content"])  # type: ignore[union-attr]
            compare_content(run, About(part.key, workload), part.name, image_there, content)
    run.temporaries.drop(step.key)
    ledger.done(part.key)


def _create(run: Run, item: Item) -> str:
    ledger, cloud, row = run.ports.ledger, run.ports.destination, run.row(item.key)
    identifier = row.destination_id if row and row.state == "created" else None
    if identifier is None and row and row.data.get("creating"):
        identifier = volume_snapshot.find_marked(cloud, item.id)
    if identifier is None or cloud.find("block-storage", f"/snapshots/{identifier}") is None:
        ledger.note(item.key, creating=True)

        def make(actor: Cloud, _: bool) -> str:
            return KINDS["volume_snapshot"].create(actor, run.want(item), item)

        identifier = run.actors.perform(item, make)
    ledger.created(item.key, identifier)
    path, timeout = f"/snapshots/{identifier}", run.policy.timeouts.volume
    try:
        volume.wait(cloud, run.ports.clock, path, "snapshot", timeout)
    except CloudError:
        raise CloudError(
            f"volume snapshot {item.name!r} ({item.id}): its counterpart {identifier} did not become available",
            "See the log of cinder-volume of the destination; run the same command again.",
        ) from None
    return identifier


def undo_snapshots(run: Run, key: str) -> None:
    """Remove the snapshots that were made of a volume's counterpart, newest first.

    :param key: of the volume.
    """
    of_it = {
        item.key for item in run.source.of("volume_snapshot") if f"volume:{item.fields['volume_id']}" == key
    }
    rows = [row for each in of_it if (row := run.row(each))]
    for row in sorted(rows, key=lambda r: -r.updated_at):
        undo_snapshot(run, row.key)


def undo_snapshot(run: Run, key: str) -> None:
    """Remove a snapshot in the destination."""
    row, cloud = run.row(key), run.ports.destination
    if row is None or row.how != "created":
        return
    identifier = row.destination_id
    if identifier is None and row.data.get("creating"):
        identifier = volume_snapshot.find_marked(cloud, row.source_id)
    if identifier:
        KINDS["volume_snapshot"].delete(cloud, identifier)
        path = f"/snapshots/{identifier}"
        volume.wait_gone(cloud, run.ports.clock, path, run.policy.timeouts.volume)
    run.ports.ledger.forget(key)
