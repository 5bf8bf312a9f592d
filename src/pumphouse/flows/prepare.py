"""Everything that needs no downtime, in the order that its needs ask for; before the cutover or after it."""

from collections.abc import Iterator

from taskflow.patterns import graph_flow

from pumphouse.kinds import KINDS
from pumphouse.model import Action, Step
from pumphouse.tasks.atoms import Prepare
from pumphouse.tasks.run import Run

BATCH = 500  # atoms per flow: TaskFlow's engine slows down with the square of their number


def prepare_steps(run: Run) -> list[Step]:
    """The steps of the plan that are prepared, in plan order."""
    late = {step.key for step in late_steps(run)}
    return [step for step in _steps(run) if step.key not in late]


def late_steps(run: Run) -> list[Step]:
    """The steps that speak of something which moves: they are made when that has arrived, in plan order."""
    late = {step.key for step in run.plan.steps if step.action is Action.MOVE}
    found = []
    for step in _steps(run):
        if late.intersection((*step.needs, *step.after)):
            late.add(step.key)
            found.append(step)
    return found


def _steps(run: Run) -> list[Step]:
    actions = (Action.CREATE, Action.UPDATE, Action.REMOVE)
    return [s for s in run.plan.steps if s.action in actions and not KINDS[s.kind].moves]


def prepare(run: Run, steps: list[Step]) -> Iterator[graph_flow.Flow]:
    """One flow per batch, to be run one after the other.

    Within a flow order follows from names needed and given; across flows from the order of the plan, in
    which needs come first.
    """
    for start in range(0, len(steps), BATCH):
        batch = steps[start : start + BATCH]
        names = {s.key for s in batch}
        atoms = [Prepare(run, s, tuple(n for n in (*s.needs, *s.after) if n in names)) for s in batch]
        yield graph_flow.Flow(f"prepare-{start // BATCH + 1}").add(*atoms)
