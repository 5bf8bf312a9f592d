"""The values that pass between stages: frozen, comparable, printable; no I/O, no network.

A *key* names one resource of the source everywhere (plan, ledger, events, report): ``kind:source-id``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Fields = Mapping[str, Any]


def make_key(kind: str, identifier: str) -> str:
    """The key of a resource: ``kind:source-id``."""
    return f"{kind}:{identifier}"


def fingerprint(value: Any) -> str:
    """Short hash of a JSON-able value; equal values give equal hashes whatever their key order."""
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Item:
    """One resource as read from a cloud.

    :param fields: what is carried over and compared; references in it are ids of the same cloud.
    :param observed: what decisions need (status, size, host...) and is neither carried nor compared.
    """

    kind: str
    id: str
    name: str
    project_id: str | None
    fields: Fields
    observed: Fields = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``kind:id``."""
        return make_key(self.kind, self.id)

    @property
    def fingerprint(self) -> str:
        """Changes when anything that is carried over changes."""
        return fingerprint([self.kind, self.id, self.name, self.project_id, self.fields])


class Action(StrEnum):
    """What a plan does with one resource."""

    CREATE = "create"
    REUSE = "reuse"
    MOVE = "move"
    SKIP = "skip"
    BLOCK = "block"


class Severity(StrEnum):
    """``block`` refuses the migration; ``warn`` says what will differ; ``note`` informs."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True)
class Problem:
    """One thing the operator must know before anything moves.

    :param rule: the rule's id, e.g. ``server-error``.
    :param key: the resource concerned, or ``""`` for the migration as a whole.
    :param what: what is wrong, naming the resource, with the reason.
    :param remedy: what to do about it.
    """

    rule: str
    severity: Severity
    key: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Step:
    """One resource of the source plus what is done with it and why.

    :param needs: keys of the resources that must be there before.
    :param destination_id: known already for ``reuse`` and for what was migrated before.
    :param bytes: payload to copy (image data, root disk, volume), in bytes; an upper bound.
    :param downtime: expected seconds without service; only for servers that run.
    :param fingerprint: of the item as planned; a saved plan is refused when it no longer holds.
    """

    key: str
    kind: str
    name: str
    project: str
    action: Action
    reason: str = ""
    needs: tuple[str, ...] = ()
    destination_id: str | None = None
    bytes: int = 0
    downtime: float = 0.0
    fingerprint: str = ""


@dataclass(frozen=True)
class Selection:
    """What the operator asked for.

    :param what: ``project``, ``server``, ``image``, ``volume``, ``network``, ``flavor``, ``keypair``,
        ``identity``, ``host`` or ``all``.
    :param names: names or ids; empty for ``identity`` and ``all``.
    :param filters: ``name=GLOB``, ``tag=TAG``, ``metadata.KEY=VALUE``, ``availability_zone=AZ``,
        ``status=STATUS``, ``network=NAME``; all must hold; they narrow the servers and volumes.
    :param exclude: ``KIND:NAME_OR_ID`` (globs allowed) left out.
    """

    what: str
    names: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = ["--all"] if self.what == "all" else [self.what, *self.names]
        words += [f"--filter {f}" for f in self.filters] + [f"--exclude {e}" for e in self.exclude]
        return " ".join(words)


@dataclass(frozen=True)
class Capacity:
    """One limit of the destination, before and after the plan.

    :param scope: ``hypervisors`` or ``project NAME``.
    :param resource: e.g. ``vcpus``, ``ram (MiB)``, ``volumes``, ``gigabytes``.
    :param limit: -1 when unlimited.
    """

    scope: str
    resource: str
    limit: int
    used: int
    added: int


@dataclass(frozen=True)
class HostRoom:
    """What a hypervisor of the destination still takes, allocation ratios included.

    :param ram_mb: MiB. :param disk_gb: GiB.
    """

    name: str
    vcpus: float
    ram_mb: float
    disk_gb: float


@dataclass(frozen=True)
class Plan:
    """Steps in an order that satisfies their needs, what is wrong with them, and numbers."""

    selection: Selection
    source: str
    destination: str
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...] = ()
    capacity: tuple[Capacity, ...] = ()

    @property
    def blocked(self) -> tuple[Problem, ...]:
        """The problems that refuse the migration."""
        return tuple(p for p in self.problems if p.severity is Severity.BLOCK)

    @property
    def to_do(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(s for s in self.steps if s.action in (Action.CREATE, Action.MOVE))

    @property
    def bytes(self) -> int:
        """Upper bound of the bytes to copy."""
        return sum(s.bytes for s in self.to_do)

    def with_action(self, key: str, action: Action, reason: str) -> "Plan":
        """The same plan with one step changed."""
        steps = tuple(replace(s, action=action, reason=reason) if s.key == key else s for s in self.steps)
        return replace(self, steps=steps)


@dataclass(frozen=True)
class Difference:
    """One field, or one disk, that is not the same on both sides.

    :param note: set when the difference has an explanation; ``failing`` says whether it still counts.
    """

    key: str
    kind: str
    name: str
    field: str
    source: Any
    destination: Any
    note: str = ""
    failing: bool = True


class Result(StrEnum):
    """How a step or a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class CheckResult:
    """One line of ``pumphouse check``."""

    check: str
    result: Result
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Outcome:
    """How one step of a run ended.

    :param destination_id: id of the resource in the destination, when there is one.
    :param error: one line for the person, when it failed or was skipped.
    """

    key: str
    result: Result
    destination_id: str | None = None
    error: str = ""


@dataclass(frozen=True)
class RunResult:
    """What a migrate, commit or rollback did.

    :param seconds: wall time of the run.
    """

    migration: str
    outcomes: tuple[Outcome, ...]
    differences: tuple[Difference, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The steps that failed or were skipped because of one that did."""
        return tuple(o for o in self.outcomes if o.result in (Result.FAIL, Result.SKIPPED))


@dataclass(frozen=True)
class Row:
    """The ledger's current view of one resource of the source.

    :param state: ``intended`` (about to be made), ``created`` (made, not finished), ``done`` (made and
        finished), ``reused`` (was there before), ``committed`` (deleted at the source).
    :param how: ``created`` when Pumphouse made it (then it may be undone), else ``reused``.
    :param data: facts a later stage needs, e.g. the state of a server before it was stopped.
    """

    key: str
    kind: str
    source_id: str
    name: str
    destination_id: str | None
    state: str
    how: str
    data: Fields = field(default_factory=dict)
    updated_at: float = 0.0


@dataclass(frozen=True)
class Migration:
    """One selection being migrated; the same selection is the same migration.

    :param state: ``running``, ``failed``, ``prepared``, ``migrated``, ``rolled back``, ``committed``.
    :param created_at: seconds since the epoch.
    """

    id: str
    selection: Selection
    state: str
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Event:
    """A fact as it happened; appended to the ledger, shown by ``status --follow`` and the report.

    :param at: seconds since the epoch.
    :param type: e.g. ``run.started``, ``step.started``, ``step.done``, ``step.failed``, ``progress``.
    :param data: JSON-able; never holds a secret.
    """

    at: float
    migration: str
    type: str
    key: str = ""
    data: Fields = field(default_factory=dict)
    seq: int = 0
