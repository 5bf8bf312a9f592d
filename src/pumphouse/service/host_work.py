"""A host, everything that works on it, and the way through its stages."""

from collections.abc import Sequence
from typing import Any

from pumphouse.errors import Refused
from pumphouse.hosts import Host
from pumphouse.machines import Power
from pumphouse.model import BootDevice, HostRecord, PowerState
from pumphouse.ports import Publish
from pumphouse.service.hosts import machines
from pumphouse.service.session import Session
from pumphouse.tasks.hosts.work import Stage, Work, run
from pumphouse.tasks.temporaries import Temporaries


def untold(type: str, key: str = "", **data: Any) -> None:
    """Planning happens to nobody."""


def finish(work: Work, operation: str, stages: Sequence[Stage]) -> HostRecord:
    """Take a host through the stages of an operation that has begun, and note that it is done."""
    run(work, stages)
    name = work.host.name
    done = work.ledger.stage(name, "done", "done")
    work.publish("host.done", f"host:{name}", host=name, operation=operation, to=done.data.get("host", ""))
    return done


def work_on(session: Session, host: Host, publish: Publish, power: Power | None = None) -> Work:
    """A machine, and everything that is needed to move it.

    :param power: instead of its own BMC.
    """
    a, policy = session.adapters, session.config.hosts
    clouds = {cloud.role: cloud for cloud in (a.source, a.destination)}
    return Work(
        host,
        a.source,
        a.destination,
        power or a.power(host),
        a.provisioner("destination"),
        a.provisioner("source"),
        a.network(),
        a.hosts,
        Temporaries(clouds, a.ledger, a.locks, a.clock, policy.timeouts.smoke_test),
        a.clock,
        policy,
        publish,
    )


def work_on_hypervisor(session: Session, name: str, publish: Publish) -> Work:
    """A host whose machine need not be known, as long as nobody has to switch it."""
    known = next((host for host in machines(session).hosts if host.name == name), None)
    if known:
        return work_on(session, known, publish)
    bare: dict[str, Any] = {"name": name, "macs": ()}
    return work_on(session, Host.model_construct(None, **bare), publish, UnknownPower(name))


class UnknownPower(Power):
    """The BMC of a host that is not in inventory.yaml."""

    def __init__(self, name: str) -> None:
        self._name = name

    def state(self) -> PowerState:
        """Nobody can say."""
        raise self._refusal()

    def switch(self, state: PowerState, timeout: float) -> None:
        """Nobody can."""
        raise self._refusal()

    def reset(self) -> None:
        """Nobody can."""
        raise self._refusal()

    def boot_from(self, device: BootDevice) -> None:
        """Nobody can."""
        raise self._refusal()

    def _refusal(self) -> Refused:
        return Refused(
            f"host {self._name!r} is not in inventory.yaml, so nobody can switch it off",
            "Add it there, with its BMC.",
        )
