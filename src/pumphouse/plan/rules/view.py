"""What rules look at, and how they are registered: one rule, one function."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pumphouse.inventory import Inventory
from pumphouse.model import Acceptance, Action, Capacity, HostRoom, Item, Row, Severity, Step
from pumphouse.plan.select import Selected
from pumphouse.policy import Policy

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
Found = Iterator[tuple[str, str, str]]  # key, what, remedy


@dataclass(frozen=True)
class View:
    """What rules look at: the steps that change something, with their items."""

    steps: tuple[Step, ...]
    selected: Selected
    source: Inventory
    destination: Inventory
    rows: Mapping[str, Row]
    policy: Policy
    hosts: tuple[HostRoom, ...] | None
    limits: tuple[Capacity, ...]
    admins: Mapping[str, str]
    accepted: tuple[Acceptance, ...]

    def to_do(self, kind: str) -> Iterator[Item]:
        """Items of a kind that will be made or moved."""
        for step in self.steps:
            item = self.source.by_key(step.key)
            if step.kind == kind and step.action in (Action.CREATE, Action.MOVE) and item:
                yield item

    def made(self, item: Item) -> bool:
        """Whether an earlier run may have made it: then what is in the way may be itself."""
        row = self.rows.get(item.key)
        return row is not None and row.state in ("intended", "created")

    def started(self, item: Item) -> bool:
        """Whether its cutover has begun: then its present state is our doing."""
        row = self.rows.get(item.key)
        return row is not None and "status" in row.data


@dataclass(frozen=True)
class Rule:
    """One problem that can be met, wherever it is met.

    :param id: what operators call it.
    :param about: what it looks for, in one sentence; from the docstring of its function.
    :param acceptable: a block that an operator may take knowingly, resource by resource: something is lost, but
        the migration can be carried out.
    """

    id: str
    severity: Severity
    about: str
    find: Callable[[View], Found]
    acceptable: bool = False

    @property
    def can_be_accepted(self) -> bool:
        """Whether an operator may take its problems knowingly: warnings always, blocks where it says so."""
        return self.severity is Severity.WARN or (self.severity is Severity.BLOCK and self.acceptable)


RULES: dict[str, Rule] = {}
Finder = Callable[[View], Found]


def rule(identifier: str, severity: Severity, *, acceptable: bool = False) -> Callable[[Finder], Finder]:
    """Register a function as the rule of this id; its docstring says what the rule looks for."""

    def register(find: Finder) -> Finder:
        RULES[identifier] = Rule(identifier, severity, (find.__doc__ or "").strip(), find, acceptable)
        return find

    return register


def said(item: Item) -> str:
    """How a resource is called in a sentence: kind, name and id."""
    return f"{item.kind.replace('_', ' ')} {item.name!r} ({item.id})"
