"""The values that pass between stages: frozen, comparable, printable; no I/O, no network.

A *key* names one resource of the source everywhere (plan, ledger, events, report): ``kind:source-id``.
"""

from pumphouse.model.item import Fields, Item, fingerprint, make_key
from pumphouse.model.plan import (
    Action,
    Capacity,
    Difference,
    HostRoom,
    Plan,
    Problem,
    Selection,
    Severity,
    Step,
)
from pumphouse.model.record import CheckResult, Event, Migration, Outcome, Result, Row, RunResult

__all__ = [
    "Action",
    "Capacity",
    "CheckResult",
    "Difference",
    "Event",
    "Fields",
    "HostRoom",
    "Item",
    "Migration",
    "Outcome",
    "Plan",
    "Problem",
    "Result",
    "Row",
    "RunResult",
    "Selection",
    "Severity",
    "Step",
    "fingerprint",
    "make_key",
]
