"""The room where the lab's machines stand, as a value: its processes run in Pumphouse's own environment."""

import sys
from dataclasses import dataclass
from pathlib import Path

from pumphouse.lab.site import Site

ROOM = "machines"
# Distances from the lab's base port.
SERVERS = {"machines": 70, "fuel": 80, "ironic": 81}
FIRST_BMC = 100


@dataclass(frozen=True)
class Machines:
    """How the machines of a lab are made.

    :param bmc: ``ipmi`` or ``redfish``.
    :param engine: what installs them: see ``engines``.
    :param fuel_release: of the engine ``fuel``.
    :param boot_seconds: from power to an operating system.
    :param controllers: how many machines of the source are controllers.
    """

    bmc: str = "ipmi"
    engine: str = "command"
    fuel_release: str = "9.2"
    boot_seconds: float = 2.0
    controllers: int = 0


@dataclass(frozen=True)
class Room(Site):
    """The machines of a lab and the server of the engine that installs them, if it has one.

    :param base_port: the source's.
    :param hosts: names of the compute hosts of each cloud; each is a machine.
    """

    base_port: int
    hosts: dict[str, tuple[str, ...]]
    settings: Machines

    @property
    def ports(self) -> dict[str, int]:
        """Port of each server that this lab has."""
        names = [name for name in SERVERS if name in (ROOM, self.settings.engine)]
        return {name: self.base_port + SERVERS[name] for name in names}

    @property
    def controllers(self) -> tuple[str, ...]:
        """Names of the source's controllers; each is a machine."""
        return tuple(f"source-controller-{number + 1}" for number in range(self.settings.controllers))

    @property
    def password_file(self) -> Path:
        """The password of all BMCs."""
        return self.home / "bmc-password"

    def bmc_port(self, host: str) -> int:
        """Where the IPMI BMC of a machine listens; Redfish is on the first port for all."""
        names = [name for names in self.hosts.values() for name in names]
        return self.base_port + FIRST_BMC + [*names, *self.controllers].index(host)

    def command(self, service: str) -> list[str]:
        """What runs a server."""
        module = f"pumphouse.lab.{service}"
        return [sys.executable, "-m", module, str(self.root), service, str(self.ports[service])]

    def version(self, service: str) -> tuple[str, str]:
        """Only Fuel's is chosen."""
        return ("", self.settings.fuel_release) if service == "fuel" else ("", "")
