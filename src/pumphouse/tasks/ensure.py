"""Make sure that one resource is in the destination, whatever its kind."""

from pumphouse.errors import CloudError, Mismatch
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Step
from pumphouse.plan.changes import brought_up, filled, remembered
from pumphouse.ports import About, Cloud
from pumphouse.tasks.hashes import carry_credential
from pumphouse.tasks.run import Run
from pumphouse.tasks.sharing import standing

SETTLE = 60  # seconds an interrupted upload gets until its image takes data again


def ensure(run: Run, step: Step) -> str:
    """Create and finish it, or go on where an interrupted run left it; the id in the destination.

    One run at a time: what several share is made by the first, and found by the others.

    :raises CloudError: when another run left it in a way that cannot go on.
    """
    with run.ports.locks.holding(step.key, run.waiting(step.key)):
        row = run.row(step.key)
        if row and standing(row) != standing(run.planned.get(step.key)):
            if row.state in ("done", "reused") and row.destination_id:
                return row.destination_id  # made by another run meanwhile
            step = run.again(step.key)
        if step.action in (Action.SKIP, Action.BLOCK):
            raise CloudError(f"{step.kind} {step.name!r}: {step.reason}", "Plan again.")
        return _ensure(run, step)


def _ensure(run: Run, step: Step) -> str:
    ledger = run.ports.ledger
    if step.action is Action.REUSE:
        assert step.destination_id is not None
        ledger.reused(step.key, step.kind, step.name, step.destination_id)
        return step.destination_id
    if step.action is Action.UPDATE:
        return _update(run, step)
    if step.action is Action.REMOVE:
        return _remove(run, step)
    item, kind = run.item(step.key), KINDS[step.kind]
    with run.say(step, "ensure"):
        want = run.want(item)
        identifier = step.destination_id or _create(run, item, want)
        ledger.created(step.key, identifier)
        if kind.payload:
            fill(run, step, item.id, identifier, step.key)
        kind.finish(run.ports.destination, identifier, want, item)
        if any(want.get(name) for name in kind.held):
            ledger.note(step.key, held=True)
        ledger.done(step.key)
    return identifier


def _update(run: Run, step: Step) -> str:
    """Carry over what changed at the source; what was begun is known, so that a repetition finishes it."""
    item, kind, row = run.item(step.key), KINDS[step.kind], run.row(step.key)
    assert row is not None and row.destination_id is not None
    carried = row.data["carried"]
    with run.say(step, "update"):
        want, known = filled(kind, remembered(kind, run.want(item)), carried)
        before = {name: found for name, _, found in kind.compare(want, known)}
        run.ports.ledger.note(step.key, updating=list(step.changed))
        if step.changed:
            have = {name: before.get(name, known.get(name)) for name in step.changed}
            kind.update(run.ports.destination, row.destination_id, want, have, item)
        carried = brought_up(carried, want, step.changed)
        run.ports.ledger.note(step.key, carried=carried, updating=[])
    return row.destination_id


def _remove(run: Run, step: Step) -> str:
    """Take back what was taken back at the source; what is gone already is success."""
    assert step.destination_id is not None
    with run.say(step, "remove"):
        KINDS[step.kind].delete(run.ports.destination, step.destination_id)
        run.ports.ledger.forget(step.key)
    return step.destination_id


def _create(run: Run, item: Item, want: dict[str, object]) -> str:
    kind, ledger = KINDS[item.kind], run.ports.ledger
    ledger.intend(item.key, item.kind, item.name)
    ledger.note(item.key, carried=remembered(kind, want))

    def make(cloud: Cloud, _: bool) -> str:
        return kind.create(cloud, want, item)

    try:
        if kind.in_tables:
            return carry_credential(run, item, want)
        if kind.acts_in_project:
            return run.actors.perform(item, make)
        return make(run.ports.destination, False)
    except CloudError as error:
        if 400 <= error.status < 500:  # refused for certain: nothing was made
            ledger.forget(item.key)
        raise


def fill(run: Run, step: Step, image: str, to: str, workload: str) -> None:
    """Copy the data of a source image into one of the destination, unless it is there already.

    :param step: what the data is of.
    :param workload: key of the server it goes with, or its own.

    :raises Mismatch: when what Glance stored is not what it was given.
    """
    source, destination = run.ports.source, run.ports.destination
    body = source.get("image", f"/images/{image}")
    status = destination.get("image", f"/images/{to}")["status"]
    if status == "saving":
        status = _wait_for_upload(run, to)
    if status == "queued":
        copied = run.ports.transfer.copy(image, to, int(body["size"]), About(step.key, workload))
        run.ports.ledger.note(step.key, content=copied.content, bytes=copied.size)
        run.ports.publish(
            "moved",
            step.key,
            kind=step.kind,
            name=step.name,
            workload=workload,
            source_id=step.key.partition(":")[2],
            destination_id=to,
            bytes=copied.size,
            seconds=round(copied.seconds, 3),
            sha256=copied.content,
        )
    elif "content" not in (row.data if (row := run.row(step.key)) else {}):
        # Killed between the end of the copy and the note of its hash: what was copied is still there to read.
        read = run.ports.transfer.read(source, image, int(body["size"]), About(step.key, workload))
        run.ports.ledger.note(step.key, content=read.content, bytes=read.size)
    there = destination.get("image", f"/images/{to}")
    same_algorithm = body.get("os_hash_algo") == there.get("os_hash_algo")
    for name in ("size", "checksum", *(("os_hash_value",) if same_algorithm else ())):
        if body.get(name) and there.get(name) and there[name] != body[name]:
            raise Mismatch(
                f"image {to} in the destination: {name} is {there.get(name)}, at the source it is {body[name]}",
                "The data was damaged on the way or in the store; run the same command again.",
            )
    run.ports.ledger.note(step.key, hashed=bool(same_algorithm and there.get("os_hash_value")))


def _wait_for_upload(run: Run, image: str) -> str:
    """An upload that a killed run left open: Glance notices, and takes data again."""

    def poll() -> str | None:
        status = str(run.ports.destination.get("image", f"/images/{image}")["status"])
        return None if status == "saving" else status

    return run.ports.clock.wait(f"destination image {image} to take data again", SETTLE, poll)


def activate(run: Run, step: Step) -> None:
    """Set what had to wait until the source gave way; nothing when that was done before."""
    row, kind = run.row(step.key), KINDS[step.kind]
    if row and row.data.get("held") and row.destination_id:
        with run.say(step, "activate"):
            kind.activate(run.ports.destination, row.destination_id, run.want(run.item(step.key)))
            run.ports.ledger.note(step.key, held=False)
