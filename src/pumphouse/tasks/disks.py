"""The move of one volume, and the proof that a disk arrived as it was."""

from pumphouse.kinds import KINDS, server, volume
from pumphouse.model import Row, Step
from pumphouse.plan.changes import remembered
from pumphouse.ports import About, Cloud
from pumphouse.tasks.adopt import adopt, give_back
from pumphouse.tasks.capture import capture_server, capture_snapshot, capture_volume, take_snapshot
from pumphouse.tasks.contents import compare_content, make_volume, put_content, temporary_image
from pumphouse.tasks.ensure import fill
from pumphouse.tasks.run import Run, Told
from pumphouse.tasks.snapshots import keep_snapshots, kept_snapshots, undo_snapshots

PIN = "-pin-snapshot"


def move_volume(run: Run, step: Step, workload: str) -> None:
    """Adopt a volume; or capture it, copy it into a temporary image, and make the volume of it.

    It is done when all of its workload is; until then a repetition finds that it was moved, and what it is pinned by.

    :param workload: key of the server it goes with, or its own.
    """
    item, row = run.item(step.key), run.row(step.key)
    if row and row.data.get("moved"):
        return
    if row is None:
        run.ports.ledger.intend(step.key, step.kind, step.name)
    if adopt(run, step, workload):
        run.ports.ledger.note(step.key, moved=True)
        return
    keep_snapshots(run, step, workload)
    direct = not item.observed["attachments"]
    size = item.fields["size"]
    with Told(run, step, "capture", workload):
        captured = capture_volume(run, "source", item.id, size, step.key, item.id, direct=direct)
    with Told(run, step, "transfer", workload):
        image = temporary_image(run, item, captured, item.id)
        fill(run, step, captured["id"], image, workload)
    with Told(run, step, "create_volume", workload):
        put = put_content if kept_snapshots(run, step.key) else make_volume
        identifier = put(run, item, image, size)
        KINDS["volume"].finish(run.ports.destination, identifier, run.want(item), item)
    if run.policy_of(workload).verify_disks == "read-back":
        with Told(run, step, "pin", workload):
            take_snapshot(run, "destination", identifier, step.key, f"{item.id}-pin")
    run.ports.ledger.note(step.key, moved=True, carried=remembered(KINDS["volume"], run.want(item)))
    run.temporaries.drop(step.key, keep=PIN)


def undo_volume(run: Run, key: str) -> None:
    """Remove the volume in the destination, and what was temporary about it."""
    row = run.row(key)
    run.temporaries.drop(key)
    undo_snapshots(run, key)
    if row and "adopt" in row.data:
        give_back(run, row)
        run.ports.ledger.forget(key)
        return
    if row is None or row.how != "created":
        return
    cloud = run.ports.destination
    identifier = row.destination_id
    if identifier is None and row.data.get("creating"):
        identifier = volume.find_marked(cloud, row.source_id)
    if identifier:
        path = f"/volumes/{identifier}"
        if cloud.find("block-storage", path):
            _wait_free(run, cloud, path)
            cloud.delete("block-storage", path)
        volume.wait_gone(cloud, run.ports.clock, path, run.policy.timeouts.volume)
    run.ports.ledger.forget(key)


def _wait_free(run: Run, cloud: Cloud, path: str) -> None:
    """A volume is detached a moment after its server is gone."""

    def poll() -> bool | None:
        body = cloud.find("block-storage", path)
        free = body is None or body["volume"]["status"] in ("available", "error", "error_restoring")
        return True if free else None

    run.ports.clock.wait(f"{cloud.role} {path[1:]} to be free", run.policy.timeouts.volume, poll)


# --- proof --------------------------------------------------------------------------------------
def prove_volume(run: Run, step: Step, workload: str) -> None:
    """Read back the volume as it was when it was handed over, before its servers started.

    :raises Mismatch: when its content is not what was read at the source.
    """
    row = run.row(step.key)
    if row is None:
        return
    copied = "adopt" not in row.data
    read_back = run.policy_of(workload).verify_disks == "read-back"
    if copied and read_back and not row.data.get("proven"):
        _read_back(run, step, row, workload)
    run.temporaries.drop(step.key)


def _read_back(run: Run, step: Step, row: Row, workload: str) -> None:
    item = run.item(step.key)
    with Told(run, step, "verify", workload):
        pin = take_snapshot(run, "destination", str(row.destination_id), step.key, f"{item.id}-pin")
        size = item.fields["size"]
        image = capture_snapshot(run, "destination", pin, size, step.key, f"{item.id}-check")
        compare_content(run, About(step.key, workload), step.name, image, str(row.data["content"]))


def prove_image(run: Run, key: str, name: str, workload: str) -> None:
    """Read back an image of the destination: also when checksums are trusted, but the clouds hash differently.

    :raises Mismatch: when its content is not what was read at the source.
    """
    row = run.row(key)
    if row is None or row.data.get("proven"):
        return
    if run.policy_of(workload).verify_disks != "read-back" and row.data.get("hashed"):
        return
    step = next((s for s in run.plan.steps if s.key == key), None)
    part = step or Step(key, "image", name, "", run.plan.steps[0].action)
    with Told(run, part, "verify", workload):
        image = run.ports.destination.get("image", f"/images/{row.destination_id}")
        compare_content(run, About(key, workload), name, image, str(row.data["content"]))


def content_now(run: Run, row: Row) -> str | None:
    """sha256 of what a disk of the destination holds now; see :class:`pumphouse.ports.Copied`.

    :param row: of a server (its root disk), a volume, a snapshot of one or an image.
    :return: None when its content cannot be told from its bytes (a snapshot in another format than raw).
    """
    destination, identifier = run.ports.destination, str(row.destination_id)
    label = f"{row.source_id}-now"
    root = server.root_volume(destination, identifier) if row.kind == "server" else None
    if row.kind == "image":
        image = destination.get("image", f"/images/{identifier}")
    elif row.kind == "server" and not root:
        image = capture_server(run, "destination", identifier, row.key, label)
    elif row.kind == "volume_snapshot":
        size = destination.get("block-storage", f"/snapshots/{identifier}")["snapshot"]["size"]
        image = capture_snapshot(run, "destination", identifier, size, row.key, label)
    else:
        identifier = root or identifier
        body = destination.get("block-storage", f"/volumes/{identifier}")["volume"]
        direct = body["status"] == "available"
        image = capture_volume(run, "destination", identifier, body["size"], row.key, label, direct=direct)
    raw = row.kind == "image" or image["disk_format"] == "raw"
    size = int(image["size"])
    read = run.ports.transfer.read(destination, image["id"], size, About(row.key, row.key)) if raw else None
    if row.kind != "image":
        run.temporaries.drop(row.key)
    return read.content if read else None
