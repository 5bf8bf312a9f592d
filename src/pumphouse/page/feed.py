"""What runs do, from their events: read once, and shown to everybody who watches."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pumphouse.model import Event
from pumphouse.page.chart import Throughput
from pumphouse.report.board import Board, Workload
from pumphouse.report.news import DOING, news
from pumphouse.service import Service

KEPT = 50  # migrations whose state is kept in memory; the ledger has them all
LINES = 400  # of the log
SILENCE = 900.0  # seconds without an event after which a run counts as killed
ENDS = ("run.done", "run.failed")


@dataclass(frozen=True)
class Line:
    """One line of the log.

    :param tone: ``bad`` for what failed, ``mark`` where a run begins or ends, else empty.
    """

    at: float
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Running:
    """The last run of a migration.

    :param ended_at: None while it goes on, or when it was killed.
    :param result: in words; empty while it goes on.
    """

    command: str = ""
    started_at: float = 0.0
    ended_at: float | None = None
    result: str = ""

    @property
    def active(self) -> bool:
        """Whether it has begun and not ended."""
        return bool(self.command) and self.ended_at is None


@dataclass(frozen=True)
class Stage:
    """A stage of an operation on a host.

    :param state: ``running``, ``done`` or ``failed``.
    :param percent: None when nobody says.
    """

    state: str
    percent: int | None
    message: str


@dataclass
class Watched:
    """One migration, kept up to date by its events.

    :param stages: of an operation on a host, by name, in the order they began.
    """

    board: Board = field(default_factory=Board)
    throughput: Throughput = field(default_factory=Throughput)
    stages: dict[str, Stage] = field(default_factory=dict)
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LINES))
    run: Running = Running()
    last_at: float = 0.0
    seen: int = 0

    def apply(self, events: Iterable[Event]) -> None:
        """Take in what happened since."""
        for event in events:
            self._apply(event)
            self.seen, self.last_at = event.seq, event.at

    def _apply(self, event: Event) -> None:
        if event.type == "run.started":
            command = str(event.data.get("command", ""))
            if command == "migrate":
                self.board, self.throughput = Board(), Throughput()
            self.board.finished.clear()  # what it is about is still known, how far it is begins anew
            self.run, self.stages = Running(command, event.at), {}
        self.board.apply(event)
        if event.type == "progress" and not self._reads_back(event):
            self.throughput.add(event.at, event.key, int(event.data.get("done", 0)))
        if event.type == "host.stage":
            state, percent, message = (event.data.get(name) for name in ("state", "percent", "message"))
            self.stages[str(event.data["stage"])] = Stage(str(state), percent, str(message or ""))
        if line := self._line(event):
            self.lines.append(line)
        if event.type in ENDS:
            result = str(event.data.get("error") or event.data.get("result") or "")
            self.run = replace(self.run, ended_at=event.at, result=result)

    def _reads_back(self, event: Event) -> bool:
        """Whether the bytes are compared and not copied."""
        workload = self.board.workload(event)
        return workload is not None and workload.actions.get(event.key) == "verify"

    def _line(self, event: Event) -> Line | None:
        if event.type == "run.started":
            return Line(event.at, f"{self.run.command} begins: {event.data.get('selection', '')}", "mark")
        if event.type == "run.done":
            good = event.data.get("result") == "ok"
            return Line(
                event.at, f"{self.run.command} ended: {event.data.get('result')}", "mark" if good else "bad"
            )
        if event.type == "run.failed":
            return Line(event.at, f"{self.run.command} stopped: {event.data.get('error')}", "bad")
        if text := news(self.board, event) or self._phase(event):
            return Line(event.at, text, "bad" if "fail" in event.type else "")
        return None

    def _phase(self, event: Event) -> str:
        """A workload that does something new."""
        workload = self.board.workload(event)
        if event.type != "step.started" or workload is None:
            return ""
        action = str(event.data.get("action"))
        phase = DOING.get(action, action)
        if phase == workload.phase:
            return ""
        workload.phase = phase
        return f"{workload.name}: {phase}"

    @property
    def going_on(self) -> bool:
        """Whether something works on it; a run that was killed is silent."""
        return self.run.active and time.time() - self.last_at < SILENCE

    @property
    def under_way(self) -> dict[str, Workload]:
        """The workloads that are moving now, by key."""
        if not self.going_on:
            return {}
        return {key: each for key, each in self.board.workloads.items() if not each.result}


class Feed:
    """What every migration does; one reader of the ledger for all who watch."""

    def __init__(self) -> None:
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._active: set[str] = set()
        self._seen: int | None = None
        self._lock = threading.Lock()

    def of(self, service: Service, migration: str) -> Watched:
        """A migration as it stands now."""
        with self._lock:
            watched = self._watched.setdefault(migration, Watched())
            self._watched.move_to_end(migration)
            while len(self._watched) > KEPT:
                self._watched.popitem(last=False)
            watched.apply(service.events(watched.seen, migration))
            return watched

    def running(self, service: Service) -> dict[str, Watched]:
        """The migrations that are being worked on, by id: those that something was heard of lately."""
        with self._lock:
            if self._seen is None:
                self._seen = service.last_event()
                self._active = {each.id for each in service.migrations() if each.state == "running"}
            new = service.events(self._seen)
            self._active |= {event.migration for event in new}
            self._seen = new[-1].seq if new else self._seen
            active = sorted(self._active)
        watched = {identifier: self.of(service, identifier) for identifier in active}
        over = {identifier for identifier, each in watched.items() if not each.going_on}
        with self._lock:
            self._active -= over
        return {identifier: each for identifier, each in watched.items() if identifier not in over}
