"""The TaskFlow atoms: a step of a plan, ready to be put into a flow. One class per way of failing."""

from collections.abc import Callable
from typing import Any

from taskflow import task

from pumphouse.errors import Interrupted, PumphouseError
from pumphouse.model import Outcome, Result, Step
from pumphouse.tasks import around, cutover, disks
from pumphouse.tasks.ensure import ensure
from pumphouse.tasks.run import Run
from pumphouse.tasks.snapshots import keep_snapshots


class Prepare(task.Task):  # type: ignore[misc]
    """Ensures one resource. A failure is its result: what needs it is skipped, everything else goes on."""

    def __init__(self, run: Run, step: Step, before: tuple[str, ...]) -> None:
        super().__init__(name=step.key, provides=step.key, requires=before)
        self._run = run
        self._step = step

    def execute(self, **before: dict[str, Any]) -> dict[str, Any]:
        """The outcome, as plain data."""
        failed = [key for key, outcome in before.items() if outcome["result"] != Result.OK]
        missing = [key for key in failed if key in self._step.needs]
        if missing:
            error = f"needs {missing[0].replace(':', ' ', 1)}, which failed"
            self._run.ports.publish("step.skipped", self._step.key, action="ensure", reason=error)
            return _outcome(self._step, Result.SKIPPED, error=error)
        try:
            self._run.ports.clock.check()
            identifier = ensure(self._run, self._step)
        except Interrupted:
            raise
        except PumphouseError as error:
            return _outcome(self._step, Result.FAIL, error=error.message)
        return _outcome(self._step, Result.OK, identifier)


def _outcome(step: Step, result: Result, identifier: str | None = None, error: str = "") -> dict[str, Any]:
    return {"key": step.key, "result": result.value, "destination_id": identifier, "error": error}


def read_outcome(data: dict[str, Any]) -> Outcome:
    """The outcome that an atom returned as plain data."""
    return Outcome(data["key"], Result(data["result"]), data["destination_id"], data["error"])


class Act(task.Task):  # type: ignore[misc]
    """One action of a cutover. A failure fails the workload."""

    def __init__(self, name: str, action: Callable[[], None]) -> None:
        super().__init__(name=name)
        self._action = action

    def execute(self) -> None:
        """Carry out the action."""
        self._action()


class Begin(Act):
    """The first action of a cutover; reverted last, it undoes the whole workload.

    All of it here, and not a part in every atom, because the order matters: the destination must be down
    before the source comes up.
    """

    def __init__(self, name: str, action: Callable[[], None], undo: Callable[[], None]) -> None:
        super().__init__(name, action)
        self._undo = undo

    def revert(self, **_: Any) -> None:
        """Undo the workload."""
        self._undo()


def begin_server(run: Run, step: Step, volumes: tuple[Step, ...]) -> Begin:
    """Carry the snapshots of its volumes while it still runs, then stop the server at the source."""

    def begin() -> None:
        _ask_first(run, step)
        for volume in volumes:
            keep_snapshots(run, volume, step.key)
        cutover.stop(run, step)

    def undo() -> None:
        run.ports.clock.shielded(lambda: _undo(run, step, volumes))

    return Begin(f"stop {step.key}", begin, undo)


def _ask_first(run: Run, step: Step) -> None:
    """What operators want to be asked comes first: nothing has been touched until then."""
    row = run.row(step.key)
    if row is None or "status" not in row.data:
        around.look_before(run, step)
        around.before(run, "before_stop", step)


def _undo(run: Run, step: Step, volumes: tuple[Step, ...]) -> None:
    with run.say(step, "undo"):
        cutover.release_addresses(run, step)
        cutover.undo_workload(run, step.key, tuple(v.key for v in volumes))


def begin_volume(run: Run, step: Step) -> Begin:
    """Move a detached volume."""

    def undo() -> None:
        run.ports.clock.shielded(lambda: disks.undo_volume(run, step.key))

    return Begin(f"move {step.key}", lambda: disks.move_volume(run, step, step.key), undo)
