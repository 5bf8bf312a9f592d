"""commit: the only place that deletes at the source, and only originals that verified."""

from pumphouse.errors import PumphouseError, Refused, UsageError
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS, server, volume
from pumphouse.model import Action, Item, Outcome, Plan, Result, Row, RunResult, Selection, Step
from pumphouse.plan import World
from pumphouse.plan.revoked import BEGUN
from pumphouse.plan.select import attached_to, named, part_of
from pumphouse.service.session import Session
from pumphouse.tasks.around import after, before
from pumphouse.tasks.run import Run

# What goes with one server; everything else of a project is shared by its servers.
WITH_SERVER = ("server", "volume", "volume_snapshot", "port", "trunk", "floating_ip")


def preview(session: Session, selection: Selection) -> tuple[Step, ...]:
    """What would be deleted at the source, in order.

    :raises Refused: when nothing of it was migrated, or something did not verify.
    """
    return _steps(session.world(), selection, _is_committed(session, selection))


def commit(session: Session, selection: Selection) -> RunResult:
    """Delete; what the source refuses to delete is left and told."""
    started = session.adapters.clock.now()
    world = session.world()
    steps = _steps(world, selection, _is_committed(session, selection))
    session.claim(steps)
    journal = session.adapters.journal
    migration = session.migration_of(selection, (step.key for step in steps))
    publish = session.publisher(migration.id)
    publish("run.started", command="commit", selection=str(selection), steps=len(steps), bytes=0)
    plan = Plan(selection, *session.labels, steps)
    run = session.run(plan, world.source, publish)
    before(run, "before_commit")
    for step in steps:
        run.ports.ledger.note(step.key, **{BEGUN: selection.fingerprint})
    outcomes = tuple(_delete(run, step) for step in steps)
    after(run, "after_commit")
    seconds = round(session.adapters.clock.now() - started, 3)
    result = RunResult(migration.id, outcomes, (), seconds)
    publish("run.done", result="failed" if result.failed else "ok", seconds=seconds)
    state = "committed" if journal.find(selection) else "partly committed"
    journal.set_state(migration.id, "failed" if result.failed else state)
    session.tell_parts(migration.id, steps, "committed")
    return result


def _is_committed(session: Session, selection: Selection) -> bool:
    migration = session.adapters.journal.find(selection)
    return migration is not None and migration.state == "committed"


def _steps(world: World, selection: Selection, committed: bool = False) -> tuple[Step, ...]:
    items = {i.key: i for i in _items(world, selection) if not is_left(i)}
    rows = {key: world.rows[key] for key in items if key in world.rows}
    made = {key: row for key, row in rows.items() if row.how == "created" and row.state == "done"}
    begun = _begun(world, selection)
    # Deleted by a run that was killed before it could note that: deleting it once more finds nothing.
    gone = [row for row in begun if row.state == "done" and world.source.by_key(row.key) is None]
    if not made and not gone:
        if committed or begun:
            return ()
        raise Refused(f"nothing of '{selection}' was migrated yet", "Run 'pumphouse migrate' first.")
    unverified = [row for row in made.values() if not row.data.get("verified")]
    if unverified:
        first = unverified[0]
        raise Refused(
            f"{first.kind} {first.name!r} did not verify"
            + (f", and {len(unverified) - 1} more" if len(unverified) > 1 else ""),
            "Run 'pumphouse verify' and see what differs; commit deletes only what verified.",
        )
    _refuse_halves(world, made)
    rank = {name: index for index, name in enumerate(KINDS)}
    free = [items[key] for key in _free(world.source, set(made))]
    left = [made[item.key] for item in sorted(free, key=lambda i: -rank[i.kind])]
    return tuple(_step(row) for row in (*gone, *left))


def _free(source: Inventory, keys: set[str]) -> set[str]:
    """Those of the keys that nothing which stays at the source still uses.

    A server that stays needs more than it refers to (the router of its network, for one): while one stays,
    everything its project shares stays too.
    """
    staying = {s.id for s in source.of("server") if s.key not in keys}
    projects = {s.project_id for s in source.of("server") if s.id in staying}
    for item in source:
        with_server = item.kind in WITH_SERVER
        shared = not with_server and item.project_id in projects
        if shared or (with_server and part_of(item, staying, source)):
            keys.discard(item.key)
    while True:
        used = {
            need
            for item in source
            if item.key not in keys and not is_left(item)
            for need in KINDS[item.kind].needs(item)
        }
        if not keys & used:
            return keys
        keys -= used


def _begun(world: World, selection: Selection) -> list[Row]:
    """What an earlier commit of the same selection wanted to delete."""
    return [row for row in world.rows.values() if row.data.get(BEGUN) == selection.fingerprint]


def _items(world: World, selection: Selection) -> list[Item]:
    """What the selection names, and what belongs to its servers; not what these need besides.

    What it names may be gone by now: then what is left of an interrupted commit.
    """
    source = world.source
    try:
        items = named(source, selection)
    except UsageError:
        begun = _begun(world, selection)
        if not begun:
            raise
        return [item for row in begun if (item := source.by_key(row.key))]
    servers = {i.id for i in items if i.kind == "server"}
    keys = {i.key for i in items}

    def belongs(item: Item) -> bool:
        return part_of(item, servers, source) or f"volume:{item.fields.get('volume_id')}" in keys

    return items + [i for i in source if i.key not in keys and belongs(i)]


def is_left(item: Item) -> bool:
    """Whether commit never deletes it."""
    kind = KINDS[item.kind]
    return bool(kind.left_at_source) or kind.automatic(item)


def _refuse_halves(world: World, made: dict[str, Row]) -> None:
    """Deleting a server may delete its volumes: all of it must have arrived."""
    for key, row in made.items():
        item = world.source.by_key(key)
        for attached in item.fields["volumes"] if item and item.kind == "server" else ():
            other = f"volume:{attached['volume_id']}"
            if other not in made:
                raise Refused(
                    f"server {row.name!r}: its volume {attached['volume_id']} has not arrived, or did not verify",
                    "Migrate it too.",
                )
            shared = world.source.by_key(other)
            for each in attached_to(shared, world.source) if shared else ():
                if f"server:{each}" not in made:
                    raise Refused(
                        f"server {row.name!r} shares volume {attached['volume_id']} with server "
                        f"{world.source.name_of('server', each)!r}, which would stay",
                        "Commit the servers of a volume together: one of them could not go back alone.",
                    )


def _step(row: Row) -> Step:
    return Step(
        row.key,
        row.kind,
        row.name,
        "",
        Action.MOVE,
        "deleted at the source",
        destination_id=row.destination_id,
    )


def _delete(run: Run, step: Step) -> Outcome:
    identifier, cloud = step.key.partition(":")[2], run.ports.source
    try:
        with run.say(step, "delete"):
            KINDS[step.kind].delete(cloud, identifier)
            if step.kind == "server":
                server.wait_gone(cloud, run.ports.clock, identifier, run.policy.timeouts.server)
            if step.kind in ("volume", "volume_snapshot"):
                path = f"{KINDS[step.kind].api.path}/{identifier}"
                volume.wait_gone(cloud, run.ports.clock, path, run.policy.timeouts.volume)
            run.ports.ledger.committed(step.key)
    except PumphouseError as error:
        return Outcome(step.key, Result.FAIL, step.destination_id, error.message)
    return Outcome(step.key, Result.OK, step.destination_id)
