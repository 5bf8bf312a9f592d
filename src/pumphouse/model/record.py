"""What was done: results, the ledger's rows, events."""

from dataclasses import dataclass, field
from enum import StrEnum

from pumphouse.model.item import Fields
from pumphouse.model.plan import Difference, Selection


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
