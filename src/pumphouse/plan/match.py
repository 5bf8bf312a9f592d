"""Each item of the source against the destination: create, reuse, move, skip or block, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pumphouse.errors import Missing
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Row, Step
from pumphouse.plan.changes import KNOWN, changes, moved_away
from pumphouse.plan.cost import downtime, payload_bytes
from pumphouse.plan.inforce import policy_of, wanted
from pumphouse.plan.mapped import MAPPED, chosen
from pumphouse.plan.order import Mentions
from pumphouse.plan.pools import ADOPTED, shared_pool
from pumphouse.plan.together import together, volume_keys
from pumphouse.policy import Policy
from pumphouse.references import references
from pumphouse.resource import Kind

DROPPED = "dropped by policy.snapshots"
NO_REIMAGE = (
    "the destination's block storage cannot change the content of a volume (before microversion 3.68)"
)
SEEN = ("done", "created", "committed")
MAKING = "making"  # state of a row that another run was working on when the clouds were read


def match(
    items: Iterable[Item],
    source: Inventory,
    destination: Inventory,
    rows: Mapping[str, Row],
    policy: Policy,
    mapped: Mapping[str, str],
) -> tuple[Step, ...]:
    """One step for every item, in the same order; items must come after what they need.

    :param mapped: key → id or name of the counterpart that a person chose.
    """
    items = tuple(items)
    matcher = _Matcher(items, source, destination, rows, policy, mapped)
    for item in items:
        matcher.add(item)
    return tuple(_apart(matcher.steps.values()))


def _apart(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps; what is mapped to the counterpart of something else is blocked."""
    steps = tuple(steps)
    for step in steps:
        same = (
            s for s in steps if (s.kind, s.destination_id) == (step.kind, step.destination_id) and s != step
        )
        other = next(same, None) if step.reason == MAPPED and not KINDS[step.kind].shared else None
        why = f"{MAPPED}, but that is the counterpart of {other.key} as well" if other else ""
        yield replace(step, action=Action.BLOCK, reason=why) if why else step


@dataclass(frozen=True)
class _Verdict:
    action: Action
    reason: str
    destination_id: str | None = None
    changed: tuple[str, ...] = ()


