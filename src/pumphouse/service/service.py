"""The use cases, one method each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pumphouse.check import check
from pumphouse.discover import discover
from pumphouse.errors import Interrupted, PumphouseError, Refused
from pumphouse.facts import CloudFacts, facts
from pumphouse.inventory import Inventory
from pumphouse.model import (
    Action,
    CheckResult,
    Event,
    HostRecord,
    HostStatus,
    Migration,
    Plan,
    Row,
    RunResult,
    Selection,
    Step,
)
from pumphouse.plan.together import together, volume_keys
from pumphouse.ports import Cloud
from pumphouse.report import Report, build
from pumphouse.service import (
    committing,
    decommissioning,
    hosts,
    migrating,
    planfile,
    rolling,
    undoing,
    upgrading,
)
from pumphouse.service.host_actions import with_actions
from pumphouse.service.maintenance import Maintenance
from pumphouse.service.session import Session, acceptance


class Service(Maintenance):
    """What Pumphouse can do. Methods that change something hold locks on what they change.

    :param connect: opens a cloud by role, for the check of what cannot be reached.
    """

    def __init__(self, session: Session, connect: Any) -> None:
        self._session = session
        self._connect = connect

    # --- looking --------------------------------------------------------------------------------
    def check(self) -> Iterator[CheckResult]:
        """Whether everything a migration needs is there, line by line."""

        def open_cloud(role: str) -> Cloud:
            cloud: Cloud = self._connect(role)
            _ = cloud.user_id  # logs in
            return cloud

        yield from check(
            lambda: open_cloud("source"),
            lambda: open_cloud("destination"),
            self._session.config,
            self._session.adapters.identity,
        )
        yield from hosts.check_bmcs(self._session)
        yield from hosts.check_networks(self._session)
        yield from hosts.check_engines(self._session)

    def discover(self) -> tuple[CloudFacts, CloudFacts]:
        """Services, versions and capacity of both clouds."""
        return facts(self._session.adapters.source), facts(self._session.adapters.destination)

    def inventory(self, role: str) -> Inventory:
        """What a cloud holds."""
        clouds = {c.role: c for c in (self._session.adapters.source, self._session.adapters.destination)}
        return discover(clouds[role])

    def hosts(self) -> tuple[HostStatus, ...]:
        """Every host of both clouds and of inventory.yaml."""
        return with_actions(self._session, hosts.hosts(self._session))

    def host(self, name: str) -> HostStatus:
        """One host.

        :raises UsageError: when nobody knows it.
        """
        return with_actions(self._session, [hosts.host(self._session, name)])[0]

    def plan(self, selection: Selection, accept: Sequence[str] = (), by: str = "") -> Plan:
        """What has to be done to have the selection in the destination.

        :param accept: what is taken knowingly, as ``RULE`` or ``RULE:RESOURCE``.
        :param by: who accepts it.
        :raises UsageError: when the selection makes no sense, or something cannot be accepted.
        """
        return self._session.plan(selection, self._session.world(acceptance(text, by) for text in accept))

    def save_plan(self, plan: Plan, path: Path) -> None:
        """Write a plan that can be read, edited and carried out later."""
        planfile.save(plan, path)

    def load_plan(self, path: Path, accept: Sequence[str] = (), by: str = "") -> Plan:
        """Read a saved plan; it must still be true.

        :param accept: what is taken knowingly, besides what the file says.
        :param by: who accepts it, also for what the file does not say it of.
        :raises ConfigError: when it is not a plan, or was edited wrongly.
        :raises Refused: when the clouds changed in a way that matters.
        """
        file = planfile.read(path)
        accepted = (*planfile.accepted(file, by), *(acceptance(text, by) for text in accept))
        world, selection = self._session.world(accepted), planfile.selection(file)
        rows = {key: row for key, row in world.rows.items() if not row.data.get("mapped")}
        fresh = self._session.plan(selection, replace(world, rows=rows))
        mapped = planfile.mapped(path, file, fresh)
        if not mapped and len(rows) == len(world.rows):
            return planfile.agree(path, file, fresh)
        chosen = self._session.plan(selection, replace(world, mapped=mapped))
        return planfile.agree(path, file, fresh, chosen)

    def skip_blocked(self, plan: Plan) -> Plan:
        """The plan without what is blocked, what needs that, and the volumes of servers that stay for it."""
        hindered = {p.key: p.what for p in plan.blocked}
        if "" in hindered:
            raise Refused(hindered[""], "This blocks the whole plan; it cannot be skipped.")
        groups = [
            frozenset(key for server in group for key in (server.key, *volume_keys(server)))
            for group in together(self._session.source().of("server"))
        ]
        bound = {s.key: frozenset(s.needs) for s in plan.steps}
        bound |= {key: bound.get(key, frozenset()) | group for group in groups for key in group}
        while more := {
            key: hindered[next(iter(keys & hindered.keys()))]
            for key, keys in bound.items()
            if key not in hindered and keys & hindered.keys()
        }:
            hindered |= more
        skipped = (replace(s, action=Action.SKIP, reason=hindered.get(s.key, "")) for s in plan.steps)
        steps = tuple(new if new.reason else old for old, new in zip(plan.steps, skipped, strict=True))
        problems = tuple(p for p in plan.problems if p not in plan.blocked)
        return replace(plan, steps=steps, problems=problems)

    # --- acting ---------------------------------------------------------------------------------
    def migrate(self, plan: Plan, *, prepare_only: bool = False) -> RunResult:
        """Carry out a plan, then compare.

        :raises Refused: when something blocks it; nothing was touched.
        :raises Interrupted: when it was cancelled; the same command goes on.
        """
        if plan.blocked:
            first = plan.blocked[0]
            raise Refused(f"blocked: {first.what}", first.remedy)
        with self._session.working("migrate", plan.selection):
            return self._told(plan.selection, migrating.migrate, plan, prepare_only)

    def verify(self, selection: Selection, *, data: bool = True, accept_running: bool = False) -> RunResult:
        """Compare what was migrated of a selection; with its data, or its fields only.

        :param accept_running: disks of servers that have been running since the move may differ: their guests
            may have written to them, and they were proven equal before.
        """
        with self._session.working("verify", selection):
            return self._told(selection, migrating.verify, selection, data, accept_running)

    def commit_preview(self, selection: Selection) -> tuple[Step, ...]:
        """What commit would delete at the source, in order.

        :raises Refused: when something of it is not verified.
        """
        return committing.preview(self._session, selection)

    def commit(self, selection: Selection) -> RunResult:
        """Delete the originals that verified at the source."""
        with self._session.working("commit", selection):
            return self._told(selection, committing.commit, selection)

    def rollback_preview(self, selection: Selection) -> tuple[Step, ...]:
        """What rollback would remove in the destination and start at the source, in order."""
        return undoing.preview(self._session, selection)

    def rollback(self, selection: Selection) -> RunResult:
        """Remove what was made in the destination and give the source back."""
        with self._session.working("rollback", selection):
            return self._told(selection, undoing.rollback, selection)

    def host_plan(self, operation: str, host: str, *, evacuate: bool = False) -> upgrading.HostPlan:
        """What ``upgrade``, ``acquire`` or ``withdraw`` would do with a host.

        :param evacuate: whether it is emptied first.
        :raises Refused: when it must not be done; nothing was touched.
        """
        return upgrading.plan(self._session, operation, host, evacuate=evacuate)

    def host_change(self, operation: str, host: str, *, evacuate: bool = False) -> HostRecord:
        """Upgrade or acquire a host, or withdraw it; an operation that was begun goes on.

        :raises PumphouseError: when a stage fails; says what to do.
        """
        with self._session.working(operation, Selection(operation, (host,))):
            return upgrading.carry_out(self._session, operation, host, evacuate=evacuate)

    def decommission_preview(self, fate: decommissioning.Fate) -> decommissioning.Closing:
        """What decommission would do.

        :raises Refused: when the source holds something, lists what; or when the controllers cannot go.
        """
        return decommissioning.plan(self._session, fate)

    def decommission(self, fate: decommissioning.Fate) -> decommissioning.Closing:
        """Remove what the empty source knows of hosts that left; on order let its controllers go."""
        with self._session.working(decommissioning.DECOMMISSION, Selection(decommissioning.DECOMMISSION)):
            return decommissioning.carry_out(self._session, fate)

    @property
    def waves(self) -> rolling.Waves:
        """The whole source at once, wave by wave."""
        return rolling.Waves(self, self._session)

    def cancel(self) -> None:
        """Stop what runs at its next safe point."""
        self._session.adapters.clock.stop()

    def _told(self, selection: Selection, use_case: Any, *arguments: Any) -> RunResult:
        """Run a use case; tell how it ended when it did not end well."""
        try:
            result: RunResult = use_case(self._session, *arguments)
            return result
        except PumphouseError as error:
            if migration := self._session.adapters.journal.find(selection):
                publish = self._session.publisher(migration.id)
                publish("run.failed", error=error.message)
                if migration.state == "running":
                    state = "interrupted" if isinstance(error, Interrupted) else "failed"
                    self._session.adapters.journal.set_state(migration.id, state)
            raise

    # --- looking back ---------------------------------------------------------------------------
    def host_records(self) -> tuple[HostRecord, ...]:
        """The last operation on each host."""
        return self._session.adapters.hosts.all()

    def migrations(self) -> tuple[Migration, ...]:
        """Every migration, the one last worked on first."""
        return self._session.adapters.journal.all()

    def rows(self, migration_id: str) -> tuple[Row, ...]:
        """What the ledger knows of the resources of a migration."""
        rows = self._session.adapters.ledger.rows()
        return tuple(rows[k] for k in sorted(self._session.adapters.journal.keys(migration_id)) if k in rows)

    def rolled_back(self, migration_id: str) -> tuple[Row, ...]:
        """What was in a migration, and was given back to the source since."""
        journal = self._session.adapters.journal
        missing = journal.keys(migration_id) - {row.key for row in self.rows(migration_id)}
        holding = [m.id for m in self.migrations() if missing & journal.keys(m.id)] if missing else []
        undone = {
            event.key: event.data
            for identifier in holding
            for event in self.events(0, identifier)
            if (event.type, event.data.get("action")) == ("step.done", "undo") and event.key in missing
        }
        parts = ((key, *key.partition(":"), str(data.get("name", ""))) for key, data in undone.items())
        return tuple(
            Row(key, kind, own, name, None, "rolled back", "created") for key, kind, _, own, name in parts
        )

    def events(self, after: int = 0, migration: str | None = None) -> tuple[Event, ...]:
        """Events in the order they happened."""
        return self._session.adapters.journal.events(after, migration)

    def report(self, selection: Selection) -> Report:
        """What a migration did.

        :raises Refused: when there is none of this selection.
        """
        migration = self._session.adapters.journal.find(selection)
        if migration is None:
            raise Refused(f"nothing was migrated with the selection '{selection}'", "See 'pumphouse status'.")
        return build(migration, self.rows(migration.id), self.events(0, migration.id), *self._session.labels)
