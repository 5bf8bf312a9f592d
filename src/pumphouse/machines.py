"""Ports of the host part: a machine's BMC and network, a cloud's deployment engine, what was done to hosts."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from pumphouse.hosts import Host
from pumphouse.model import BootDevice, CheckResult, HostRecord, Node, PowerState

Tell = Callable[[int | None, str], None]
"""Takes percent (None when not known) and the engine's own words, whenever either changes."""


class Power(Protocol):
    """The BMC of one host. All methods raise :class:`pumphouse.errors.BmcError`, told apart by its subclasses."""

    def state(self) -> PowerState:
        """Whether the machine has power."""

    def switch(self, state: PowerState, timeout: float) -> None:
        """Switch it on or off, without asking its operating system; returns when it is so.

        :param timeout: seconds.
        """

    def reset(self) -> None:
        """Start it anew; switch it on when it is off."""

    def boot_from(self, device: BootDevice) -> None:
        """What it starts from the next time, and that time only."""


class MachineNetwork(Protocol):
    """Which network a machine's ports are in. All methods raise :class:`pumphouse.errors.MachineNetworkError`."""

    def check(self, host: Host) -> None:
        """Whether it could be changed, as far as that can be known without changing it."""

    def isolate(self, host: Host) -> None:
        """Into the network that the destination's deployment engine boots machines in; repeatable."""

    def restore(self, host: Host) -> None:
        """Back to where it was; repeatable."""


class Provisioner(Protocol):
    """The deployment engine of one cloud. A machine is recognised by its MAC addresses.

    All methods raise :class:`pumphouse.errors.ProvisionError`, told apart by its subclasses. Those that change
    something are repeatable: after a kill the same call finds what the first one did and goes on.
    """

    name: str  #: for messages, e.g. ``Fuel``
    boots: bool  #: whether machines have to be started from the network for it, through their BMCs
    stops: bool  #: whether :meth:`enroll` takes the power from machines, so that their cloud loses them

    def check(self) -> Iterator[CheckResult]:
        """Whether it answers, and has what a deployment needs: environment, reference node, image, program."""

    def nodes(self) -> tuple[Node, ...]:
        """The machines it knows."""

    def find(self, host: Host) -> Node | None:
        """The machine, when the engine knows it."""

    def release(self, host: Host, tell: Tell, timeout: float) -> None:
        """Take the machine out of this cloud and wipe it; returns when it is out. For the source's engine.

        :param timeout: seconds.
        :raises WipeFailed: when it is still in the cloud.
        :raises EngineBusy: when the engine works for somebody else, and still does after the timeout.
        """

    def enroll(self, host: Host) -> None:
        """Tell the engine of the machine, where it does not find machines by itself; repeatable."""

    def assign(self, host: Host) -> None:
        """Choose the machine for the cloud: roles, disks and interfaces. Nothing is written to the machine.

        :raises Refused: when it is not free, or nothing says how to lay it out (no reference node).
        """

    def withdraw(self, host: Host) -> None:
        """Undo :meth:`assign`, and :meth:`enroll` where that stops machines, as long as nothing is written."""

    def deploy(self, host: Host, tell: Tell, timeout: float) -> str:
        """Install it as a compute node; joins an installation that is under way.

        :param timeout: seconds.
        :return: name of the host that its compute service has.
        :raises ProvisioningFailed: when the operating system could not be written.
        :raises DeploymentFailed: when OpenStack could not be put on it.
        :raises EngineBusy: when the engine works for somebody else, and still does after the timeout.
        """


class HostLedger(Protocol):
    """Remembers what is being done to hosts, beside the ledger of resources."""

    def find(self, name: str) -> HostRecord | None:
        """The last operation on a host."""

    def all(self) -> tuple[HostRecord, ...]:
        """The last operation on each host, by name."""

    def begin(self, name: str, operation: str, **data: Any) -> HostRecord:
        """An operation begins with these facts, or goes on: those of the same unfinished operation are kept."""

    def stage(self, name: str, stage: str, state: str = "running", **data: Any) -> HostRecord:
        """Where it is now; facts are added to what is known."""
