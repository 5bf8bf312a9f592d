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
    :param operation: ``upgrade``, ``acquire``, ``withdraw``, ``decommission``, or ``join`` (a controller).
    :param stage: what it is at, or ended at.
    :param state: ``running``, ``done`` or ``failed``.
    :param data: facts that a later stage needs; never a secret.
    :param updated_at: seconds since the epoch.
    """

    name: str
    operation: str
    stage: str
    state: str
    data: Fields = field(default_factory=dict)
    updated_at: float = 0.0
