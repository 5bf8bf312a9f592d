"""The cutover of one workload: a server with its volumes, servers that share some, or a detached volume."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from taskflow.patterns import linear_flow, unordered_flow

from pumphouse.model import Action, Step
from pumphouse.plan.together import together, volume_keys
from pumphouse.tasks import around, cutover, disks, roots
from pumphouse.tasks.atoms import Act, begin_servers, begin_volume
from pumphouse.tasks.run import Run


@dataclass(frozen=True)
class Workload:
    """What is cut over together.

    :param steps: the server, and those that it shares volumes with; or the detached volume.
    :param volumes: those of the servers → key of the server that they are told of with.
    """

    steps: tuple[Step, ...]
    volumes: Mapping[Step, str] = field(default_factory=dict)


def workloads(run: Run) -> list[Workload]:
    """The workloads of a plan, in plan order."""
    moving = {s.key: s for s in run.plan.steps if s.action is Action.MOVE}
    servers = [run.item(step.key) for step in moving.values() if step.kind == "server"]
    found: list[Workload] = []
    attached: set[str] = set()
    for group in together(servers):
        keys = {key: server.key for server in reversed(group) for key in volume_keys(server)}
        attached |= keys.keys()
        volumes = {moving[key]: server for key, server in keys.items() if key in moving}
        found.append(Workload(tuple(moving[server.key] for server in group), volumes))
    alone = (s for s in moving.values() if s.kind == "volume" and s.key not in attached)
    return [Workload((s,)) for s in alone] + found


def cut_over(run: Run, workload: Workload) -> linear_flow.Flow:
    """Stop, copy all disks at once, create, settle, look after them, prove, close."""
    first = workload.steps[0]
    flow = linear_flow.Flow(f"workload {first.key}")
    if first.kind == "volume":
        return flow.add(
            begin_volume(run, first),
            _prove(run, first, first.key),
            Act(f"close {first.key}", lambda: cutover.close(run, (), (first,))),
        )
    servers, volumes = workload.steps, workload.volumes
    return flow.add(
        begin_servers(run, servers, volumes),
        unordered_flow.Flow(f"disks {first.key}").add(
            *_each("root", run, servers, roots.move_root),
            *(_move(run, volume, server) for volume, server in volumes.items()),
        ),
        *_each("create", run, servers, cutover.create_server),
        *_each("settle", run, servers, cutover.settle),
        *_each("health", run, servers, around.look_after),
        *_each("after start", run, servers, lambda run, step: around.after(run, "after_start", step)),
        unordered_flow.Flow(f"proofs {first.key}").add(
            *_each("prove root", run, servers, _prove_root),
            *(_prove(run, volume, server) for volume, server in volumes.items()),
        ),
        Act(f"close {first.key}", lambda: cutover.close(run, servers, tuple(volumes))),
    )


def _each(name: str, run: Run, servers: tuple[Step, ...], action: Callable[[Run, Step], None]) -> list[Act]:
    """The same action for every server, to be carried out in their order."""
    return [Act(f"{name} {step.key}", partial(action, run, step)) for step in servers]


def _move(run: Run, volume: Step, workload: str) -> Act:
    return Act(f"move {volume.key}", lambda: disks.move_volume(run, volume, workload))


def _prove(run: Run, volume: Step, workload: str) -> Act:
    return Act(f"prove {volume.key}", lambda: disks.prove_volume(run, volume, workload))


def _prove_root(run: Run, step: Step) -> None:
    key = roots.root_key(run.item(step.key))
    disks.prove_image(run, key, f"{step.name} root disk", step.key)
