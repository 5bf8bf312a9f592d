"""The values that pass between stages: frozen, comparable, printable; no I/O, no network.

A *key* names one resource of the source everywhere (plan, ledger, events, report): ``kind:source-id``.
"""

from pumphouse.model.access import Audited, Caller, Role
from pumphouse.model.evacuation import EvacuationPlan, How, Move, Unmoved, Wishes
from pumphouse.model.host import (
    BootDevice,
    ComputeHost,
    HostRecord,
    HostStatus,
    Node,
    NodeState,
    Occupancy,
    PlacedServer,
    PowerState,
    Resources,
)
from pumphouse.model.item import Fields, Item, fingerprint, make_key
from pumphouse.model.job import Ended, Job, JobState
from pumphouse.model.network import NetworkFacts
from pumphouse.model.outside import About, Copied, Endpoint, Temporary, Version
from pumphouse.model.password import Origin, Password
from pumphouse.model.plan import (
    FILTERS,
    SELECTABLE,
    Acceptance,
    Action,
    Capacity,
    Difference,
    HostRoom,
    Plan,
    Problem,
    Selection,
    Severity,
    Step,
    is_filter,
)
from pumphouse.model.record import CheckResult, Event, Migration, Outcome, Result, Row, RunResult
from pumphouse.model.waves import Portion, Remainder, Wave, WavePlan

__all__ = [
    "FILTERS",
    "SELECTABLE",
    "About",
    "Acceptance",
    "Action",
    "Audited",
    "BootDevice",
    "Caller",
    "Capacity",
    "CheckResult",
    "ComputeHost",
    "Copied",
    "Difference",
    "Ended",
    "Endpoint",
    "EvacuationPlan",
    "Event",
    "Fields",
    "HostRecord",
    "HostRoom",
    "HostStatus",
    "How",
    "Item",
    "Job",
    "JobState",
    "Migration",
    "Move",
    "NetworkFacts",
    "Node",
    "NodeState",
    "Occupancy",
    "Origin",
    "Outcome",
    "Password",
    "PlacedServer",
    "Plan",
    "Portion",
    "PowerState",
    "Problem",
    "Remainder",
    "Resources",
    "Result",
    "Role",
    "Row",
    "RunResult",
    "Selection",
    "Severity",
    "Step",
    "Temporary",
    "Unmoved",
    "Version",
    "Wave",
    "WavePlan",
    "Wishes",
    "fingerprint",
    "is_filter",
    "make_key",
]
