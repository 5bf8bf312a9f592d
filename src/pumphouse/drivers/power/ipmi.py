"""IPMI 2.0 by pyghmi. Cipher suite 17 is tried before 3 (pyghmi, ``_open_rmcpplus_request``)."""

from collections.abc import Callable
from typing import Any, TypeVar

from pyghmi import exceptions
from pyghmi.ipmi.command import Command

from pumphouse.errors import BmcError, BmcLoginError, BmcUnreachable
from pumphouse.hosts import Host
from pumphouse.model import BootDevice, PowerState
from pumphouse.ports import Clock

T = TypeVar("T")
PORT = 623
DEVICES = {BootDevice.NETWORK: "network", BootDevice.DISK: "hd"}
# What pyghmi says when RAKP message 2 or 4 does not fit the password, or the user is unknown.
REFUSALS = ("password", "unauthorized", "user name", "username", "invalid session")


class IpmiPower:
    """See :class:`pumphouse.machines.Power`. One session, kept: pyghmi logs in again by itself when it is old."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._session: Any = None

    def state(self) -> PowerState:
        """See the port."""
        return self._ask(_state)

    def switch(self, state: PowerState, timeout: float) -> None:
        """See the port."""
        if self.state() is state:
            return
        self._ask(lambda session: session.set_power(state.value))

        def poll() -> bool | None:
            return True if self.state() is state else None

        self._clock.wait(f"host {self._host.name!r} to be {state.value}", timeout, poll)

    def reset(self) -> None:
        """See the port."""
        self._ask(lambda session: session.set_power("boot"))

    def boot_from(self, device: BootDevice) -> None:
        """See the port."""
        self._ask(lambda session: session.set_bootdev(DEVICES[device], persist=False))

    def _ask(self, work: Callable[[Any], T]) -> T:
        bmc = self._host.bmc
        where = f"host {self._host.name!r}: BMC {bmc.address}"
        try:
            if self._session is None:
                # Text would hang a second time: pyghmi remembers sessions by what it has encoded.
                login = {"userid": bmc.username.encode(), "password": bmc.secret().encode()}
                self._session = Command(bmc=bmc.address, port=bmc.port or PORT, **login)
            return work(self._session)
        except exceptions.PyghmiException as error:
            self._session = None
            raise _translated(where, str(error)) from None
        except OSError as error:
            raise BmcUnreachable(f"{where}: {error.strerror or error}", "Check its address.") from None


def _state(session: Any) -> PowerState:
    return PowerState(session.get_power()["powerstate"])


def _translated(where: str, words: str) -> BmcError:
    lowered = words.lower()
    # pyghmi gives up on a silent BMC without a reason.
    if lowered in ("none", "") or "timeout" in lowered or "no longer connected" in lowered:
        return BmcUnreachable(f"{where}: nothing answers", "Check its address, port and network.")
    if any(word in lowered for word in REFUSALS):
        return BmcLoginError(
            f"{where}: user name or password is not accepted", "Check them in inventory.yaml."
        )
    return BmcError(f"{where}: {words}")
