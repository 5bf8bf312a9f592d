"""The cutover of one workload: a server with its volumes, or a detached volume."""

from dataclasses import dataclass

from taskflow.patterns import linear_flow, unordered_flow

from pumphouse.model import Action, Step
from pumphouse.tasks import around, cutover, disks
from pumphouse.tasks.atoms import Act, begin_server, begin_volume
from pumphouse.tasks.run import Run


@dataclass(frozen=True)
class Workload:
    """What is cut over together.

    :param step: the server, or the detached volume.
    :param volumes: those of the server.
    """

    step: Step
    volumes: tuple[Step, ...] = ()


def workloads(run: Run) -> list[Workload]:
    """The workloads of a plan, in plan order."""
    moving = [s for s in run.plan.steps if s.action is Action.MOVE]
    found: list[Workload] = []
    attached: set[str] = set()
    for step in moving:
        if step.kind == "server":
            keys = {f"volume:{v['volume_id']}" for v in run.item(step.key).fields["volumes"]}
            attached |= keys
            found.append(Workload(step, tuple(s for s in moving if s.key in keys)))
    return [Workload(s) for s in moving if s.kind == "volume" and s.key not in attached] + found


def cut_over(run: Run, workload: Workload) -> linear_flow.Flow:
    """Stop, copy all disks at once, create, settle, look after it, prove, clean up."""
    step = workload.step
    flow = linear_flow.Flow(f"workload {step.key}")
    if step.kind == "volume":
        return flow.add(
            begin_volume(run, step),
            Act(f"prove {step.key}", lambda: disks.prove_volume(run, step, step.key)),
        )
    return flow.add(
        begin_server(run, step, workload.volumes),
        unordered_flow.Flow(f"disks {step.key}").add(
            Act(f"root {step.key}", lambda: cutover.move_root(run, step)),
            *(_move(run, v, step.key) for v in workload.volumes),
        ),
        Act(f"create {step.key}", lambda: cutover.create_server(run, step)),
        Act(f"settle {step.key}", lambda: cutover.settle(run, step)),
        Act(f"health {step.key}", lambda: around.look_after(run, step)),
        Act(f"after start {step.key}", lambda: around.after(run, "after_start", step)),
        unordered_flow.Flow(f"proofs {step.key}").add(
            Act(f"prove root {step.key}", lambda: _prove_root(run, step)),
            *(_prove(run, v, step.key) for v in workload.volumes),
        ),
        Act(f"close {step.key}", lambda: cutover.close(run, step)),
    )


def _move(run: Run, volume: Step, workload: str) -> Act:
    return Act(f"move {volume.key}", lambda: disks.move_volume(run, volume, workload))


def _prove(run: Run, volume: Step, workload: str) -> Act:
    return Act(f"prove {volume.key}", lambda: disks.prove_volume(run, volume, workload))


def _prove_root(run: Run, step: Step) -> None:
    key = cutover.root_key(run.item(step.key))
    disks.prove_image(run, key, f"{step.name} root disk", step.key)
