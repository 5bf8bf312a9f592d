"""The whole cloud, wave by wave: what has moved is committed, emptied hosts follow, at last the source is closed.

Nothing is kept of a plan: after every wave, and after every kill, both clouds and the ledger are looked at again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pumphouse.errors import Interrupted, PumphouseError, Refused
from pumphouse.kinds.server import MARK
from pumphouse.model import (
    Action,
    ComputeHost,
    HostRecord,
    Item,
    Occupancy,
    PlacedServer,
    Portion,
    Resources,
    Result,
    RunResult,
    Selection,
    Step,
    Wave,
    WavePlan,
    make_key,
)
from pumphouse.plan import World
from pumphouse.plan.portions import portions
from pumphouse.plan.waves import plan_waves
from pumphouse.service.committing import is_left
from pumphouse.service.hosts import machines
from pumphouse.service.session import Session, acceptance
from pumphouse.service.upgrading import EMPTYING
from pumphouse.tasks.hosts.occupancy import occupancy
from pumphouse.tasks.hosts.services import compute_service, set_status

if TYPE_CHECKING:
    from pumphouse.service import Service

COMMAND = "pumphouse upgrade"
UPGRADE, QUARANTINED = "upgrade", "quarantined"
EVERYTHING = Selection("all")
ROOM = "hosts"  # the rule about room on hosts: waves are planned so that there is
NOTHING = Resources()
Failures = Mapping[str, str]
"""Keys (``server:ID``, ``host:NAME``...) of what failed in this run → why; it is left out from now on."""


class Waves:
    """The use cases of the whole, made of the others."""

    def __init__(self, service: "Service", session: Session) -> None:
        self._service = service
        self._session = session

    def plan(self, failed: Failures) -> WavePlan:
        """All waves from how things are now; nothing is touched.

        :param failed: what is left out.
        :raises Refused: when something blocks all of it, or nothing could install hosts.
        """
        session, a = self._session, self._session.adapters
        if a.provisioner("destination") is None:
            raise Refused(
                "the destination has no deployment engine: no host could follow",
                "Name one in config.yaml: destination.deployment; see docs/configuration.md.",
            )
        world = session.world([acceptance(ROOM, COMMAND, told=False)])
        steps = self._service.skip_blocked(session.plan(EVERYTHING, world)).steps
        staying = {**_blocked(steps), **_of("server", failed)}
        down = {step.key.partition(":")[2]: step.downtime for step in steps if step.kind == "server"}
        records = [record for record in a.hosts.all() if record.operation == UPGRADE]
        destination = occupancy(a.destination)
        source = _with_begun(occupancy(a.source), destination, records)
        moving = [server for server in source.servers if server.id not in staying]
        parts = portions(world.source, moving, world.rows, session.config.policy)
        return plan_waves(
            source,
            destination,
            [[_timed(_leaving_out(portion, world, staying), down) for portion in each] for each in parts],
            arrived=_arrived(world, destination),
            staying=staying,
            kept={**_of("host", failed), **_kept(session, source, records)},
        )

    def carry_out(self, wave: Wave) -> Failures:
        """One wave; it ends where something fails, for the rest was planned without that.

        :return: what failed; what had no part in that is done.
        :raises Interrupted: when it was cancelled; the same command goes on.
        """
        for selection, servers in _selections(wave.portions):
            if failed := _move(self._service, selection, servers):
                return failed
        failed = {}
        for name in wave.upgrades:
            try:
                self._service.host_change(UPGRADE, name, evacuate=True)
            except Interrupted:
                raise
            except PumphouseError as error:
                failed[make_key("host", name)] = error.message
                _quarantine(self._session, name)
        return failed

    def finish(self) -> Failures:
        """What no server brought along moves too, and the source is closed.

        :return: what failed.
        :raises Refused: when the source holds something that was not moved; lists what.
        """
        service = self._service
        result = service.migrate(service.skip_blocked(service.plan(EVERYTHING)))
        if failed := _failed(result):
            return failed
        rows, source = self._session.adapters.ledger.rows(), self._session.look()[0]
        here = ((source.by_key(key), (row.how, row.state)) for key, row in rows.items())
        if any(item and how == ("created", "done") and not is_left(item) for item, how in here):
            failed = _failed(service.commit(EVERYTHING))
        if not failed:
            service.decommission("keep")
        return failed


# --- servers ------------------------------------------------------------------------------------
def _blocked(steps: Iterable[Step]) -> dict[str, str]:
    """Servers that rules keep from moving, and why."""
    skipped = (step for step in steps if step.kind == "server" and step.action is Action.SKIP)
    return {step.key.partition(":")[2]: step.reason for step in skipped}


def _timed(portion: Portion, downtimes: Mapping[str, float]) -> Portion:
    """With the downtime that its servers have to expect."""
    return replace(portion, downtime=max((downtimes.get(s.id, 0.0) for s in portion.servers), default=0.0))


def _arrived(world: World, destination: Occupancy) -> frozenset[str]:
    """Servers that have their room in the destination, be they finished there or not."""
    there = {server.id for server in destination.servers}
    rows = {
        row.source_id for row in world.rows.values() if row.kind == "server" and row.destination_id in there
    }
    tags = (tag for item in world.destination.of("server") for tag in item.fields["tags"])
    return frozenset(rows | {tag.removeprefix(MARK) for tag in tags if tag.startswith(MARK)})


def _leaving_out(portion: Portion, world: World, staying: Mapping[str, str]) -> Portion:
    """A project is moved without its servers that stay."""
    if portion.selection.what != "project":
        return portion

    def theirs(item: Item) -> bool:
        owner = world.source.name_of("project", item.project_id)
        return bool({owner, item.project_id} & set(portion.selection.names))

    exclude = tuple(i.key for i in world.source.of("server") if i.id in staying and theirs(i))
    return replace(portion, selection=replace(portion.selection, exclude=exclude))


def _selections(wanted: Iterable[Portion]) -> Iterator[tuple[Selection, tuple[PlacedServer, ...]]]:
    """Portions of one kind move in one run, side by side."""
    for what in ("project", "server"):
        found = [portion for portion in wanted if portion.selection.what == what]
        if found:
            names = tuple(name for portion in found for name in portion.selection.names)
            exclude = tuple(dict.fromkeys(e for portion in found for e in portion.selection.exclude))
            servers = tuple(server for portion in found for server in portion.servers)
            yield Selection(what, names, exclude=exclude), servers


def _move(service: "Service", selection: Selection, servers: Iterable[PlacedServer]) -> dict[str, str]:
    """Migrate, verify, and commit what has arrived; what failed, and why."""
    result = service.migrate(service.skip_blocked(service.plan(selection, (ROOM,), COMMAND)))
    failed = _failed(result)
    if wrong := [d for d in result.differences if d.failing]:
        why = f"{wrong[0].kind} {wrong[0].name}: {wrong[0].field} differs; see 'pumphouse verify {selection}'"
        return {**{make_key("server", server.id): why for server in servers}, **failed}
    if all(make_key("server", server.id) in failed for server in servers):
        return failed
    return {**failed, **_failed(service.commit(selection))}


def _failed(result: RunResult) -> dict[str, str]:
    return {outcome.key: outcome.error or str(Result.FAIL) for outcome in result.failed}


def _of(kind: str, failed: Failures) -> dict[str, str]:
    return {k.partition(":")[2]: why for k, why in failed.items() if k.partition(":")[0] == kind}


# --- hosts --------------------------------------------------------------------------------------
def _with_begun(here: Occupancy, there: Occupancy, records: Iterable[HostRecord]) -> Occupancy:
    """Hosts on their way are to be finished; those that the destination has offer nothing any more."""
    known, joined = {host.name: host for host in here.hosts}, {host.host for host in there.hosts}
    for record in records:
        if record.state == "done" or "service" not in record.data:
            continue
        host = known.get(record.name)
        if host is None:
            known[record.name] = ComputeHost(
                record.name, str(record.data["service"]), False, False, NOTHING, NOTHING
            )
        elif record.data.get("host") in joined:
            known[record.name] = replace(host, capacity=NOTHING, used=NOTHING)
    return replace(here, hosts=tuple(known.values()))


def _kept(session: Session, here: Occupancy, records: Iterable[HostRecord]) -> dict[str, str]:
    """Hosts that cannot follow, and why."""
    macs = {host.name: host.macs for host in machines(session).hosts}
    kept = {
        host.name: "inventory.yaml gives it no MAC addresses"
        if host.name in macs
        else "it is not in inventory.yaml"
        for host in here.hosts
        if not macs.get(host.name)
    }
    for record in records:
        if record.state == QUARANTINED:
            kept[record.name] = (
                f"in quarantine: {record.stage}: {record.data.get('error', '')}; once mended: "
                f"'pumphouse host upgrade {record.name}', then 'pumphouse upgrade'"
            )
    return kept


def _quarantine(session: Session, name: str) -> None:
    """A host whose machine failed is left out, by later runs too; the destination gives it no servers."""
    a = session.adapters
    record = a.hosts.find(name)
    if record is None or (record.operation, record.state) != (UPGRADE, "failed") or record.stage in EMPTYING:
        return
    with session.working(f"{UPGRADE} (quarantine)", Selection(UPGRADE, (name,))):
        a.locks.take({f"host:{name}": f"host {name!r}"})
        a.hosts.stage(name, record.stage, QUARANTINED)
        there = record.data.get("host")
        service = compute_service(a.destination, str(there)) if there else None
        if service and service["status"] == "enabled":
            set_status(a.destination, service, "disabled", f"pumphouse: quarantined at stage {record.stage}")
