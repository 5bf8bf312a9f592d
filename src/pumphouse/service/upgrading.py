"""One host changes clouds: upgrade, acquire, and the way back as long as nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass

from pumphouse.errors import Refused, UsageError
from pumphouse.hosts import Host
from pumphouse.model import EvacuationPlan, HostRecord, NodeState, Result
from pumphouse.service import evacuating
from pumphouse.service.host_work import finish, untold, work_on
from pumphouse.service.hosts import machines
from pumphouse.service.operating import operating
from pumphouse.service.session import Session
from pumphouse.tasks.hosts import installing, operations, smoke
from pumphouse.tasks.hosts.emptiness import names, refuse_unless_empty
from pumphouse.tasks.hosts.services import hypervisor
from pumphouse.tasks.hosts.work import Stage, Work

STAGES: dict[str, Callable[[Work], tuple[Stage, ...]]] = {
    "upgrade": operations.upgrade,
    "acquire": operations.acquire,
    "withdraw": operations.withdraw,
}
EMPTYING = ("disable", "fence", "move", "proof", "empty")  # stages in which the machine is still the source's
WRITTEN = (NodeState.DEPLOYING, NodeState.DEPLOYED, NodeState.FAILED)


@dataclass(frozen=True)
class HostPlan:
    """What an operation does with a host, stage by stage.

    :param done: where it is already, when there is nothing to do.
    :param evacuation: who goes where first, when the host is emptied.
    """

    operation: str
    host: str
    stages: tuple[Stage, ...]
    done: str = ""
    evacuation: EvacuationPlan | None = None


def plan(session: Session, operation: str, name: str, *, evacuate: bool = False) -> HostPlan:
    """What would be done with a host; nothing is touched.

    :param operation: ``upgrade``, ``acquire`` or ``withdraw``.
    :param evacuate: whether it is emptied first; else it has to be empty.
    :raises UsageError: when nobody knows the host.
    :raises Refused: when it must not be done.
    """
    record = session.adapters.hosts.find(name)
    if record and (record.operation, record.state) == (operation, "done"):
        return HostPlan(operation, name, (), str(record.data.get("host", "")) or operation)
    work = work_on(session, _machine(session, name), untold)
    if operation == "withdraw":
        _refuse_written(work, record)
        return HostPlan(operation, name, STAGES[operation](work))
    beyond = record and _goes_on(record, operation) and record.stage not in EMPTYING
    emptying = (
        evacuate and not beyond
    )  # the machine may have been started: it is no dead host to be switched off
    _refuse(session, work, operation, _goes_on(record, operation), emptying)
    if not emptying:
        return HostPlan(operation, name, STAGES[operation](work))
    evacuation = _emptied(session, name)
    first = (*operations.kept_off(work, evacuation), *operations.emptied(work))
    return HostPlan(operation, name, (*first, *STAGES[operation](work)), evacuation=evacuation)


def _emptied(session: Session, name: str) -> EvacuationPlan:
    """Who leaves the host; with nothing left to be committed, for then it would not be empty."""
    found = evacuating.plan(session, name)
    evacuating.refuse(found)
    if found.leaving:
        raise Refused(
            f"host {name!r} has originals of servers that have moved, {names([s.name for s in found.leaving])}",
            "They go with 'pumphouse commit'.",
        )
    return found


def carry_out(session: Session, operation: str, name: str, *, evacuate: bool = False) -> HostRecord:
    """Do it, or go on with it; the caller has a run open (:meth:`Session.working`).

    :param evacuate: as for :func:`plan`.
    :raises PumphouseError: when a stage fails; the record of the host says which.
    """
    a = session.adapters
    a.locks.take({f"host:{name}": f"host {name!r}"})
    planned, record = plan(session, operation, name, evacuate=evacuate), a.hosts.find(name)
    if not planned.stages and record:
        return record
    if planned.evacuation:
        evacuating.claim(session, planned.evacuation)
    with operating(session, operation, name) as publish:
        facts = dict(record.data) if record and operation == "withdraw" else evacuating.kept(record)
        a.hosts.begin(name, operation, **facts)
        work = work_on(session, _machine(session, name), publish)
        return finish(work, operation, planned.stages)


def _machine(session: Session, name: str) -> Host:
    known = {host.name: host for host in machines(session).hosts}
    if name in known:
        return known[name]
    a = session.adapters
    if any(hypervisor(cloud, name) for cloud in (a.source, a.destination)):
        raise Refused(
            f"host {name!r} is not in inventory.yaml, so nobody knows its machine",
            "Add it there, with its MAC addresses and its BMC.",
        )
    raise UsageError(f"no host named {name!r} in either cloud", "'pumphouse host list' lists them.")


def _goes_on(record: HostRecord | None, operation: str) -> bool:
    return record is not None and record.operation == operation and "service" in record.data


def _refuse(session: Session, work: Work, operation: str, goes_on: bool, emptying: bool) -> None:
    """Whatever speaks against it is told before anything is touched.

    :param goes_on: whether an earlier run has begun with the host.
    :param emptying: whether it gets empty and disabled first.
    """
    name, found = work.host.name, hypervisor(work.source, work.host.name)
    if found is None and not goes_on:
        if hypervisor(work.destination, name):
            raise Refused(f"host {name!r} is a host of the destination already")
        raise Refused(
            f"host {name!r} is in neither cloud", "Only hosts of the source can be upgraded or acquired."
        )
    _refuse_without_macs(work.host)
    if found and not emptying:
        installing.refuse_unless_disabled(work, found.host)
        refuse_unless_empty(work.source, name, found.host)
    if operation == "upgrade":
        refuse_unless_installable(work)
    refuse_unless_reachable(work)


def refuse_unless_installable(work: Work) -> None:
    """The destination must have what makes the machine one of its hosts: MAC addresses, engine, smoke test.

    :raises Refused: when something is missing; says what.
    """
    _refuse_without_macs(work.host)
    _refuse_without_engine(work)
    if work.policy.smoke_test:
        smoke.ingredients(work.destination, work.policy.smoke_test)


def refuse_unless_reachable(work: Work) -> None:
    """The machine must answer, and its network, as far as they are needed."""
    if work.engine is None or work.engine.boots:
        work.power.state()  # raises when the BMC gives no answer
    if work.network:
        work.network.check(work.host)


def _refuse_without_macs(host: Host) -> None:
    if not host.macs:
        raise Refused(
            f"inventory.yaml gives host {host.name!r} no MAC addresses; engines recognise a machine by them",
            "Add 'macs'.",
        )


def _refuse_without_engine(work: Work) -> None:
    if work.engine is None:
        raise Refused(
            "the destination has no deployment engine: nothing could install the host",
            "Name one in config.yaml: destination.deployment; see docs/configuration.md.",
        )
    for line in work.engine.check():
        if line.result is Result.FAIL:
            raise Refused(f"{work.engine.name}: {line.check}: {line.detail}", line.remedy)
    node = work.node()
    if node and node.state is NodeState.ELSEWHERE and not installing.managed(work):
        raise Refused(
            f"host {work.host.name!r} is in another environment of {work.engine.name}: {node.message or node.name}",
            "Take it out of there first.",
        )


def _refuse_written(work: Work, record: HostRecord | None) -> None:
    """Only what was begun, and has not been written to, can be given back."""
    name = work.host.name
    if (
        record is None
        or record.operation not in ("upgrade", "acquire", "withdraw")
        or "service" not in record.data
    ):
        raise Refused(
            f"nothing was begun with host {name!r} that could be undone", "See 'pumphouse host status'."
        )
    node = work.node()
    written = "host" in record.data or installing.let_go(work) or (node and node.state in WRITTEN)
    if written:
        raise Refused(
            f"host {name!r} has been written to: the source's system on it is gone",
            "'pumphouse host upgrade' goes on with it.",
        )
