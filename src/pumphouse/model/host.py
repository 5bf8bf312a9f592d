"""Hosts: hypervisors as a cloud knows them, machines as their BMCs do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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
