"""Hosts: hypervisors as a cloud knows them, machines as their BMCs do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pumphouse.model.item import Fields


class PowerState(StrEnum):
    """Whether a machine has power."""

    ON = "on"
    OFF = "off"


class BootDevice(StrEnum):
    """What a machine starts from."""

    NETWORK = "network"
    DISK = "disk"


@dataclass(frozen=True)
class HostStatus:
    """One host: what Nova says of it, and what its BMC does.

    :param cloud: role of the cloud that has it as a hypervisor; empty when none has.
    :param state: ``up`` or ``down``; empty when no cloud has it.
    :param status: ``enabled`` or ``disabled``.
    :param reason: why it was disabled.
    :param servers: number of servers by name of their project.
    :param vcpus: used and capacity, overcommitment included; None when it is not known.
    :param memory: the same, in MiB.
    :param power: ``on`` or ``off``; None when no BMC is known, or it gave no answer.
    :param fault: why the BMC gave no answer.
    :param node: its state in the destination's deployment engine; ``unknown`` when that gave no answer.
    :param action: what was last done to it, and how far that is.
    """

    name: str
    cloud: str = ""
    state: str = ""
    status: str = ""
    reason: str = ""
    servers: Mapping[str, int] | None = None
    vcpus: tuple[int, int] | None = None
    memory: tuple[int, int] | None = None
    macs: tuple[str, ...] = ()
    power: PowerState | None = None
    fault: str = ""
    node: str = ""
    action: str = ""


class NodeState(StrEnum):
    """Where a machine stands in its deployment engine."""

    FREE = "free"  # discovered, up, in no cloud: may be taken
    ASSIGNED = "assigned"  # chosen for the cloud, nothing written to it yet
    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    FAILED = "failed"
    ELSEWHERE = "elsewhere"  # in another environment of the same engine
    OFFLINE = "offline"  # known, and does not report


@dataclass(frozen=True)
class Node:
    """A machine as its deployment engine knows it; recognised by its MAC addresses, never by id or name.

    :param id: the engine's; may change when the machine turns up anew.
    :param name: as the engine calls it, for messages.
    :param host: name its compute service has or will have; empty when that is not known yet.
    :param progress: percent of what is under way; None when the engine does not say.
    :param message: the engine's own words on it.
    """

    id: str
    name: str
    state: NodeState
    macs: tuple[str, ...]
    host: str = ""
    progress: int | None = None
    message: str = ""


@dataclass(frozen=True)
class HostRecord:
    """What the ledger remembers of an operation on a host.

    :param name: of the machine: its name at the source.
    :param operation: ``maintenance``, ``evacuate``, ``upgrade``, ``acquire``, ``withdraw``, ``decommission``, or
        ``join`` (a controller).
    :param stage: what it is at, or ended at.
    :param state: ``running``, ``done``, ``failed``, or ``quarantined``: failed, and left out from now on.
    :param data: facts that a later stage needs; never a secret.
    :param updated_at: seconds since the epoch.
    """

    name: str
    operation: str
    stage: str
    state: str
    data: Fields = field(default_factory=dict)
    updated_at: float = 0.0


@dataclass(frozen=True)
class Resources:
    """Processors, memory in MiB and local disk in GiB."""

    vcpus: float = 0
    memory: float = 0
    disk: float = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(self.vcpus + other.vcpus, self.memory + other.memory, self.disk + other.disk)

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(self.vcpus - other.vcpus, self.memory - other.memory, self.disk - other.disk)

    def covers(self, other: "Resources") -> bool:
        """Whether as much fits in, of each."""
        return self.vcpus >= other.vcpus and self.memory >= other.memory and self.disk >= other.disk


@dataclass(frozen=True)
class PlacedServer:
    """A server as what takes room on a host.

    :param host: of its compute service; empty when it is on none (shelved and offloaded, never scheduled).
    :param task: what Nova does with it right now (``OS-EXT-STS:task_state``); empty when nothing.
    :param needs: what it takes, as Placement has it, else as its flavor says.
    :param local: whether disks of it are files of its host: it boots from an image, or has ephemeral disks or swap.
    :param zone: availability zone that it was asked into; empty when in none. Before microversion 2.96 nobody
        tells that: then the zone it is in.
    :param group: id of its server group. :param group_policy: e.g. ``anti-affinity``.
    :param group_limit: how many of an anti-affinity group may be on one host.
    :param aggregates: metadata that its flavor wants of an aggregate (``aggregate_instance_extra_specs:``).
    """

    id: str
    name: str
    project: str
    host: str
    status: str
    needs: Resources
    task: str = ""
    local: bool = True
    zone: str = ""
    group: str = ""
    group_policy: str = ""
    group_limit: int = 1
    aggregates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ComputeHost:
    """A hypervisor as room for servers.

    :param name: of the hypervisor. :param host: of its compute service; servers name this one.
    :param capacity: what the scheduler may give out, allocation ratios and reserves included.
    :param used: what is given out.
    :param reason: why its compute service is disabled.
    :param zone: its availability zone.
    :param aggregates: metadata of all aggregates it is in; a key may have a value in each.
    """

    name: str
    host: str
    up: bool
    enabled: bool
    capacity: Resources
    used: Resources
    reason: str = ""
    zone: str = ""
    aggregates: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def free(self) -> Resources:
        """What still fits."""
        return self.capacity - self.used


@dataclass(frozen=True)
class Occupancy:
    """Who is where in one cloud."""

    role: str
    hosts: tuple[ComputeHost, ...]
    servers: tuple[PlacedServer, ...]

    def on(self, host: str) -> tuple[PlacedServer, ...]:
        """The servers on a host."""
        return tuple(server for server in self.servers if server.host == host)
