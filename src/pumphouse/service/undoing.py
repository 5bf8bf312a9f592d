"""rollback: remove what was made, give the source back."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pumphouse.errors import PumphouseError, Refused
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Outcome, Plan, Result, Row, RunResult, Selection, Step
from pumphouse.plan.select import named, part_of
from pumphouse.service.session import Session
from pumphouse.tasks.adopt import adopted_from
from pumphouse.tasks.around import after, before
from pumphouse.tasks.closing import open_to_remove
from pumphouse.tasks.cutover import release_addresses, restart, undo_root, undo_server
from pumphouse.tasks.disks import undo_volume
from pumphouse.tasks.run import Run
from pumphouse.tasks.snapshots import undo_snapshot

MADE = ("intended", "created", "done")


def preview(session: Session, selection: Selection) -> tuple[Step, ...]:
    """What would be removed in the destination, in order.

    :raises Refused: when originals were deleted already.
    """
    return _steps(session, selection)[0]


def rollback(session: Session, selection: Selection) -> RunResult:
    """Servers first: the destination must be down before the source comes up."""
    started = session.adapters.clock.now()
    steps, plan, source = _steps(session, selection)
    session.claim(steps)
    journal = session.adapters.journal
    migration = session.migration_of(selection, (step.key for step in steps))
    publish = session.publisher(migration.id)
    publish("run.started", command="rollback", selection=str(selection), steps=len(steps), bytes=0)
    run = session.run(plan, source, publish)
    before(run, "before_rollback")
    servers = [s for s in steps if s.kind == "server"]
    with ThreadPoolExecutor(run.policy.concurrency, thread_name_prefix="rollback") as pool:
        outcomes = list(pool.map(lambda step: _undo(run, step), servers))
    open_to_remove(run, (s for s in steps if not _counted_on(session, migration.id, s)))
    for step in steps:
        if step.kind != "server" and not _counted_on(session, migration.id, step):
            outcomes.append(_undo(run, step))
    keys = {step.key for step in steps}
    for temporary in session.adapters.ledger.temporaries():
        if temporary.owner in keys or temporary.owner == "":
            run.temporaries.drop(temporary.owner)
    after(run, "after_rollback")
    seconds = round(session.adapters.clock.now() - started, 3)
    result = RunResult(migration.id, tuple(outcomes), (), seconds)
    publish("run.done", result="failed" if result.failed else "ok", seconds=seconds)
    whole = journal.find(selection) is not None
    if whole:
        _forget_mapped(session, migration.id)
    state = "rolled back" if whole else "partly rolled back"
    journal.set_state(migration.id, "failed" if result.failed else state)
    session.tell_parts(migration.id, steps, "rolled back")
    return result


def _forget_mapped(session: Session, migration: str) -> None:
    """What the migration alone was told to use in place of something no longer holds."""
    keys = session.adapters.journal.keys(migration) - session.adapters.journal.others(migration)
    for key, row in session.adapters.ledger.rows().items():
        if key in keys and row.data.get("mapped"):
            session.adapters.ledger.forget(key)


def _steps(session: Session, selection: Selection) -> tuple[tuple[Step, ...], Plan, Inventory]:
    world = session.world()
    plan = session.plan(selection, world)
    rows = [world.rows[k] for k in _keys(session, selection, world.source) if k in world.rows]
    whole = session.adapters.journal.find(selection)
    members = session.adapters.journal.keys(whole.id) if whole else frozenset()
    of_it = {row.key: row for row in rows} | {k: world.rows[k] for k in members if k in world.rows}
    gone = [row for row in of_it.values() if row.state == "committed"]
    if gone:
        raise Refused(
            f"{gone[0].kind} {gone[0].name!r} was committed: its original no longer exists at the source"
            + (f", and {len(gone) - 1} more" if len(gone) > 1 else ""),
            "What is committed stays in the destination; roll back other servers one by one.",
        )
    _refuse_shared(world.source, rows, world.rows)
    made = [row for row in rows if row.how == "created" and row.state in MADE]
    adopted = {s.key: s.destination_id for s in plan.steps if s.action is Action.CREATE}
    return (
        tuple(_step(row, adopted.get(row.key)) for row in _in_order(made, world.source)),
        plan,
        world.source,
    )


def _keys(session: Session, selection: Selection, source: Inventory) -> frozenset[str]:
    """The servers and volumes; of a whole migration also the rest, but what other migrations count on."""
    journal = session.adapters.journal
    migration = journal.find(selection)
    items = named(source, selection)
    servers = {i.id for i in items if i.kind == "server"}
    keys = {i.key for i in items if KINDS[i.kind].moves} | {f"image:root-{s}" for s in servers}
    keys |= {v.key for v in source.of("volume") if part_of(v, servers, source)}
    if migration:
        keys |= journal.keys(migration.id) - journal.others(migration.id)
    return frozenset(keys)


def _refuse_shared(source: Inventory, rows: Iterable[Row], known: Mapping[str, Row]) -> None:
    """A volume of several servers can go back with all of them only."""
    going = {row.key for row in rows}
    for row in rows:
        item = source.by_key(row.key) if row.kind == "volume" else None
        for attached in item.observed["attachments"] if item else ():
            other = known.get(f"server:{attached['server_id']}")
            if other and other.how == "created" and other.state in MADE and other.key not in going:
                raise Refused(
                    f"volume {row.name!r} ({row.source_id}) is also of server {other.name!r}, which stays",
                    "Roll back all servers of the volume together.",
                )


def _in_order(rows: Iterable[Row], source: Inventory) -> list[Row]:
    """What needs something goes before it; of one kind, what is inside another first, then the newest."""
    rank = {name: index for index, name in enumerate(KINDS)}
    return sorted(rows, key=lambda row: (-rank[row.kind], -_depth(row.key, source), -row.updated_at))


def _depth(key: str, source: Inventory) -> int:
    """How many of its own kind something is inside of: projects are in projects."""
    item = source.by_key(key)
    if item is None:
        return 0
    above = [need for need in KINDS[item.kind].needs(item) if need.startswith(f"{item.kind}:")]
    return max((1 + _depth(need, source) for need in above), default=0)


def _step(row: Row, adopted: str | None) -> Step:
    identifier = row.destination_id or adopted
    reason = "removed in the destination" + (", started at the source" if "status" in row.data else "")
    return Step(row.key, row.kind, row.name, "", Action.CREATE, reason, destination_id=identifier)


def _counted_on(session: Session, migration: str, step: Step) -> bool:
    """Whether another migration began to count on it meanwhile; its servers and volumes are its own."""
    own = KINDS[step.kind].moves or step.key.startswith("image:root-")
    return not own and step.key in session.adapters.journal.others(migration)


def _undo(run: Run, step: Step) -> Outcome:
    try:
        with run.ports.locks.holding(step.key, run.waiting(step.key)), run.say(step, "undo"):
            _remove(run, step)
    except PumphouseError as error:
        return Outcome(step.key, Result.FAIL, step.destination_id, error.message)
    return Outcome(step.key, Result.OK, step.destination_id)


def _remove(run: Run, step: Step) -> None:
    """A server also starts its original; everything absent is success."""
    if step.kind == "server":
        if run.source.by_key(step.key):
            release_addresses(run, step)
        undo_server(run, step.key)
        for key in adopted_from(run, step.key.partition(":")[2]):
            undo_volume(run, key)
        run.temporaries.drop(step.key)
        restart(run, step.key)
    elif step.kind == "volume_snapshot":
        undo_snapshot(run, step.key)
    elif step.kind == "volume":
        undo_volume(run, step.key)
    elif step.key.startswith("image:root-"):
        undo_root(run, step.key)
    elif step.destination_id:
        KINDS[step.kind].delete(run.ports.destination, step.destination_id)
    run.ports.ledger.forget(step.key)
