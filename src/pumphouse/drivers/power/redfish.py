"""Redfish by sushy."""

from collections.abc import Callable
from typing import Any, TypeVar

import sushy
from sushy import exceptions
from sushy.auth import SessionOrBasicAuth

from pumphouse.errors import BmcError, BmcLoginError, BmcUnreachable
from pumphouse.hosts import Host
from pumphouse.model import BootDevice, PowerState
from pumphouse.ports import Clock

T = TypeVar("T")
RESETS = {PowerState.ON: sushy.RESET_TYPE_ON, PowerState.OFF: sushy.RESET_TYPE_FORCE_OFF}
# A machine on its way is where it is going only once it is there.
STATES = {
    sushy.PowerState.ON: PowerState.ON,
    sushy.PowerState.POWERING_OFF: PowerState.ON,
    sushy.PowerState.OFF: PowerState.OFF,
    sushy.PowerState.POWERING_ON: PowerState.OFF,
}
DEVICES = {BootDevice.NETWORK: sushy.BOOT_SOURCE_TARGET_PXE, BootDevice.DISK: sushy.BOOT_SOURCE_TARGET_HDD}


class RedfishPower:
    """See :class:`pumphouse.machines.Power`."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock

    def state(self) -> PowerState:
        """See the port."""
        return self._ask(self._state)

    def switch(self, state: PowerState, timeout: float) -> None:
        """See the port."""
        if self.state() is state:
            return
        self._ask(lambda system: system.reset_system(RESETS[state]))

        def poll() -> bool | None:
            return True if self.state() is state else None

        self._clock.wait(f"host {self._host.name!r} to be {state.value}", timeout, poll)

    def reset(self) -> None:
        """See the port."""
        on = self.state() is PowerState.ON
        kind = sushy.RESET_TYPE_FORCE_RESTART if on else sushy.RESET_TYPE_ON
        self._ask(lambda system: system.reset_system(kind))

    def boot_from(self, device: BootDevice) -> None:
        """See the port."""
        once = sushy.BOOT_SOURCE_ENABLED_ONCE
        self._ask(lambda system: system.set_system_boot_options(DEVICES[device], enabled=once))

    def _state(self, system: Any) -> PowerState:
        if system.power_state not in STATES:
            raise BmcError(f"{self._where}: the power state is {system.power_state}, neither on nor off")
        return STATES[system.power_state]

    @property
    def _where(self) -> str:
        return f"host {self._host.name!r}: BMC {self._host.bmc.address}"

    def _ask(self, work: Callable[[Any], T]) -> T:
        try:
            return work(self._system())
        except exceptions.AccessError:
            raise BmcLoginError(
                f"{self._where}: user name or password is not accepted", "Check them in inventory.yaml."
            ) from None
        except exceptions.ConnectionError:
            raise BmcUnreachable(
                f"{self._where}: nothing answers", "Check its address, port and certificate."
            ) from None
        except exceptions.SushyError as error:
            raise BmcError(f"{self._where}: {' '.join(str(error).split())[:300]}") from None

    def _system(self) -> Any:
        bmc = self._host.bmc
        address = f"{bmc.address}:{bmc.port}" if bmc.port else bmc.address
        auth = SessionOrBasicAuth(bmc.username, bmc.secret())
        verify = str(bmc.cacert) if bmc.cacert else bmc.verify
        root = sushy.Sushy(address, auth=auth, verify=verify, server_side_retries=2)
        if bmc.system:
            return root.get_system(bmc.system)
        systems = root.get_system_collection().get_members()
        if len(systems) != 1:
            paths = ", ".join(system.path for system in systems)
            raise BmcError(
                f"{self._where}: it manages {len(systems)} systems", f"Name one with 'system': {paths}."
            )
        return systems[0]