class _Matcher:
    """Knows the counterparts found so far, because the next items refer to them."""

    def __init__(
        self,
        items: tuple[Item, ...],
        source: Inventory,
        destination: Inventory,
        rows: Mapping[str, Row],
        policy: Policy,
        mapped: Mapping[str, str],
    ) -> None:
        self.steps: dict[str, Step] = {}
        self._source = source
        self._mentions = Mentions(items)
        self._groups = {s.key: group for group in together(source.of("server")) for s in group}
        self._destination = destination
        self._rows, self._policy, self._mapped = rows, policy, mapped
        self._claimed = {(r.kind, r.destination_id): key for key, r in rows.items() if r.destination_id}
        self._found: dict[str, str] = {}

    def add(self, item: Item) -> None:
        """Decide about one item."""
        kind = KINDS[item.kind]
        needs = tuple(key for key in kind.needs(item) if key in self.steps)
        mentions = (key for key in self._mentions.of(item) if key in self.steps)
        verdict = self._hindered_by(kind, needs) or self._chosen(item) or self._decide(kind, item)
        if verdict.destination_id and verdict.action in (Action.REUSE, Action.UPDATE):
            self._found[item.key] = verdict.destination_id
        size = 0 if verdict.reason == ADOPTED else payload_bytes(item)
        runs = kind.name == "server" and item.observed["status"] == "ACTIVE"
        step = Step(
            key=item.key,
            kind=item.kind,
            name=item.name,
            project=self._source.name_of("project", item.project_id),
            action=verdict.action,
            reason=verdict.reason,
            needs=needs,
            after=tuple(key for key in mentions if key not in needs),
            destination_id=verdict.destination_id,
            bytes=size,
            downtime=self._downtime(item) if runs else 0.0,
            changed=verdict.changed,
            fingerprint=item.fingerprint,
        )
        idle = verdict.action not in (Action.CREATE, Action.MOVE)
        self.steps[item.key] = replace(step, bytes=0, downtime=0.0) if idle else step

    def _downtime(self, server: Item) -> float:
        """All disks of servers that move together are copied at the same time, sharing one pipe."""
        servers = self._groups[server.key]
        keys = {key for each in servers for key in volume_keys(each)}
        volumes = [v for key in keys if (v := self._source.by_key(key)) and not self._adopted(v)]
        return downtime(sum(map(payload_bytes, (*servers, *volumes))), self._policy.bandwidth)

    def _hindered_by(self, kind: Kind, needs: tuple[str, ...]) -> _Verdict | None:
        for key in needs:
            step = self.steps[key]
            if step.action in (Action.SKIP, Action.BLOCK):
                why = f"needs {step.kind} {step.name!r}, which is not there: {step.reason}"
                along = kind.skips_along and step.action is Action.SKIP
                return _Verdict(Action.SKIP if along else Action.BLOCK, why)
        return None

    def _decide(self, kind: Kind, item: Item) -> _Verdict:
        if reason := kind.skip_reason(item) or self._awaited(kind, item):
            return _Verdict(Action.SKIP, reason)
        row = self._rows.get(item.key)
        if row and row.state == MAKING:
            return _Verdict(Action.MOVE if kind.moves else Action.CREATE, "being made by another run")
        if row and row.state in SEEN and row.destination_id:
            return self._go_on(kind, item, row)
        if kind.name == "volume_snapshot" and (reason := self._left_out(item)):
            return _Verdict(Action.SKIP, reason)
        if kind.moves:  # a server of the same name is another server
            return _Verdict(Action.MOVE, ADOPTED if self._adopted(item) else "")
        return self._compare(kind, item, row)

    def _awaited(self, kind: Kind, item: Item) -> str:
        """What has to be in the destination before, and is not: why; empty when all of it is."""
        for ref in kind.refs:
            for identifier in references(item.fields, ref.path) if ref.awaited else ():
                step = self.steps.get(f"{ref.kind}:{identifier}")
                if step is None and self._lookup(ref.kind, identifier) is None:
                    name = self._source.name_of(ref.kind, identifier)
                    return f"its {ref.kind} {name!r} is not in the destination yet"
                if step and step.action in (Action.SKIP, Action.BLOCK):
                    return f"its {ref.kind} {step.name!r} does not come: {step.reason}"
        return ""

    def _adopted(self, item: Item) -> bool:
        if item.kind != "volume":
            return False
        pool, why_not = shared_pool(item, self._source, self._policy)
        return not why_not and self._destination.get("volume_pool", pool) is not None

    def _chosen(self, item: Item) -> _Verdict | None:
        """What a person chose in its place, unless it has been carried over."""
        row = self._rows.get(item.key)
        name_or_id = self._mapped.get(item.key)
        if name_or_id is None or (row and row.state in (*SEEN, MAKING)):
            return None
        other, why = chosen(item, name_or_id, self._destination, self._lookup)
        if other is None:
            return _Verdict(Action.BLOCK, f"{MAPPED}, but {why}")
        owner = self._claimed.get((item.kind, other.id), item.key)
        if owner != item.key and not KINDS[item.kind].shared:
            return _Verdict(
                Action.BLOCK, f"{MAPPED}, but {name_or_id!r} is the counterpart of {owner} already"
            )
        return _Verdict(Action.REUSE, MAPPED, other.id)

    def _left_out(self, snapshot: Item) -> str:
        """Why a snapshot is not carried; empty when it is."""
        if policy_of(snapshot, self._source, self._policy).snapshots == "drop":
            return DROPPED
        volume = self.steps.get(f"volume:{snapshot.fields['volume_id']}")
        if volume and volume.action is Action.REUSE:
            return "it was taken after its volume had been moved"
        if not any(pool.observed["reimage"] for pool in self._destination.of("volume_pool")):
            return NO_REIMAGE
        return ""

    def _go_on(self, kind: Kind, item: Item, row: Row) -> _Verdict:
        make = Action.MOVE if kind.moves else Action.CREATE
        there = self._destination.get(row.kind, row.destination_id)
        if row.state == "created":
            words = "left unfinished by an interrupted run"
            return _Verdict(make, words, row.destination_id if there else None)
        if there:
            found = self._bring_up(kind, item, row, there)
            due = kind.due(item, row.data) if row.how == "created" else ""
            return replace(found, action=make, reason=due) if due and found.action is Action.REUSE else found
        return _Verdict(make, "was migrated before, and is gone from the destination")

    def _bring_up(self, kind: Kind, item: Item, row: Row, there: Item) -> _Verdict:
        """What was carried before: again, as far as only the source has changed since."""
        as_it_is = _Verdict(Action.REUSE, "migrated before", there.id)
        want = self._target(item)
        if want is None or moved_away(item, kind, self._rows, self._source):
            return as_it_is
        if names := changes(kind, row, want, there.fields).carry:
            words = f"{', '.join(names)} changed at the source"
            return _Verdict(Action.UPDATE, words, there.id, names)
        if row.data.get("updating"):
            return _Verdict(Action.UPDATE, "left unfinished by an interrupted run", there.id)
        return as_it_is

    def _compare(self, kind: Kind, item: Item, row: Row | None) -> _Verdict:
        want = self._target(item)
        if want is None:
            return self._absent(kind, item)
        if kind.automatic(item) and self._project_is_ours(item):
            return _Verdict(Action.CREATE, "made equal")
        others = [
            other
            for other in kind.candidates(want, item, self._destination.of(kind.name))
            if kind.shared or self._claimed.get((kind.name, other.id), item.key) == item.key
        ]
        differs = {o.id: [name for name, *_ in _differences(kind, want, o)] for o in others}
        made = [identifier for identifier, names in differs.items() if set(names) <= set(kind.set_later())]
        if row and row.state == "intended" and len(made) == 1:
            self._claimed[kind.name, made[0]] = item.key
            return _Verdict(Action.CREATE, "made by an interrupted run", made[0])
        return self._adopt(kind, item, differs) if others else self._absent(kind, item)

    def _adopt(self, kind: Kind, item: Item, differs: dict[str, list[str]]) -> _Verdict:
        """What to do with what was there before; several are never guessed between.

        :param differs: id → the fields that differ.
        """
        if len(differs) > 1:
            return _Verdict(Action.BLOCK, f"the destination has {len(differs)} of this name")
        identifier, names = next(iter(differs.items()))
        if not names:
            return _Verdict(Action.REUSE, "is there already, equal", identifier)
        fields = ", ".join(names)
        if kind.reuse_different or self._is_external(item):
            words = f"is there already and stays as it is (differs in {fields})"
            return _Verdict(Action.REUSE, words, identifier)
        words = f"the destination has one that differs in {fields}{kind.way_out}"
        return _Verdict(Action.BLOCK, words, identifier)

    def _absent(self, kind: Kind, item: Item) -> _Verdict:
        if kind.reuse_only:
            renamed = self._policy.volume_types.get(item.name)
            if self._policy.create_volume_types and renamed is None:
                return _Verdict(Action.CREATE, "made by policy.create_volume_types")
            words = "" if renamed else "; map it by policy.volume_types, or set policy.create_volume_types"
            return _Verdict(
                Action.BLOCK, f"the destination has no {kind.name} {renamed or item.name!r}{words}"
            )
        if reason := kind.never_made(item):
            return _Verdict(Action.BLOCK, reason)
        return _Verdict(Action.CREATE, "")

    def _target(self, item: Item) -> dict[str, Any] | None:
        """The fields as they should be in the destination; None when what they refer to is not there yet."""
        try:
            return wanted(item, self._lookup, self._source, self._policy)
        except Missing:
            return None

    def _lookup(self, kind: str, identifier: str) -> str | None:
        if (names := self._policy.names_of(kind)) is not None:
            return names.get(identifier)
        key = f"{kind}:{identifier}"
        row = None if key in self.steps else self._rows.get(key)
        return row.destination_id if row and row.state in KNOWN else self._found.get(key)

    def _project_is_ours(self, item: Item) -> bool:
        key = f"project:{item.project_id}"
        row, step = self._rows.get(key), self.steps.get(key)
        return (row is not None and row.how == "created") or (
            step is not None and step.action is Action.CREATE
        )

    def _is_external(self, item: Item) -> bool:
        """External networks and their subnets are laid out by the deployer of the destination."""
        network = item if item.kind == "network" else None
        if item.kind == "subnet":
            network = self._source.get("network", item.fields["network_id"])
        return network is not None and bool(network.fields.get("router:external"))


def _differences(kind: Kind, want: dict[str, Any], other: Item) -> list[tuple[str, Any, Any]]:
    """Held fields are set in the cutover only, so they say nothing before."""
    return [d for d in kind.compare(want, other.fields) if d[0] not in kind.held]
