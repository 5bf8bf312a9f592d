"""Both clouds, the ledger and the bus, opened once; what the use cases share."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pumphouse.check import same_cloud
from pumphouse.clock import StoppableClock
from pumphouse.config import Config
from pumphouse.discover import add_identity, discover, room
from pumphouse.errors import ConfigError, Forbidden, Refused
from pumphouse.events import Bus
from pumphouse.hosts import Host
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.locks import Locks
from pumphouse.machines import HostLedger, MachineNetwork, Power, Provisioner
from pumphouse.model import Acceptance, Event, Item, Migration, Plan, Row, Selection, Step, fingerprint
from pumphouse.plan import World, make_plan
from pumphouse.plan.owner import owner_is_kept
from pumphouse.plan.pools import as_it_was
from pumphouse.plan.understood import understood
from pumphouse.ports import Cloud, IdentityTables, Journal, Ledger, Ports, Publish, Transfer
from pumphouse.probes import Probes
from pumphouse.tasks.actors import Actors
from pumphouse.tasks.run import Run
from pumphouse.tasks.sharing import as_seen, standing
from pumphouse.tasks.temporaries import Temporaries

LOG = logging.getLogger("pumphouse")


@dataclass(frozen=True)
class Adapters:
    """What wiring chose.

    :param transfer: makes the Transfer, given where to publish progress.
    :param power: the BMC of a host.
    :param hosts: what was done to hosts.
    :param provisioner: the deployment engine of a cloud, by role; None when it has none.
    :param network: what changes the network of machines; None when they stay where they are.
    """

    source: Cloud
    destination: Cloud
    ledger: Ledger
    journal: Journal
    locks: Locks
    probes: Probes
    clock: StoppableClock
    transfer: Callable[[Publish], Transfer]
    identity: IdentityTables
    power: Callable[[Host], Power]
    hosts: HostLedger
    provisioner: Callable[[str], Provisioner | None]
    network: Callable[[], MachineNetwork | None]


class Session:
    """One opening of the service."""

    def __init__(self, config: Config, adapters: Adapters, bus: Bus) -> None:
        self.config = config
        self.adapters = adapters
        self.bus = bus
        self._bound = False
        self._source: Inventory | None = None
        self._destination: Inventory | None = None
        self._rows: Mapping[str, Row] = {}
        self._carried: Mapping[str, Any] = {}

    @property
    def labels(self) -> tuple[str, str]:
        """How the two clouds are called."""
        both = (self.config.source, self.config.destination)
        source, destination = (c.cloud or (c.auth.auth_url if c.auth else "") for c in both)
        return source, destination

    def look(self) -> tuple[Inventory, Inventory]:
        """Read both clouds, at the same time; of the source, what the destination understands.

        :raises Forbidden: when one of the users is no administrator.
        """
        clouds = (self.adapters.source, self.adapters.destination)
        self._bind()
        with ThreadPoolExecutor(2) as pool:
            found = [pool.submit(discover, cloud) for cloud in clouds]
            try:
                source, destination = (f.result() for f in found)
            except Forbidden as error:
                raise Forbidden(
                    f"{error.message}: the user is no administrator there",
                    "Pumphouse needs the role admin in both clouds; see 'pumphouse check'.",
                    error.status,
                ) from None
        source = as_it_was(source, self.adapters.ledger.rows("volume").values())
        tables, carrying = self.adapters.identity, self.carries_passwords
        source = understood(source, destination.network, self.config.policy)
        return add_identity(source, tables, carrying), add_identity(destination, tables, carrying)

    @property
    def carries_passwords(self) -> bool:
        """Whether the databases of both Keystones are named."""
        return bool(self.config.source.identity and self.config.destination.identity)

    def _bind(self) -> None:
        if not self._bound:
            clouds = (self.adapters.source, self.adapters.destination)
            if shared := same_cloud(*clouds, self.config):
                raise ConfigError(
                    f"source and destination are the same cloud: both are at {shared}",
                    "Check 'source' and 'destination' in config.yaml.",
                )
            source, destination = (_address(cloud) for cloud in clouds)
            self.adapters.ledger.bind(source, destination)
            self._bound = True

    def world(self, accepted: Iterable[Acceptance] = ()) -> World:
        """Everything a plan is made from, as it is now.

        :param accepted: what is taken knowingly, besides what the policy says.
        """
        before = self.adapters.ledger.rows()
        source, destination = self._source, self._destination = self.look()
        self._rows = as_seen(before, self.adapters.ledger.rows())
        clouds = (self.adapters.source, self.adapters.destination)
        return World(
            source,
            destination,
            self._rows,
            self.config.policy,
            room(self.adapters.destination),
            {cloud.role: cloud.project_id for cloud in clouds},
            (*accepted, *(acceptance(text, "config.yaml", told=False) for text in self.config.policy.accept)),
        )

    def source(self) -> Inventory:
        """The source as the plan saw it."""
        return self._source or self.look()[0]

    def plan(self, selection: Selection, world: World) -> Plan:
        """What has to be done."""
        return make_plan(selection, world, self.labels)

    @contextmanager
    def working(self, command: str, selection: Selection) -> Iterator[None]:
        """One command on one selection.

        :raises Refused: when another run works on the same selection.
        """
        with self.adapters.locks.running(f"{command} {selection}"):
            name = f"selection {fingerprint(asdict(selection))}"
            self.adapters.locks.take({name: f"'{selection}'"})
            yield

    def claim(self, steps: Iterable[Step]) -> None:
        """From now on nobody else works on these workloads, and they are still what was planned.

        :raises Refused: when another run works on one, or has since the plan was made.
        """
        moving = {s.key: s for s in steps if KINDS[s.kind].moves}
        self.adapters.locks.take({s.key: f"{s.kind} {s.name!r}" for s in moving.values()})
        rows = self.adapters.ledger.rows()
        for key, step in moving.items():
            if standing(rows.get(key)) != standing(self._rows.get(key)):
                raise Refused(
                    f"{step.kind} {step.name!r} was worked on by another run since the plan was made",
                    "Run the same command again.",
                )

    def run(self, plan: Plan, source: Inventory, publish: Publish) -> Run:
        """A plan, ready to be carried out."""
        a, policy = self.adapters, self.config.policy
        identity = a.identity if self.carries_passwords else None
        ports = Ports(
            *(a.source, a.destination, a.ledger, a.transfer(publish), a.clock, publish, a.locks, a.probes),
            identity,
        )
        clouds = {cloud.role: cloud for cloud in (a.source, a.destination)}
        temporaries = Temporaries(clouds, a.ledger, a.locks, a.clock, policy.timeouts.volume)

        def refusal(item: Item) -> str:
            rows = a.ledger.rows("user")
            return owner_is_kept(item, source, plan.steps, rows, self._as_of(rows))

        def again(key: str) -> Step:
            fresh = self.plan(plan.selection, self.world())
            return next(step for step in fresh.steps if step.key == key)

        actors = Actors(a.destination, a.ledger, temporaries, a.clock, refusal)
        return Run(ports, policy, plan, source, actors, temporaries, dict(self._rows), again)

    def _as_of(self, rows: Mapping[str, Row]) -> Inventory | None:
        """The destination as planned; what is known of passwords is read anew when another run carried some since."""
        carried = {key: row.data.get("password") for key, row in rows.items() if row.kind == "user"}
        if self._destination and carried != self._carried:
            self._destination = add_identity(
                self._destination, self.adapters.identity, self.carries_passwords
            )
            self._carried = carried
        return self._destination

    def migration_of(self, selection: Selection, keys: Iterable[str]) -> Migration:
        """The migration of a selection; of a part of one, the newest that holds one of the keys.

        :raises Refused: when there is none.
        """
        journal, wanted = self.adapters.journal, frozenset(keys)
        migration = journal.find(selection)
        holding = (m for m in journal.all() if wanted & journal.keys(m.id))
        migration = migration or next(holding, None)
        if migration is None:
            raise Refused(f"nothing of '{selection}' was migrated", "See 'pumphouse status'.")
        return migration

    def tell_parts(self, migration: str, steps: Iterable[Step], word: str) -> None:
        """Other migrations that hold some of these workloads are from now on ``partly`` what word says."""
        journal = self.adapters.journal
        moved = {step.key for step in steps if KINDS[step.kind].moves}
        for other in journal.all():
            over = other.id == migration or other.state in ("rolled back", "committed")
            if not over and moved & journal.keys(other.id):
                journal.set_state(other.id, f"partly {word}")

    def publisher(self, migration: str) -> Publish:
        """Publishes events of a migration: kept in the journal, logged, handed to the bus; those of type log
        are logged only."""
        log = _open_log(self.config.log_dir, migration)

        def publish(type: str, key: str = "", **data: Any) -> None:
            event = Event(self.adapters.clock.now(), migration, type, key, data)
            if type != "log":  # what strangers printed stays out of the ledger: it may hold secrets
                self.adapters.journal.append(event)
            if type != "progress":
                line = {"at": event.at, "migration": migration, "type": type, "key": key, **data}
                log.info(json.dumps(line, default=str))
            if type != "log":
                self.bus.publish(event)

        return publish


def acceptance(text: str, by: str, *, told: bool = True) -> Acceptance:
    """``RULE`` or ``RULE:RESOURCE`` as a value.

    :param by: who accepts.
    :param told: whether it is told when there is nothing to accept.
    """
    rule, _, resource = text.partition(":")
    return Acceptance(rule, resource or "*", by, told)


def _address(cloud: Cloud) -> str:
    """What tells one cloud from another: where its Keystone is."""
    found = [e.url for e in cloud.catalog() if e.service_type == "identity" and e.interface == "public"]
    return found[0].rstrip("/").removesuffix("/v3") if found else cloud.role


def _open_log(directory: Path, migration: str) -> logging.Logger:
    """One file per migration, one JSON object per line."""
    log = logging.getLogger(f"pumphouse.events.{migration}")
    if not log.handlers:
        directory.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(directory / f"{migration}.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
    return log
