"""The only runner of flows: batches of preparation one after the other, workloads side by side."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import taskflow.engines
from taskflow import exceptions
from taskflow.types import failure

from pumphouse.errors import Interrupted, PumphouseError
from pumphouse.flows.prepare import late_steps, prepare, prepare_steps
from pumphouse.flows.workload import Workload, cut_over, workloads
from pumphouse.model import Outcome, Result, Step
from pumphouse.plan.select import answers_for
from pumphouse.tasks.atoms import read_outcome
from pumphouse.tasks.ensure import activate
from pumphouse.tasks.run import Run

LOG = logging.getLogger(__name__)
PREPARERS = 6  # resources prepared at once
DISKS = 4  # disks of one workload copied at once; the transfer has its own cap over all


def run_prepare(run: Run) -> list[Outcome]:
    """Prepare; failures are outcomes.

    :raises Interrupted: when a stop was asked for.
    """
    return _prepare(run, prepare_steps(run))


def run_late(run: Run, failed: frozenset[str]) -> list[Outcome]:
    """Prepare what had to wait for something that moved; without what needs something that failed.

    :raises Interrupted: when a stop was asked for.
    """
    steps, outcomes, lacking = [], [], set(failed)
    for step in late_steps(run):
        missing = next((need for need in step.needs if need in lacking), "")
        if missing:
            lacking.add(step.key)
            error = f"needs {missing.replace(':', ' ', 1)}, which failed"
            run.ports.publish("step.skipped", step.key, action="ensure", reason=error)
            outcomes.append(Outcome(step.key, Result.SKIPPED, error=error))
        else:
            steps.append(step)
    return outcomes + _prepare(run, steps)


def _prepare(run: Run, steps: list[Step]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for flow in prepare(run, steps):
        results = _run(flow, PREPARERS)
        outcomes += [read_outcome(data) for data in results.values()]
    return outcomes


def run_cutover(run: Run, failed: frozenset[str]) -> list[Outcome]:
    """Cut over every workload that does not need something that failed; one failure hinders no other.

    :raises Interrupted: when a stop was asked for; what was under way has been undone.
    """
    _activate(run, "router")
    moving = workloads(run)
    with ThreadPoolExecutor(run.policy.concurrency, thread_name_prefix="workload") as pool:
        done = pool.map(lambda w: _workload(run, w, failed), moving)
        outcomes = [outcome for group in done for outcome in group]
    run.ports.clock.check()
    _activate(run, "floating_ip")
    return outcomes


def _activate(run: Run, kind: str) -> None:
    """What was held; an address of servers goes with the first of them that arrives."""
    for step in run.plan.steps:
        if step.kind != kind:
            continue
        servers = _servers(run, step) if kind == "floating_ip" else ()
        rows = [run.row(key) for key in servers]
        if not servers or any(row and row.state == "done" for row in rows):
            activate(run, step)


def _servers(run: Run, address: Step) -> set[str]:
    """Keys of the servers behind a floating IP."""
    ports = [run.source.get("port", port) for port in answers_for(run.item(address.key))]
    owners = {f"server:{port.observed['device_id']}" for port in ports if port}
    return {key for key in owners if run.source.by_key(key)}


def _workload(run: Run, workload: Workload, failed: frozenset[str]) -> list[Outcome]:
    """Cut over one workload; how it ended are the outcomes, whatever happened."""
    missing = [need for s in (*workload.steps, *workload.volumes) for need in s.needs if need in failed]
    if missing:
        error = f"needs {missing[0].replace(':', ' ', 1)}, which failed"
        _tell(run, workload, "step.skipped", action="cutover", reason=error)
        return [Outcome(step.key, Result.SKIPPED, error=error) for step in workload.steps]
    started = run.ports.clock.now()
    try:
        run.ports.clock.check()
        _tell(run, workload, "workload.started")
        _run(cut_over(run, workload), DISKS)
    except Interrupted as error:
        return [Outcome(step.key, Result.SKIPPED, error=error.message) for step in workload.steps]
    except PumphouseError as error:
        return _failed(run, workload, error.message)
    except Exception as error:
        # A bug must not take the other workloads with it.
        LOG.exception("%s", workload.steps[0].key)
        return _failed(run, workload, f"unexpected {type(error).__name__}; please report it with the log")
    _tell(run, workload, "workload.done", seconds=round(run.ports.clock.now() - started, 3))
    rows = [(step, run.row(step.key)) for step in workload.steps]
    return [Outcome(step.key, Result.OK, row.destination_id if row else None) for step, row in rows]


def _failed(run: Run, workload: Workload, words: str) -> list[Outcome]:
    _tell(run, workload, "workload.failed", error=words)
    for step in workload.steps:
        LOG.error("%s: %s", step.key, words)
    return [Outcome(step.key, Result.FAIL, error=words) for step in workload.steps]


def _tell(run: Run, workload: Workload, type_: str, **data: Any) -> None:
    for step in workload.steps:
        run.ports.publish(type_, step.key, name=step.name, **data)


def _run(flow: Any, workers: int) -> dict[str, Any]:
    """Run a flow to its end.

    :return: results by atom.
    :raises PumphouseError: the first failure of an atom, after everything was reverted.
    """
    # Not TaskFlow's own executor: its idle workers look up once a second, which every flow then waits for.
    with ThreadPoolExecutor(workers, thread_name_prefix="atom") as pool:
        engine = taskflow.engines.load(flow, engine="parallel", executor=pool)
        try:
            engine.run()
        except exceptions.WrappedFailure as wrapped:
            causes = [cause.exception for cause in wrapped if isinstance(cause, failure.Failure)]
            raise _worst(causes) from None
        return dict(engine.storage.fetch_all())


def _worst(causes: list[BaseException | None]) -> BaseException:
    """A bug before a failure of a cloud, and that before a stop."""
    known = [c for c in causes if c is not None]
    bugs = [c for c in known if not isinstance(c, PumphouseError)]
    real = [c for c in known if not isinstance(c, Interrupted)]
    return (bugs or real or known)[0]
