"""What is to be done, and what the operator must know before."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from pumphouse.model.item import fingerprint


class Action(StrEnum):
    """What a plan does with one resource."""

    CREATE = "create"
    REUSE = "reuse"
    UPDATE = "update"
    REMOVE = "remove"
    MOVE = "move"
    SKIP = "skip"
    BLOCK = "block"


CHANGING = (Action.CREATE, Action.UPDATE, Action.REMOVE, Action.MOVE)


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
    :param accepted: who takes it knowingly; empty when nobody does.
    :param acceptable: whether somebody may.
    """

    rule: str
    severity: Severity
    key: str
    what: str
    remedy: str
    accepted: str = ""
    acceptable: bool = False


@dataclass(frozen=True)
class Acceptance:
    """Somebody takes what a rule tells, knowingly: a block no longer refuses.

    :param rule: the rule's id.
    :param resource: name, id or ``KIND:NAME`` of what it is about; may hold ``*`` and ``?``.
    :param by: who takes it.
    :param told: whether it is told when there is nothing to accept.
    """

    rule: str
    resource: str
    by: str
    told: bool = True

    def __str__(self) -> str:
        return f"{self.rule}:{self.resource}"


@dataclass(frozen=True)
class Step:
    """One resource of the source plus what is done with it and why.

    :param needs: keys of the resources that must be there before.
    :param after: keys of those it mentions if they are there, so they come first; it does without them.
    :param destination_id: known already for ``reuse`` and for what was migrated before.
    :param bytes: payload to copy (image data, root disk, volume), in bytes; an upper bound.
    :param downtime: expected seconds without service; only for servers that run.
    :param changed: what an update changes; see :meth:`pumphouse.resource.Kind.compare` for the names.
    :param because: why it comes along though nobody named it; for servers that hang together with others.
    :param fingerprint: of the item as planned; a saved plan is refused when it no longer holds.
    """

    key: str
    kind: str
    name: str
    project: str
    action: Action
    reason: str = ""
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    destination_id: str | None = None
    bytes: int = 0
    downtime: float = 0.0
    changed: tuple[str, ...] = ()
    because: str = ""
    fingerprint: str = ""


#: What can be selected by name; identity is selected as a whole.
SELECTABLE = (
    *("domain", "project", "server", "server_group", "image", "volume", "network", "flavor", "keypair"),
    *("host", "availability_zone"),
)
#: What servers and volumes can be narrowed by, besides ``metadata.KEY``.
FILTERS = ("name", "tag", "availability_zone", "status", "network")


def is_filter(text: str) -> bool:
    """Whether it is ``KEY=VALUE`` with a key that servers and volumes can be narrowed by."""
    key, _, value = text.partition("=")
    return bool(value) and (key in FILTERS or key.startswith("metadata."))


@dataclass(frozen=True)
class Selection:
    """What the operator asked for.

    :param what: ``domain``, ``project``, ``server``, ``server_group``, ``image``, ``volume``, ``network``,
        ``flavor``, ``keypair``, ``host``, ``availability_zone``, ``identity`` or ``all``.
    :param names: names or ids; empty for ``identity`` and ``all``.
    :param filters: ``name=GLOB``, ``tag=TAG``, ``metadata.KEY=VALUE``, ``availability_zone=AZ``,
        ``status=STATUS``, ``network=NAME``; all must hold; they narrow the servers and volumes.
    :param exclude: ``KIND:NAME_OR_ID`` (globs allowed) left out.
    :param connected: with the servers that share networks, server groups or volumes with these.
    """

    what: str
    names: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    connected: bool = False

    @property
    def fingerprint(self) -> str:
        """The same selection has the same; what it does not use leaves no trace in it."""
        values = asdict(self)
        return fingerprint(
            values if self.connected else {n: v for n, v in values.items() if n != "connected"}
        )

    def __str__(self) -> str:
        words = ["--all"] if self.what == "all" else [self.what, *self.names]
        words += [f"--filter {f}" for f in self.filters] + [f"--exclude {e}" for e in self.exclude]
        words += ["--with-connected"] * self.connected
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
    :param zone: its availability zone; empty when that is not known.
    """

    name: str
    vcpus: float
    ram_mb: float
    disk_gb: float
    zone: str = ""


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
        return tuple(p for p in self.problems if p.severity is Severity.BLOCK and not p.accepted)

    @property
    def to_do(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(s for s in self.steps if s.action in CHANGING)

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
