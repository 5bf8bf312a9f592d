"""Redfish for all machines: sushy-tools' emulator, with a driver that acts on ours."""

from pathlib import Path
from typing import Any

import bcrypt
from sushy_tools import error
from sushy_tools.emulator import main
from sushy_tools.emulator.resources.systems.base import AbstractSystemsDriver

from pumphouse.lab.home import write_private
from pumphouse.lab.machines.machine import Machine

SWITCHES = {
    "On": "on",
    "ForceOn": "on",
    "ForceOff": "off",
    "GracefulShutdown": "off",
    "ForceRestart": "reset",
    "GracefulRestart": "reset",
}


class Systems(AbstractSystemsDriver):  # type: ignore[misc]
    """Each machine is a system, known by its UUID or name."""

    def __init__(self, machines: list[Machine]) -> None:
        super().__init__()
        self._machines = {machine.record.uuid: machine for machine in machines}

    @property
    def driver(self) -> str:
        """Name, for the emulator's own page."""
        return "pumphouse-lab"

    @property
    def systems(self) -> list[str]:
        """All of them."""
        return list(self._machines)

    def uuid(self, identity: str) -> str:
        """Of a system, whichever way it is named."""
        return self._machine(identity).record.uuid

    def name(self, identity: str) -> str:
        """Of a system, whichever way it is named."""
        return self._machine(identity).record.name

    def get_power_state(self, identity: str) -> str:
        """``On`` or ``Off``."""
        return self._machine(identity).record.power.capitalize()

    def set_power_state(self, identity: str, state: str) -> None:
        """As ``ComputerSystem.Reset`` names it."""
        if state not in SWITCHES:
            raise error.NotSupportedError(f"reset type {state} is not supported")
        self._machine(identity).ask(SWITCHES[state])

    def get_boot_device(self, identity: str) -> str:
        """``Pxe`` or ``Hdd``."""
        return "Pxe" if self._machine(identity).record.boot == "network" else "Hdd"

    def set_boot_device(self, identity: str, boot_source: str) -> None:
        """Whatever is not the network is the only disk."""
        self._machine(identity).boot_from("network" if boot_source == "Pxe" else "disk")

    def get_boot_mode(self, identity: str) -> str:
        """The same for all."""
        return "Legacy"

    def get_secure_boot(self, identity: str) -> bool:
        """No machine has it; without an answer Ironic would ask for half a minute."""
        self._machine(identity)
        return False

    def get_nics(self, identity: str) -> list[dict[str, str]]:
        """The interfaces, which inspection wants."""
        return [{"id": mac, "mac": mac} for mac in self._machine(identity).record.macs]

    def _machine(self, identity: str) -> Machine:
        if identity in self._machines:
            return self._machines[identity]
        for machine in self._machines.values():
            if machine.record.name == identity:
                raise error.AliasAccessError(machine.record.uuid)
        raise error.NotFound(f"there is no system {identity}")


def application(machines: list[Machine], directory: Path, user: str, password: str) -> Any:
    """The emulator as a WSGI application that knows one user."""
    users = directory / "redfish-users"
    write_private(users, f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
    systems = Systems(machines)
    main.Application.systems = property(lambda _: systems)
    main.app.configure(
        extra_config={"SUSHY_EMULATOR_STATE_DIR": str(directory), "SUSHY_EMULATOR_AUTH_FILE": str(users)}
    )
    return main.app
