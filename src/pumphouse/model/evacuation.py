"""Who leaves a host for where: a plan to empty one host of a cloud."""

from dataclasses import dataclass
from enum import StrEnum

from pumphouse.model.host import PlacedServer, Resources


class How(StrEnum):
    """How a server leaves its host."""

    LIVE = "live"  # live migration: it runs on
    COLD = "cold"  # cold migration of a stopped server, and its confirmation
    OFFLOAD = "offload"  # a shelved server lets go of its host; it goes nowhere
    EVACUATE = "evacuate"  # off a dead host; its disks are volumes
    REBUILD = "rebuild"  # off a dead host; disks of its own are kept only when the hosts share them


@dataclass(frozen=True)
class Move:
    """One server, and the host of the compute service it goes to; empty when it goes to none."""

    server: PlacedServer
    how: How
    target: str = ""


@dataclass(frozen=True)
class Unmoved:
    """A server that cannot leave its host, why, and what to do about it."""

    server: PlacedServer
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class EvacuationPlan:
    """How a host gets empty.

    :param host: of its compute service.
    :param dead: whether it is down, so that nothing on it can be asked.
    :param moves: in the order they begin.
    :param unmoved: what stays; the host does not get empty as long as there is any.
    :param leaving: what is left to Pumphouse: it goes to the destination.
    :param travelling: what is on its way already, and waited for.
    """

    host: str
    dead: bool = False
    moves: tuple[Move, ...] = ()
    unmoved: tuple[Unmoved, ...] = ()
    leaving: tuple[PlacedServer, ...] = ()
    travelling: tuple[PlacedServer, ...] = ()

    @property
    def needs_fencing(self) -> bool:
        """Whether servers are to run elsewhere that may still run on a host nobody hears of."""
        return self.dead and bool(self.moves)

    @property
    def arriving(self) -> dict[str, Resources]:
        """What each host gets."""
        found: dict[str, Resources] = {}
        for move in self.moves:
            if move.target:
                found[move.target] = found.get(move.target, Resources()) + move.server.needs
        return found


@dataclass(frozen=True)
class Wishes:
    """What the operator wants of the emptying of a host.

    :param reason: why it is emptied, for those who see that it is disabled.
    :param leaving: ids of servers that are not moved within the source: they go, or have gone, to the destination.
    :param keep_off: hosts (of compute services) that must get nothing.
    :param rebuild: whether servers with disks on a dead host may be made anew elsewhere.
    """

    reason: str = ""
    leaving: tuple[str, ...] = ()
    keep_off: tuple[str, ...] = ()
    rebuild: bool = False
