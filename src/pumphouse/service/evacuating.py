"""A host of the source is emptied, or opened again: evacuate, maintenance on and off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pumphouse.errors import PumphouseError, Refused, UsageError
from pumphouse.model import EvacuationPlan, HostRecord, PlacedServer, Plan, Selection, Wishes
from pumphouse.plan.layout import Layout
from pumphouse.plan.select import named
from pumphouse.service.host_work import finish, untold, work_on_hypervisor
from pumphouse.service.migrating import migrate
from pumphouse.service.operating import operating
from pumphouse.service.session import Session
from pumphouse.tasks.hosts import emptying, operations
from pumphouse.tasks.hosts.occupancy import occupancy
from pumphouse.tasks.hosts.work import run

FITTING = "fitting"  # instead of names: whatever the destination has room for


@dataclass(frozen=True)
class Emptying:
    """What would be done with a host.

    :param evacuation: who goes where within the source; those in its ``leaving`` go to the destination.
    :param migration: how they get there; None when they have gone, and their originals wait for commit.
    """

    evacuation: EvacuationPlan
    migration: Plan | None = None


def plan(session: Session, name: str, wishes: Wishes | None = None) -> EvacuationPlan:
    """Who on a host goes where within the source; nothing is touched.

    :raises Refused: when the source has no such host.
    :raises PumphouseError: when it is dead, and its BMC gives no answer.
    """
    work, wishes = work_on_hypervisor(session, name, untold), wishes or Wishes()
    gone = dict.fromkeys((*wishes.leaving, *originals(session)))
    found = emptying.evacuation_plan(work, replace(wishes, leaving=tuple(gone)))
    if found.needs_fencing:
        emptying.refuse_unless_fenceable(work)
    return found


def preview(session: Session, name: str, move: Sequence[str], wishes: Wishes) -> Emptying:
    """The same with servers that go to the destination first.

    :param move: which, as ``KIND:NAME`` or :data:`FITTING`; all of it on this host only.
    :raises UsageError: when that names nothing.
    """
    chosen = _chosen(session, plan(session, name, wishes).host, move) if move else ()
    if not chosen:
        return Emptying(plan(session, name, wishes))
    found = plan(session, name, replace(wishes, leaving=(*wishes.leaving, *chosen)))
    return Emptying(found, session.plan(Selection("server", chosen), session.world()))


def carry_out(
    session: Session,
    name: str,
    wishes: Wishes | None = None,
    *,
    move: Sequence[str] = (),
    operation: str = "evacuate",
) -> HostRecord:
    """Empty a host, or go on with it; the caller has a run open (:meth:`Session.working`).

    :param operation: how that is called: ``evacuate`` or ``maintenance``.
    :raises Refused: when something could not leave; nothing was touched.
    :raises PumphouseError: when a stage fails; the record of the host says which.
    """
    a, wishes = session.adapters, wishes or Wishes()
    a.locks.take({f"host:{name}": f"host {name!r}"})
    found = preview(session, name, move, wishes)
    refuse(found.evacuation, found.migration)
    claim(session, found.evacuation)
    with operating(session, operation, name) as publish:
        a.hosts.begin(name, operation, **kept(a.hosts.find(name)))
        work = work_on_hypervisor(session, name, publish)
        leaving = tuple(server.id for server in found.evacuation.leaving)
        emptying.note_wishes(work, replace(wishes, leaving=leaving))
        run(work, operations.kept_off(work, found.evacuation))
        if found.migration:
            _migrate(session, found.migration)
        return finish(work, operation, operations.emptied(work))


def reopen(session: Session, name: str) -> HostRecord:
    """Let servers onto a host again, when it was us who kept them off; the caller has a run open.

    :raises Refused: when it was somebody else.
    """
    a = session.adapters
    a.locks.take({f"host:{name}": f"host {name!r}"})
    emptying.refuse_unless_ours(work_on_hypervisor(session, name, untold))
    with operating(session, "maintenance", name) as publish:
        a.hosts.begin(name, "maintenance", **kept(a.hosts.find(name)))
        work = work_on_hypervisor(session, name, publish)
        return finish(work, "maintenance", operations.opened(work))


def kept(record: HostRecord | None) -> dict[str, object]:
    """What the next operation on a host has to know of this one: servers that are on their way."""
    moves = record.data.get("moves") if record else None
    return {"moves": moves} if moves else {}


def originals(session: Session) -> tuple[str, ...]:
    """Servers of the source that have moved to the destination; they go with commit."""
    rows = session.adapters.ledger.rows("server").values()
    return tuple(row.source_id for row in rows if (row.how, row.state) == ("created", "done"))


def refuse(found: EvacuationPlan, migration: Plan | None = None) -> None:
    """All of it goes, or nothing is begun.

    :raises Refused: when something cannot leave.
    """
    emptying.refuse_what_stays(found)
    if migration and migration.blocked:
        first = migration.blocked[0]
        raise Refused(f"blocked: {first.what}", first.remedy)


def claim(session: Session, found: EvacuationPlan) -> None:
    """From now on nobody else works on these servers.

    :raises Refused: when somebody does, e.g. takes one to the destination.
    """
    servers = [move.server for move in found.moves]
    session.adapters.locks.take({f"server:{s.id}": f"server {s.name!r}" for s in servers})


def _chosen(session: Session, host: str, move: Sequence[str]) -> tuple[str, ...]:
    """Ids of the servers on a host that go to the destination."""
    here = {server.id: server for server in occupancy(session.adapters.source).on(host)}
    gone = originals(session)
    chosen = dict[str, None]()
    for word in move:
        kind, _, name = word.partition(":")
        if word == FITTING:
            chosen.update(dict.fromkeys(_fitting(session, [s for s in here.values() if s.id not in gone])))
            continue
        if not name:
            raise UsageError(
                f"--move {word}: neither KIND:NAME nor '{FITTING}'", "For example --move project:acme."
            )
        servers = (i.id for i in named(session.source(), Selection(kind, (name,))) if i.kind == "server")
        found = dict.fromkeys(i for i in servers if i in here and i not in gone)
        if not found:
            raise UsageError(f"--move {word}: nothing of it is on host {host!r}")
        chosen.update(found)
    return tuple(chosen)


def _fitting(session: Session, servers: list[PlacedServer]) -> list[str]:
    """Servers that the destination has room for, the largest first; its zones and aggregates are its own."""
    layout, found = Layout(occupancy(session.adapters.destination)), []
    for server in sorted(servers, key=lambda s: (-s.needs.memory, -s.needs.vcpus, s.id)):
        anywhere = replace(server, host="", zone="", group="", group_policy="", aggregates={})
        if hosts := layout.candidates(anywhere):
            layout.place(anywhere, hosts[0])
            found.append(server.id)
    return found


def _migrate(session: Session, migration: Plan) -> None:
    result = migrate(session, migration, prepare_only=False)
    if result.failed:
        first = result.failed[0]
        raise PumphouseError(
            f"{len(result.failed)} steps of the way to the destination failed; first {first.key}: {first.error}",
            "See 'pumphouse status'. The same command goes on.",
        )
