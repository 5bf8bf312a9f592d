"""What a migration did, as values."""

from collections.abc import Mapping
from dataclasses import dataclass

from pumphouse.model import Difference, Migration, Row

#: What a step of a workload does, in the words of the report and the order of the timeline.
PHASES: Mapping[str, str] = {
    "stop": "stop",
    "capture": "capture",
    "transfer": "transfer",
    "create_volume": "create",
    "pin": "create",
    "create_server": "create",
    "settle": "settle",
    "activate": "settle",
    "verify": "verify",
    "lock_source": "clean up",
    "cleanup": "clean up",
}

#: What takes back a step that failed; that it went well makes nothing good.
UNDOING = ("undo", "restart")


@dataclass(frozen=True)
class Span:
    """A stretch of one phase, in seconds since the workload's move began."""

    phase: str
    start: float
    end: float


@dataclass(frozen=True)
class Move:
    """One workload: a server with its volumes, or a detached volume.

    :param result: ``done``, ``failed``, ``rolled back`` or ``unfinished``.
    :param downtime: seconds without service; None when the server was not running or is not up yet.
    :param spans: when which phase was at work, for the timeline.
    :param down: begin and end of the downtime on the same scale.
    """

    kind: str
    name: str
    source_id: str
    destination_id: str | None
    result: str
    started_at: float
    seconds: float
    bytes: int
    downtime: float | None
    error: str
    spans: tuple[Span, ...]
    down: tuple[float, float] | None

    @property
    def rate(self) -> float:
        """Bytes per second while data was being copied; 0 when nothing was."""
        busy = sum(span.end - span.start for span in self.spans if span.phase == "transfer")
        return self.bytes / busy if busy else 0.0


@dataclass(frozen=True)
class Disk:
    """Data that was copied: an image, a volume or the root disk of a server."""

    kind: str
    name: str
    source_id: str
    destination_id: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Trouble:
    """A step that failed or was skipped and was not made good later."""

    kind: str
    name: str
    result: str
    action: str
    why: str


@dataclass(frozen=True)
class Taken:
    """A loss or a difference that somebody took knowingly.

    :param at: when a run first acted on it, in seconds since the epoch.
    :param by: who.
    """

    rule: str
    severity: str
    what: str
    by: str
    at: float


@dataclass(frozen=True)
class Run:
    """One command that worked on this migration."""

    command: str
    started_at: float
    seconds: float | None
    result: str


@dataclass(frozen=True)
class Report:
    """Everything that happened to one selection.

    :param temporaries: helpers (snapshots, images, volumes) that are still there; None when not known.
    """

    migration: Migration
    source: str
    destination: str
    rows: tuple[Row, ...]
    moves: tuple[Move, ...]
    disks: tuple[Disk, ...]
    troubles: tuple[Trouble, ...]
    differences: tuple[Difference, ...]
    runs: tuple[Run, ...]
    accepted: tuple[Taken, ...]
    temporaries: int | None

    @property
    def bytes(self) -> int:
        """Bytes copied."""
        return sum(disk.bytes for disk in self.disks)

    @property
    def made(self) -> int:
        """Resources made in the destination."""
        return sum(row.how == "created" and row.state != "intended" for row in self.rows)

    @property
    def reused(self) -> int:
        """Resources that were in the destination before."""
        return sum(row.how == "reused" for row in self.rows)

    @property
    def without_password(self) -> tuple[Row, ...]:
        """Users that were made, and whose password could not be carried: an administrator has to set one."""
        users = (row for row in self.rows if row.kind == "user" and row.how == "created")
        return tuple(row for row in users if row.state != "intended" and row.data.get("password") is None)

    @property
    def longest_downtime(self) -> float:
        """The most seconds any server was without service."""
        return max((move.downtime or 0.0 for move in self.moves), default=0.0)
