"""The TaskFlow atoms: a step of a plan, ready to be put into a flow. One class per way of failing."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
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


def begin_servers(run: Run, servers: tuple[Step, ...], volumes: Mapping[Step, str]) -> Begin:
    """Carry the snapshots of their volumes while they still run, then stop the servers at the source.

    :param volumes: → key of the server that they are told of with.
    """

    def begin() -> None:
        for step in servers:
            _ask_first(run, step)
        cutover.drop_outdated(run, servers, volumes)
        for volume, server in volumes.items():
            keep_snapshots(run, volume, server)
        for step in servers:
            cutover.stop(run, step)

    def undo() -> None:
        run.ports.clock.shielded(lambda: _undo(run, servers, volumes))

    return Begin(f"stop {servers[0].key}", begin, undo)


def _ask_first(run: Run, step: Step) -> None:
    """What operators want to be asked comes first: nothing has been touched until then."""
    row = run.row(step.key)
    if row is None or "status" not in row.data:
        around.look_before(run, step)
        around.before(run, "before_stop", step)


def _undo(run: Run, servers: tuple[Step, ...], volumes: Iterable[Step]) -> None:
    with ExitStack() as told:
        for step in servers:
            told.enter_context(run.say(step, "undo"))
        for step in servers:
            cutover.release_addresses(run, step)
        cutover.undo_workload(run, [s.key for s in servers], [v.key for v in volumes])


def begin_volume(run: Run, step: Step) -> Begin:
    """Move a detached volume."""

    def undo() -> None:
        run.ports.clock.shielded(lambda: disks.undo_volume(run, step.key))

    return Begin(f"move {step.key}", lambda: disks.move_volume(run, step, step.key), undo)
