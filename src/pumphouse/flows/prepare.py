"""Everything that needs no downtime, in the order that its needs ask for."""

from collections.abc import Iterator

from taskflow.patterns import graph_flow

from pumphouse.kinds import KINDS
from pumphouse.model import Action, Step
from pumphouse.tasks.atoms import Prepare
from pumphouse.tasks.run import Run

BATCH = 500  # atoms per flow: TaskFlow's engine slows down with the square of their number


def prepare_steps(run: Run) -> list[Step]:
    """The steps of the plan that are prepared, in plan order."""
    return [
        s for s in run.plan.steps if s.action in (Action.CREATE, Action.UPDATE) and not KINDS[s.kind].moves
    ]


def prepare(run: Run) -> Iterator[graph_flow.Flow]:
    """One flow per batch, to be run one after the other.

    Within a flow order follows from names needed and given; across flows from the order of the plan, in
    which needs come first.
    """
    steps = prepare_steps(run)
    for start in range(0, len(steps), BATCH):
        batch = steps[start : start + BATCH]
        names = {s.key for s in batch}
        atoms = [Prepare(run, s, tuple(n for n in (*s.needs, *s.after) if n in names)) for s in batch]
        yield graph_flow.Flow(f"prepare-{start // BATCH + 1}").add(*atoms)
