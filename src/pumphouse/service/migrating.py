"""migrate and verify."""

from collections.abc import Iterable
from dataclasses import asdict

from pumphouse.engine import run_cutover, run_late, run_prepare
from pumphouse.errors import Refused
from pumphouse.model import Action, Difference, Outcome, Plan, Result, Row, RunResult, Selection
from pumphouse.plan.mapped import MAPPED
from pumphouse.plan.select import select
from pumphouse.ports import Publish
from pumphouse.service.session import Session
from pumphouse.service.verifying import DATA, compare_disks, compare_fields, disks
from pumphouse.tasks.around import after, before
from pumphouse.tasks.closing import close, open_closed
from pumphouse.tasks.disks import prove_image
from pumphouse.tasks.hashes import carry_passwords
from pumphouse.tasks.run import Run
from pumphouse.tasks.sharing import acting, standing, wait_for_users

MADE_ANEW = (Action.CREATE, Action.MOVE)
OF_THE_SOURCE = ("status", "locked", "locked_by_us", "adopt")


def migrate(session: Session, plan: Plan, prepare_only: bool) -> RunResult:
    """Prepare, cut over, compare; what failed is in the outcomes."""
    started = session.adapters.clock.now()
    source = session.source()
    if not prepare_only:
        session.claim(step for step in plan.steps if step.action is Action.MOVE)
    migration = session.adapters.journal.open(plan.selection, member_keys(plan))
    publish = session.publisher(migration.id)
    run = session.run(plan, source, publish)
    publish(
        "run.started",
        command="migrate",
        selection=str(plan.selection),
        steps=len(plan.to_do),
        bytes=plan.bytes,
    )
    _tell_accepted(plan, publish)
    before(run, "plan_accepted")
    _note_what_is_there(run)
    wait_for_users(run, prepare_only=prepare_only)
    try:
        open_closed(run)
        outcomes = _carry_out(run, prepare_only)
    finally:  # whatever an interrupted run left behind goes too: nothing is under way any more
        session.adapters.clock.shielded(run.temporaries.drop)
        last = session.adapters.clock.shielded(lambda: [*carry_passwords(run), *close(run)])
    outcomes += last
    session.adapters.clock.check()
    _prove_images(run)
    differences = _compare(session, run, _keys(plan))
    result = RunResult(
        migration.id, tuple(outcomes), tuple(differences), round(session.adapters.clock.now() - started, 3)
    )
    if not prepare_only and not result.failed:
        _hand_over(run)
    state = "prepared" if prepare_only else "migrated"
    _finish(session, result, publish, state, run.temporaries.left())
    return result


def _tell_accepted(plan: Plan, publish: Publish) -> None:
    """Who took what knowingly is a fact of the run."""
    for problem in plan.problems:
        if problem.accepted:
            publish(
                "accepted",
                problem.key,
                rule=problem.rule,
                severity=problem.severity,
                what=problem.what,
                by=problem.accepted,
            )


def _note_what_is_there(run: Run) -> None:
    """Reused counterparts are known from now on; those that vanished are forgotten, but for what was
    noted about the source: the state of a server before it was stopped.
    """
    ledger = run.ports.ledger
    for step in run.plan.steps:
        row = run.row(step.key)
        if step.action is Action.REUSE and step.destination_id:
            ledger.reused(step.key, step.kind, step.name, step.destination_id)
            if step.reason == MAPPED:
                ledger.note(step.key, mapped=True)
        elif standing(row) != standing(run.planned.get(step.key)):
            continue  # another run has just made it
        elif row and row.state in ("done", "reused") and step.action in MADE_ANEW and not step.destination_id:
            ledger.forget(step.key)
            facts = {name: row.data[name] for name in OF_THE_SOURCE if name in row.data}
            if facts:
                ledger.intend(step.key, step.kind, step.name)
                ledger.note(step.key, **facts)


def member_keys(plan: Plan) -> list[str]:
    """Keys of the plan, with the images that root disks become."""
    roots = [f"image:root-{s.key.partition(':')[2]}" for s in plan.steps if s.kind == "server"]
    return [step.key for step in plan.steps if step.action is not Action.SKIP] + roots


def _carry_out(run: Run, prepare_only: bool) -> list[Outcome]:
    before(run, "before_prepare")
    outcomes = run_prepare(run)
    after(run, "after_prepare")
    failed = frozenset(o.key for o in outcomes if o.result is not Result.OK)
    if not prepare_only:
        outcomes += run_cutover(run, failed)
        outcomes += run_late(run, failed | {o.key for o in outcomes if o.result is not Result.OK})
    return outcomes


