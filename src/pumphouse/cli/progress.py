"""What a run is doing, from its events: a live display on a terminal, lines elsewhere."""

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from pumphouse.model import Event
from pumphouse.report.board import Board, Workload, amount
from pumphouse.report.news import DOING, news

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pumphouse.cli.main import App

#: Seconds between two lines of progress.
_INTERVAL = 5.0


class PlainProgress:
    """Lines: one per change of a workload's phase, and how far things are every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._board = Board()
        self._last = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Take in one event of the bus."""
        self._board.apply(event)
        if line := news(self._board, event) or self._phase(event):
            self._line(event, line)
        elif event.type == "run.started":
            self._last = event.at
        elif self._counts(event) and event.at - self._last >= _INTERVAL:
            self._last = event.at
            self._line(event, self._board.overall())

    def leave(self) -> None:
        """Nothing has to be put in order."""

    def _counts(self, event: Event) -> bool:
        """Whether the numbers of the whole run have changed."""
        return event.type == "progress" or (event.type == "step.done" and not self._board.workload(event))

    def _phase(self, event: Event) -> str:
        workload = self._board.workload(event)
        if event.type != "step.started" or workload is None:
            return ""
        phase = DOING.get(str(event.data.get("action")), str(event.data.get("action")))
        if phase == workload.phase:
            return ""
        workload.phase = phase
        return f"{workload.name}: {phase}"

    def _line(self, event: Event, text: str) -> None:
        self.say(f"{time.strftime('%H:%M:%S', time.localtime(event.at))} {text}")


class LiveProgress:
    """A display that is redrawn in place: the run, and each workload on its way."""

    def __init__(self, stream: TextIO) -> None:
        self._board = Board()
        self._stream = stream
        self._display = _display(stream)
        self._run = self._display.add_task("everything", total=None, phase="", amount="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def __call__(self, event: Event) -> None:
        """Take in one event of the bus."""
        self._board.apply(event)
        if line := news(self._board, event):
            self.say(line)
        if event.type == "workload.started":
            self._tasks[event.key] = self._display.add_task(
                self._board.name(event), total=None, phase="", amount=""
            )
        elif event.type in ("workload.done", "workload.failed") and event.key in self._tasks:
            self._display.remove_task(self._tasks.pop(event.key))
        elif workload := self._board.workload(event):
            self._update(self._board.owner(event), workload, event)
        done, total, _speed = self._board.copied
        steps = len(self._board.finished), self._board.steps
        done, total = (done, total) if total else steps
        self._display.update(self._run, completed=done, total=total or None, amount=self._board.overall())

    def say(self, text: str) -> None:
        """A line of somebody else's, above the display."""
        self._display.console.print(text, markup=False, highlight=False)

    def leave(self) -> None:
        """Show the cursor, which the display hides; a stream must not be written by a signal handler."""
        os.write(self._stream.fileno(), b"\x1b[?25h\n")

    def _update(self, key: str, workload: Workload, event: Event) -> None:
        if event.type == "step.started":
            workload.phase = DOING.get(str(event.data.get("action")), str(event.data.get("action")))
        done, total, speed = workload.at_work
        text = amount(done, total, speed) if total else ""
        if key in self._tasks:
            self._display.update(
                self._tasks[key], completed=done, total=total or None, phase=workload.phase, amount=text
            )


def _display(stream: TextIO) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[phase]}", style="cyan", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=stream, stderr=True),
        transient=True,
    )


def watch(app: "App") -> PlainProgress | LiveProgress:
    """The progress that suits where it is shown."""
    # With --quiet nothing is shown, and log lines of --verbose would tear the display.
    if app.stderr.isatty() and app.options.verbose_level == app.DEFAULT_VERBOSE_LEVEL:
        return LiveProgress(app.stderr)
    return PlainProgress(app.say)
