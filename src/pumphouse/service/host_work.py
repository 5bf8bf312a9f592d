"""A host, and everything that works on it, put together for its stages."""

from typing import Any

from pumphouse.errors import Refused
from pumphouse.hosts import Host
from pumphouse.machines import Power
from pumphouse.model import BootDevice, PowerState
from pumphouse.ports import Publish
from pumphouse.service.hosts import machines
from pumphouse.service.session import Session
from pumphouse.tasks.hosts.work import Work, unheard
from pumphouse.tasks.temporaries import Temporaries


def work_on(session: Session, name: str, publish: Publish = unheard) -> Work:
    """A host of the source and what works on it; its machine need not be known as long as it lives."""
    a, policy = session.adapters, session.config.hosts
    known = next((host for host in machines(session).hosts if host.name == name), None)
    unknown: dict[str, Any] = {"name": name, "macs": ()}
    clouds = {cloud.role: cloud for cloud in (a.source, a.destination)}
    return Work(
        known or Host.model_construct(None, **unknown),
        a.source,
        a.destination,
        a.power(known) if known else UnknownPower(name),
        a.provisioner("destination"),
        a.provisioner("source"),
        None,
        a.hosts,
        Temporaries(clouds, a.ledger, a.locks, a.clock, policy.timeouts.smoke_test),
        a.clock,
        policy,
        publish,
    )


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