def _prove_images(run: Run) -> None:
    """Read back the images that were copied in this run."""
    for step in run.plan.steps:
        row = run.row(step.key)
        if step.kind == "image" and row and row.how == "created" and "content" in row.data:
            prove_image(run, step.key, step.name, step.key)


def _hand_over(run: Run) -> None:
    """From now on somebody else may set those passwords that were not carried: they are not touched again."""
    for step in run.plan.steps:
        row = run.row(step.key)
        if step.kind != "user" or row is None or row.how != "created":
            continue
        if run.ports.locks.used(acting(step.key)):
            continue  # another run still acts as that user
        if row.data.get("password") is None and not row.data.get("handed_over"):
            run.ports.ledger.note(step.key, handed_over=True)


def _keys(plan: Plan) -> list[str]:
    return [step.key for step in plan.steps]


def _compare(
    session: Session, run: Run, keys: Iterable[str], data: bool = False, accept_running: bool = False
) -> list[Difference]:
    """Compare from fresh inventories; the rows remember which of them verified."""
    before(run, "before_verify")
    source, destination = session.look()
    fresh = session.run(run.plan, source, run.ports.publish)
    known = dict(session.adapters.ledger.rows())
    rows = [known[key] for key in keys if key in known and known[key].state == "done"]
    differences = list(compare_fields(fresh, destination, rows))
    if data:
        differences += compare_disks(fresh, destination, disks(rows, known), accept_running)
    _remember(session, rows, differences, data)
    after(run, "after_verify")
    return differences


def _remember(session: Session, rows: list[Row], differences: list[Difference], data: bool) -> None:
    """What verified may be committed. A comparison without data does not make good one with it."""
    wrong_data = {d.key for d in differences if d.failing and d.field == DATA}
    wrong = {d.key for d in differences if d.failing} - wrong_data
    for row in rows:
        data_equal = row.key not in wrong_data if data else row.data.get("data_equal", True)
        facts = {"verified": data_equal and row.key not in wrong, "data_equal": data_equal}
        if session.adapters.ledger.row(row.key) is None:
            continue  # rolled back by another run meanwhile
        if row.how == "created" and any(row.data.get(name) != value for name, value in facts.items()):
            session.adapters.ledger.note(row.key, **facts)


def _finish(session: Session, result: RunResult, publish: Publish, state: str, temporaries: int) -> None:
    failing = any(d.failing for d in result.differences)
    found = [asdict(d) for d in result.differences]
    publish("verified", differences=len(found), found=found)
    bad = bool(result.failed) or failing
    publish(
        "run.done",
        result="failed" if bad else "ok",
        seconds=result.seconds,
        temporaries=temporaries,
    )
    session.adapters.journal.set_state(result.migration, "failed" if bad else state)


def verify(session: Session, selection: Selection, data: bool, accept_running: bool) -> RunResult:
    """Compare what was migrated of a selection; see :meth:`Service.verify`.

    :raises Refused: when nothing of it was.
    """
    started = session.adapters.clock.now()
    world = session.world()
    plan = session.plan(selection, world)
    keys = [item.key for item in select(world.source, selection).items]
    migrated = [k for k in keys if k in world.rows and world.rows[k].state == "done"]
    if not migrated:
        raise Refused(f"nothing of '{selection}' was migrated yet", "Run 'pumphouse migrate' first.")
    session.claim(step for step in plan.steps if step.key in migrated)
    migration = session.migration_of(selection, migrated)
    publish = session.publisher(migration.id)
    publish("run.started", command="verify", selection=str(selection), steps=len(migrated), bytes=0)
    run = session.run(plan, world.source, publish)
    differences = _compare(session, run, keys, data, accept_running)
    seconds = round(session.adapters.clock.now() - started, 3)
    outcomes = tuple(Outcome(k, Result.OK, world.rows[k].destination_id) for k in migrated)
    found = [asdict(d) for d in differences]
    count = len(disks([world.rows[k] for k in migrated], dict(world.rows))) if data else 0
    publish("verified", differences=len(found), found=found, disks=count)
    publish("run.done", result="failed" if any(d.failing for d in differences) else "ok", seconds=seconds)
    return RunResult(migration.id, outcomes, tuple(differences), seconds)
