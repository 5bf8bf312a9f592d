"""decommission: the last step; the source is proven empty and tidied up, and its controllers go, on order."""

from dataclasses import dataclass
from typing import Literal

from pumphouse.errors import Refused
from pumphouse.facts import SERVICES, hypervisors
from pumphouse.hosts import Host
from pumphouse.model import PowerState
from pumphouse.ports import Publish
from pumphouse.service.host_work import finish, untold, work_on
from pumphouse.service.hosts import machines
from pumphouse.service.operating import operating
from pumphouse.service.session import Session
from pumphouse.service.upgrading import refuse_unless_installable, refuse_unless_reachable
from pumphouse.tasks.hosts.leaving import remove
from pumphouse.tasks.hosts.operations import convert
from pumphouse.tasks.hosts.remaining import remaining

DECOMMISSION = "decommission"
IN_DESTINATION = ("done", "reused", "committed")
Fate = Literal["keep", "off", "join"]
"""What becomes of the controllers: left alone, switched off, or made compute hosts of the destination."""
OPERATIONS: dict[Fate, str] = {"off": DECOMMISSION, "join": "join"}
"""What the ledger calls it."""


@dataclass(frozen=True)
class Closing:
    """What is left to do.

    :param hosts: dead hosts that are removed from the source: hypervisor, and host of its compute service.
    :param controllers: machines that go after that.
    :param fate: where they go.
    """

    hosts: tuple[tuple[str, str], ...]
    controllers: tuple[Host, ...]
    fate: Fate = "keep"


def plan(session: Session, fate: Fate) -> Closing:
    """What would be done; nothing is touched.

    :raises Refused: when the source holds something, lists what; or when the controllers cannot go.
    """
    controllers = _controllers(session) if fate != "keep" else ()
    records = {record.name: record for record in session.adapters.hosts.all()}
    begun = [records[h.name] for h in controllers if h.name in records]
    gone = {r.name for r in begun if (r.operation, r.state) == (OPERATIONS.get(fate), "done")}
    left = tuple(h for h in controllers if h.name not in gone)
    if any(record.operation in OPERATIONS.values() for record in begun):
        return Closing((), left, fate)  # the source may not answer any more
    source, rows = session.adapters.source, session.adapters.ledger.rows().values()
    images = {row.source_id for row in rows if row.kind == "image" and row.state in IN_DESTINATION}
    if found := list(remaining(source, images)):
        raise Refused(
            f"the source is not empty: {'; '.join(found)}",
            "Migrate and commit what has to live, delete the rest; hosts that still run are upgraded with "
            "'pumphouse host upgrade', or switched off.",
        )
    for host in controllers:
        work = work_on(session, host, untold)
        if fate == "join":
            refuse_unless_installable(work)
            refuse_unless_reachable(work)
        else:
            work.power.state()  # raises when the BMC gives no answer
    return Closing(_dead(session), left, fate)


def _controllers(session: Session) -> tuple[Host, ...]:
    found = tuple(host for host in machines(session).hosts if host.role == "controller")
    if not found:
        raise Refused(
            "inventory.yaml names no controller of the source", "Give those that may go 'role: controller'."
        )
    return found


def _dead(session: Session) -> tuple[tuple[str, str], ...]:
    """Hosts that have left and are still known; by now none of them runs."""
    source = session.adapters.source
    called = {h.host: h.name for h in hypervisors(source, SERVICES)}
    services = source.get("compute", "/os-services", binary="nova-compute")["services"]
    return tuple((called.get(body["host"], body["host"]), body["host"]) for body in services)


def carry_out(session: Session, fate: Fate) -> Closing:
    """Do it; repeatable, also when the source does not answer any more.

    :return: what was done.
    """
    closing, a = plan(session, fate), session.adapters
    with operating(session, DECOMMISSION) as publish:
        for name, host in closing.hosts:
            a.locks.take({f"host:{name}": f"host {name!r}"})
            remove(a.source, name, host)
            _tell(publish, name, "leave", "done")
        for machine in closing.controllers:
            a.locks.take({f"host:{machine.name}": f"host {machine.name!r}"})
            a.hosts.begin(machine.name, OPERATIONS[fate])
            if fate == "join":
                work = work_on(session, machine, publish)
                finish(work, OPERATIONS[fate], convert(work))
            else:
                _switch_off(session, machine, publish)
    return closing


def _switch_off(session: Session, machine: Host, publish: Publish) -> None:
    a = session.adapters
    a.hosts.stage(machine.name, "off")
    a.power(machine).switch(PowerState.OFF, session.config.hosts.timeouts.power)
    a.hosts.stage(machine.name, "off", "done")
    _tell(publish, machine.name, "off", "done")


def _tell(publish: Publish, host: str, stage: str, state: str) -> None:
    publish("host.stage", f"host:{host}", host=host, stage=stage, state=state, percent=None, message="")
