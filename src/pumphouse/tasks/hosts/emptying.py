"""A host of a cloud is emptied: nothing new comes, what is there goes to other hosts."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from pumphouse.errors import CloudError, NotMoved, PumphouseError, Refused
from pumphouse.model import EvacuationPlan, PowerState, Unmoved, Wishes
from pumphouse.plan.evacuation import plan_evacuation
from pumphouse.tasks.hosts.emptiness import inhabited
from pumphouse.tasks.hosts.moving import Moving
from pumphouse.tasks.hosts.occupancy import occupancy
from pumphouse.tasks.hosts.services import (
    Body,
    compute_service,
    hypervisor,
    release_evacuated,
    set_status,
)
from pumphouse.tasks.hosts.work import Work

MARK = "pumphouse: "  # begins the reason of a host that we disabled; only such a one is enabled again
SETTLING = 60.0  # seconds Nova gets to give back what moved servers had on the host
AGAIN = "Run the same command again."
TOLD = 3  # servers whose reason is told, the rest is counted


def evacuation_plan(work: Work, wishes: Wishes) -> EvacuationPlan:
    """Who goes where, as things are now.

    :raises Refused: when the source has no such host.
    """
    found = occupancy(work.source)
    if all(work.host.name != each.name for each in found.hosts):
        raise Refused(f"host {work.host.name!r} is not in the source", "'pumphouse host list' lists them.")
    return plan_evacuation(
        found,
        work.host.name,
        leaving=wishes.leaving,
        ours=work.data.get("moves", {}),
        keep_off=wishes.keep_off,
        rebuild=wishes.rebuild,
    )


def refuse_what_stays(plan: EvacuationPlan) -> None:
    """All of it goes, or nothing is begun.

    :raises Refused: when a server cannot leave; says why.
    """
    if plan.unmoved:
        raise Refused(f"host {plan.host!r} cannot be emptied: {_told(plan.unmoved)}", _remedies(plan.unmoved))


def disable(work: Work) -> None:
    """Keep new servers off the host; what was disabled before keeps its reason."""
    found = hypervisor(work.source, work.host.name)
    if found is None:
        raise Refused(
            f"host {work.host.name!r} is not in the source any more", "See 'pumphouse host status'."
        )
    work.note(service=found.host)
    service = compute_service(work.source, found.host)
    if service and service["status"] != "disabled":
        set_status(work.source, service, "disabled", f"{MARK}{_wishes(work).reason or 'being emptied'}")


def fence(work: Work) -> None:
    """Switch a dead host off, and see that it is off: else its servers could run twice.

    :raises Refused: when that cannot be proven.
    """
    refuse_unless_fenceable(work)
    work.power.switch(PowerState.OFF, work.policy.timeouts.power)
    if work.power.state() is not PowerState.OFF:
        raise Refused(f"host {work.host.name!r} is down for Nova, and its machine still has power")


def refuse_unless_fenceable(work: Work) -> None:
    """Ask the BMC of a dead host, without touching anything.

    :raises PumphouseError: when it gives no answer.
    """
    try:
        work.power.state()
    except PumphouseError as error:
        error.message = (
            f"host {work.host.name!r} is down, and its machine may still run its servers: {error.message}"
        )
        raise


def is_up(work: Work) -> bool:
    """Whether Nova hears of the host."""
    found = hypervisor(work.source, work.host.name)
    return found is not None and found.state == "up"


def move(work: Work) -> None:
    """Everything leaves, several at a time; what an earlier run began is finished first.

    :raises CloudError: when something stays; the others have left all the same.
    """
    moving = Moving(work, str(work.data["service"]))
    failed = _settle(work, moving)
    plan = evacuation_plan(work, _wishes(work))
    if plan.needs_fencing and work.power.state() is not PowerState.OFF:  # it died since it was looked at
        raise Refused(f"host {work.host.name!r} is down, and its machine has power", AGAIN)
    moves = [each for each in plan.moves if each.server.id not in moving.given_up]
    with ThreadPoolExecutor(work.policy.migrations, thread_name_prefix="evacuate") as pool:
        jobs = [pool.submit(moving.join, server.id, server.name) for server in plan.travelling]
        jobs += [pool.submit(moving.move, each) for each in moves]
        for done, job in enumerate(jobs, start=1):
            try:
                job.result()
            except CloudError as error:
                failed.append(error)
            work.tell(100 * done // len(jobs), f"{done} of {len(jobs)} servers")
    if failed or plan.unmoved:
        stay = [_told(plan.unmoved)] if plan.unmoved else []
        raise CloudError(
            "; ".join([*(error.message for error in failed), *stay]),
            " ".join(filter(None, [*(error.remedy for error in failed[:TOLD]), _remedies(plan.unmoved)])),
        )


def _settle(work: Work, moving: Moving) -> list[CloudError]:
    """Wait for what an earlier run ordered; what failed of it is ordered anew, and so no failure."""
    failed: list[CloudError] = []
    with ThreadPoolExecutor(work.policy.migrations, thread_name_prefix="settle") as pool:
        jobs = [pool.submit(moving.finish, *pair) for pair in moving.ordered.items()]
        for job in jobs:
            try:
                job.result()
            except CloudError as error:
                if not isinstance(error, NotMoved):
                    failed.append(error)
    return failed


def settle(work: Work) -> None:
    """Wait for what an earlier run ordered; nothing more leaves."""
    found = hypervisor(work.source, work.host.name)
    if found and (failed := _settle(work, Moving(work, found.host))):
        raise failed[0]


def prove(work: Work) -> None:
    """See that no server is left but originals that wait for commit, nor anything that a move left behind.

    :raises Refused: when there is; lists what.
    """
    name, host, gone = work.host.name, str(work.data["service"]), _wishes(work).leaving
    if not is_up(work):
        release_evacuated(work.source, name, host)
    if work.until(SETTLING, lambda: None if list(inhabited(work.source, name, host, gone)) else True):
        return
    raise Refused(f"host {name!r} is not empty: {'; '.join(inhabited(work.source, name, host, gone))}", AGAIN)


def enable(work: Work) -> None:
    """Let servers onto the host again, when it was us who kept them off.

    :raises Refused: when somebody else did.
    """
    service = refuse_unless_ours(work)
    if service["status"] != "enabled":
        set_status(work.source, service, "enabled")


def refuse_unless_ours(work: Work) -> Body:
    """Only what we disabled is enabled again.

    :return: the compute service of the host.
    :raises Refused: when it was disabled for a reason that is not ours.
    """
    found = hypervisor(work.source, work.host.name)
    service = compute_service(work.source, found.host) if found else None
    if service is None:
        raise Refused(f"host {work.host.name!r} is not in the source", "'pumphouse host list' lists them.")
    reason = service.get("disabled_reason") or ""
    if service["status"] != "enabled" and not reason.startswith(MARK):
        raise Refused(
            f"host {work.host.name!r} was not disabled by Pumphouse (reason: {reason or 'none given'})",
            f"If it may take servers: openstack compute service set --enable {service['host']} nova-compute",
        )
    return service


def note_wishes(work: Work, wishes: Wishes) -> None:
    """Keep them for the stages, and for a rerun; the newest hold."""
    work.note(wishes=asdict(wishes))


def _wishes(work: Work) -> Wishes:
    kept: dict[str, Any] = {**asdict(Wishes()), **work.data.get("wishes", {})}
    return Wishes(kept["reason"], tuple(kept["leaving"]), tuple(kept["keep_off"]), kept["rebuild"])


def _told(unmoved: Iterable[Unmoved]) -> str:
    found = [f"server {each.server.name!r} {each.reason}" for each in unmoved]
    more = f"; and {len(found) - TOLD} more servers" if len(found) > TOLD else ""
    return "; ".join(found[:TOLD]) + more


def _remedies(unmoved: Iterable[Unmoved]) -> str:
    return " ".join(list(dict.fromkeys(each.remedy for each in unmoved if each.remedy))[:TOLD])
