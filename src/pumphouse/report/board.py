"""The state of a run, kept up to date by its events."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pumphouse.model import Event
from pumphouse.report import units
from pumphouse.report.values import UNDOING


@dataclass
class Workload:
    """A server with its volumes, or a detached volume, on its way.

    :param parts: bytes done, bytes in all and bytes per second of each transfer.
    :param checks: the same of each disk that is read back.
    :param actions: what was last begun with each of its resources.
    :param downtime: seconds without service; None when there was none, or it lasts.
    :param result: ``done`` or ``failed``; empty on its way.
    """

    name: str
    phase: str = ""
    parts: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    checks: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    moved: int = 0
    stopped_at: float | None = None
    downtime: float | None = None
    seconds: float = 0.0
    result: str = ""
    error: str = ""

    @property
    def copied(self) -> tuple[int, int, float]:
        """Bytes copied, bytes to copy in all and bytes per second."""
        return _sum(self.parts)

    @property
    def at_work(self) -> tuple[int, int, float]:
        """The same of what goes on now, be it copying or reading back."""
        return _sum(self.checks or self.parts)

    def apply(self, event: Event) -> None:
        """Take in one event that belongs to it."""
        data = event.data
        match event.type:
            case "step.started":
                self.actions[event.key] = str(data.get("action"))
            case "progress":
                done, total, speed = (data.get(name, 0) for name in ("done", "total", "rate"))
                where = self.checks if self.actions.get(event.key) == "verify" else self.parts
                where[event.key] = (int(done), int(total), float(speed))
            case "moved":
                self.moved += int(data.get("bytes", 0))
            case "source.stopped":
                self.stopped_at = event.at
            case "destination.up":
                since = event.at - self.stopped_at if self.stopped_at is not None else None
                self.downtime = data.get("downtime", since)
            case "workload.done" | "workload.failed":
                self.result = event.type.removeprefix("workload.")
                self.seconds = float(data.get("seconds", 0))
                self.error = str(data.get("error", ""))
                self.parts = {key: (done, total, 0.0) for key, (done, total, _) in self.parts.items()}


class Board:
    """The state of a run.

    :ivar workloads: by key, in the order they began.
    :ivar finished: keys of resources that are through, however they ended.
    :ivar failed: keys of workloads and other resources that failed or were skipped, and not made good.
    """

    def __init__(self) -> None:
        self.workloads: dict[str, Workload] = {}
        self.finished: set[str] = set()
        self.failed: set[str] = set()
        self.steps = 0
        self.bytes = 0
        self._names: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def owner(self, event: Event) -> str:
        """The key of the workload an event belongs to, if it belongs to one; else its own."""
        return str(event.data.get("workload") or self._owners.get(event.key, event.key))

    def workload(self, event: Event) -> Workload | None:
        """The workload an event belongs to; None when it is about something shared."""
        return self.workloads.get(self.owner(event))

    def name(self, event: Event) -> str:
        """Whom an event is about, for a person."""
        workload = self.workload(event)
        return workload.name if workload else self._names.get(event.key, event.key)

    def apply(self, event: Event) -> None:
        """Take in one event."""
        data = event.data
        if event.type == "run.started":
            self.steps, self.bytes = int(data.get("steps", 0)), int(data.get("bytes", 0))
        elif event.type == "workload.started":
            self.workloads[event.key] = Workload(str(data.get("name", event.key)))
        elif event.type == "step.started":
            kind = str(data.get("kind", "")).replace("_", " ")
            self._names[event.key] = f"{kind} {data.get('name', event.key)}".strip()
            self._owners[event.key] = self.owner(event)
        if workload := self.workload(event):
            self._apply_to(workload, event)
        elif event.type in ("step.done", "step.failed", "step.skipped"):
            self.finished.add(event.key)
            self._judge(event, good=event.type == "step.done")

    def _apply_to(self, workload: Workload, event: Event) -> None:
        workload.apply(event)
        if workload.result:
            # A resource of a workload goes through several steps; it is finished when the workload is.
            self.finished |= {event.key, *workload.actions}
            self._judge(event, good=workload.result == "done")

    def _judge(self, event: Event, *, good: bool) -> None:
        if not good:
            self.failed.add(self.owner(event))
        elif event.data.get("action") not in UNDOING:
            self.failed.discard(self.owner(event))

    @property
    def copied(self) -> tuple[int, int, float]:
        """Bytes done, bytes in all (an upper bound until everything is known) and bytes per second."""
        each = [workload.copied for workload in self.workloads.values()]
        done, known, speed = (sum(column) for column in zip(*each, strict=True)) if each else (0, 0, 0.0)
        return int(done), max(self.bytes, int(known)), float(speed)

    def overall(self) -> str:
        """One line about the whole run."""
        text = f"{min(len(self.finished), self.steps)} of {self.steps} resources"
        done, total, speed = self.copied
        return f"{text}, {amount(done, total, speed, most=not self.known)}" if total else text

    @property
    def known(self) -> bool:
        """Whether the bytes to copy are a sum and no upper bound any more."""
        return sum(workload.copied[1] for workload in self.workloads.values()) >= self.bytes


def _sum(parts: Mapping[str, tuple[int, int, float]]) -> tuple[int, int, float]:
    done = sum(part[0] for part in parts.values())
    total = sum(part[1] for part in parts.values())
    return done, total, sum(part[2] for part in parts.values() if part[0] < part[1])


def amount(done: int, total: int, speed: float, *, most: bool = False) -> str:
    """``1.0 GiB of 2.0 GiB, 50.0 MiB/s, 20 s left``.

    :param most: whether the total is an upper bound.
    """
    bound = "at most " if most else ""
    text = f"{units.size(done)} of {bound}{units.size(total)}"
    if speed > 0 and done < total:
        text += f", {units.rate(speed)}, {bound}{units.duration((total - done) / speed)} left"
    return text
