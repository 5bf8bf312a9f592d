"""The way of a whole cloud: what moves when, and which host follows."""

from dataclasses import dataclass

from pumphouse.model.evacuation import EvacuationPlan
from pumphouse.model.host import ComputeHost, PlacedServer
from pumphouse.model.plan import Selection


@dataclass(frozen=True)
class Portion:
    """Servers that go to the destination together.

    :param selection: what selects them, and nothing else that takes room on hosts.
    :param servers: on their hosts of the source; availability zone and server group as in the destination.
    :param downtime: expected seconds without service, of the one that takes longest; 0 when none of them runs.
    """

    selection: Selection
    servers: tuple[PlacedServer, ...]
    downtime: float = 0.0


@dataclass(frozen=True)
class Wave:
    """What is done before anybody looks again, in this order.

    :param portions: what moves to the destination; its originals are deleted at the source.
    :param emptied: how hosts get empty that still hold something: their servers go to other hosts of the source.
    :param upgrades: hypervisors that become hosts of the destination.
    :param source: its hosts as they are then. :param destination: its hosts as they are then.
    """

    portions: tuple[Portion, ...]
    emptied: tuple[EvacuationPlan, ...]
    upgrades: tuple[str, ...]
    source: tuple[ComputeHost, ...]
    destination: tuple[ComputeHost, ...]

    @property
    def servers(self) -> int:
        """Servers that move to the destination."""
        return sum(len(portion.servers) for portion in self.portions)


@dataclass(frozen=True)
class Remainder:
    """What stays at the source.

    :param what: e.g. ``server web1`` or ``host compute-1``.
    """

    what: str
    why: str
    remedy: str = ""


@dataclass(frozen=True)
class WavePlan:
    """All waves, from how it is now.

    :param source: hosts of the source now. :param destination: hosts of the destination now.
    :param remains: what stays at the source in spite of all waves; empty when the source gets empty.
    """

    source: tuple[ComputeHost, ...]
    destination: tuple[ComputeHost, ...]
    waves: tuple[Wave, ...]
    remains: tuple[Remainder, ...] = ()
