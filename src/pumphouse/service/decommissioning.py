"""decommission: the last step; the source is proven empty, tidied up and, on order, switched off."""

from dataclasses import dataclass

from pumphouse.errors import Refused
from pumphouse.facts import SERVICES, hypervisors
from pumphouse.hosts import Host
from pumphouse.model import PowerState
from pumphouse.ports import Publish
from pumphouse.service.hosts import machines
from pumphouse.service.operating import operating
from pumphouse.service.session import Session
from pumphouse.tasks.hosts.leaving import remove
from pumphouse.tasks.hosts.remaining import remaining

DECOMMISSION = "decommission"
IN_DESTINATION = ("done", "reused", "committed")


@dataclass(frozen=True)
class Closing:
    """What is left to do.

    :param hosts: dead hosts that are removed from the source: hypervisor, and host of its compute service.
    :param controllers: machines that are switched off after that.
    """

    hosts: tuple[tuple[str, str], ...]
    controllers: tuple[Host, ...]


def plan(session: Session, *, off: bool) -> Closing:
    """What would be done; nothing is touched.

    :param off: whether the controllers are switched off.
    :raises Refused: when the source holds something; lists what.
    """
    controllers = tuple(h for h in machines(session).hosts if h.role == "controller") if off else ()
    if off and not controllers:
        raise Refused(
            "inventory.yaml names no controller of the source", "Give those that may go 'role: controller'."
        )
    records = {record.name: record for record in session.adapters.hosts.all()}
    begun = [records[h.name] for h in controllers if h.name in records]
    if any(record.operation == DECOMMISSION for record in begun):
        gone = {record.name for record in begun if (record.operation, record.state) == (DECOMMISSION, "done")}
        return Closing(
            (), tuple(h for h in controllers if h.name not in gone)
        )  # the source may be off already
    source, rows = session.adapters.source, session.adapters.ledger.rows().values()
    images = {row.source_id for row in rows if row.kind == "image" and row.state in IN_DESTINATION}
    if found := list(remaining(source, images)):
        raise Refused(
            f"the source is not empty: {'; '.join(found)}",
            "Migrate and commit what has to live, delete the rest; hosts that still run are upgraded with "
            "'pumphouse host upgrade', or switched off.",
        )
    for host in controllers:
        session.adapters.power(host).state()  # raises when the BMC gives no answer
    return Closing(_dead(session), controllers)


def _dead(session: Session) -> tuple[tuple[str, str], ...]:
    """Hosts that have left and are still known; by now none of them runs."""
    source = session.adapters.source
    called = {h.host: h.name for h in hypervisors(source, SERVICES)}
    services = source.get("compute", "/os-services", binary="nova-compute")["services"]
    return tuple((called.get(body["host"], body["host"]), body["host"]) for body in services)


def carry_out(session: Session, *, off: bool) -> Closing:
    """Do it; repeatable, also when the source is off already.

    :return: what was done.
    """
    closing, a = plan(session, off=off), session.adapters
    with operating(session, DECOMMISSION) as publish:
        for name, host in closing.hosts:
            a.locks.take({f"host:{name}": f"host {name!r}"})
            remove(a.source, name, host)
            _tell(publish, name, "leave", "done")
        for machine in closing.controllers:
            _switch_off(session, machine, publish)
    return closing


def _switch_off(session: Session, machine: Host, publish: Publish) -> None:
    a = session.adapters
    a.locks.take({f"host:{machine.name}": f"host {machine.name!r}"})
    a.hosts.begin(machine.name, DECOMMISSION)
    a.hosts.stage(machine.name, "off")
    a.power(machine).switch(PowerState.OFF, session.config.hosts.timeouts.power)
    a.hosts.stage(machine.name, "off", "done")
    _tell(publish, machine.name, "off", "done")


def _tell(publish: Publish, host: str, stage: str, state: str) -> None:
    publish("host.stage", f"host:{host}", host=host, stage=stage, state=state, percent=None, message="")
