"""The values that pass between stages: frozen, comparable, printable; no I/O, no network.

A *key* names one resource of the source everywhere (plan, ledger, events, report): ``kind:source-id``.
"""

from pumphouse.model.access import Audited, Caller, Role
from pumphouse.model.host import (
    BootDevice,
    HostRecord,
    HostStatus,
    Node,
    NodeState,
    PowerState,
)
from pumphouse.model.item import Fields, Item, fingerprint, make_key
from pumphouse.model.job import Ended, Job, JobState
from pumphouse.model.network import NetworkFacts
from pumphouse.model.outside import About, Copied, Endpoint, Temporary, Version
from pumphouse.model.password import Origin, Password
from pumphouse.model.picture import Picture, ProjectStatus, ServerStatus, Setting
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
    "Copied",
    "Difference",
    "Ended",
    "Endpoint",
    "Event",
    "Fields",
    "HostRecord",
    "HostRoom",
    "HostStatus",
    "Item",
    "Job",
    "JobState",
    "Migration",
    "NetworkFacts",
    "Node",
    "NodeState",
    "Origin",
    "Outcome",
    "Password",
    "Picture",
    "Plan",
    "PowerState",
    "Problem",
    "ProjectStatus",
    "Result",
    "Role",
    "Row",
    "RunResult",
    "Selection",
    "ServerStatus",
    "Setting",
    "Severity",
    "Step",
    "Temporary",
    "Version",
    "fingerprint",
    "is_filter",
    "make_key",
]
