"""rollback: remove what was made, give the source back."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from pumphouse.errors import PumphouseError, Refused
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.kinds.server import MARK
from pumphouse.model import Action, Outcome, Plan, Result, Row, RunResult, Selection, Step
from pumphouse.plan.revoked import BEGUN
from pumphouse.plan.select import named, part_of
from pumphouse.plan.together import together
from pumphouse.service.session import Session
from pumphouse.tasks.adopt import adopted_from
from pumphouse.tasks.around import after, before
from pumphouse.tasks.closing import open_to_remove
from pumphouse.tasks.cutover import release_addresses, restart, undo_server
from pumphouse.tasks.disks import undo_volume
from pumphouse.tasks.roots import undo_root
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
        undone = pool.map(lambda group: _undo(run, group), _groups(servers, source))
        outcomes = [outcome for group in undone for outcome in group]
    open_to_remove(run, (s for s in steps if not _counted_on(session, migration.id, s)))
    for step in steps:
        if step.kind != "server" and not _counted_on(session, migration.id, step):
            outcomes += _undo(run, (step,))
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
    gone = [row for row in of_it.values() if _committed(row, world.source)]
    if gone:
        raise Refused(
            f"{gone[0].kind} {gone[0].name!r} was committed: its original no longer exists at the source"
            + (f", and {len(gone) - 1} more" if len(gone) > 1 else ""),
            "What is committed stays in the destination; roll back other servers one by one.",
        )
    _refuse_shared(world.destination, rows)
    made = [row for row in rows if row.how == "created" and row.state in MADE]
    adopted = {s.key: s.destination_id for s in plan.steps if s.action is Action.CREATE}
    return (
        tuple(_step(row, adopted.get(row.key)) for row in _in_order(made, world.source)),
        plan,
        world.source,
    )


def _committed(row: Row, source: Inventory) -> bool:
    """Whether its original was deleted, though the run that did it may have been killed before it could note that."""
    return row.state == "committed" or (BEGUN in row.data and source.by_key(row.key) is None)


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


def _refuse_shared(destination: Inventory, rows: Iterable[Row]) -> None:
    """A volume goes back with all servers that have it in the destination, or not at all."""
    going = {row.key for row in rows} | {row.destination_id for row in rows if row.kind == "server"}
    for row in rows:
        made = row.kind == "volume" and row.how == "created"
        there = destination.get("volume", row.destination_id) if made else None
        for attached in there.observed["attachments"] if there else ():
            other = destination.get("server", attached["server_id"])
            marks = other.fields["tags"] if other else ()  # a killed run may not have noted its id
            if other and other.id not in going and not going & {_original(mark) for mark in marks}:
                raise Refused(
                    f"volume {row.name!r} ({row.source_id}) is also attached to server {other.name!r} ({other.id}) in "
                    "the destination, which stays",
                    "Roll back all servers of the volume together, or detach it from that one.",
                )


def _original(mark: str) -> str:
    return f"server:{mark.removeprefix(MARK)}"


def _groups(servers: Iterable[Step], source: Inventory) -> list[tuple[Step, ...]]:
    """Servers that share volumes go back as one."""
    steps = {step.key: step for step in servers}
    found = [item for key in steps if (item := source.by_key(key))]
    groups = [tuple(steps[item.key] for item in group) for group in together(found)]
    return groups + [(step,) for key, step in steps.items() if source.by_key(key) is None]


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


def _undo(run: Run, steps: tuple[Step, ...]) -> list[Outcome]:
    """Undo a resource, or servers that share volumes: as one."""
    try:
        with ExitStack() as around:
            for step in steps:
                around.enter_context(run.ports.locks.holding(step.key, run.waiting(step.key)))
                around.enter_context(run.say(step, "undo"))
            if steps[0].kind == "server":
                _give_back(run, steps)
            else:
                _remove(run, steps[0])
    except PumphouseError as error:
        return [Outcome(step.key, Result.FAIL, step.destination_id, error.message) for step in steps]
    return [Outcome(step.key, Result.OK, step.destination_id) for step in steps]


def _give_back(run: Run, servers: tuple[Step, ...]) -> None:
    """All are down in the destination before the first is started at the source; everything absent is success."""
    for step in servers:
        if run.source.by_key(step.key):
            release_addresses(run, step)
        undo_server(run, step.key)
    for step in servers:
        for key in adopted_from(run, step.key.partition(":")[2]):
            undo_volume(run, key)
        run.temporaries.drop(step.key)
    for step in servers:
        restart(run, step.key)
        run.ports.ledger.forget(step.key)


def _remove(run: Run, step: Step) -> None:
    """What is no server; everything absent is success."""
    if step.kind == "volume_snapshot":
        undo_snapshot(run, step.key)
    elif step.kind == "volume":
        undo_volume(run, step.key)
    elif step.key.startswith("image:root-"):
        undo_root(run, step.key)
    elif step.destination_id:
        KINDS[step.kind].delete(run.ports.destination, step.destination_id)
    run.ports.ledger.forget(step.key)
