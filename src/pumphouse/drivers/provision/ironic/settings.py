"""What an operator says of Ironic, and what Ironic is told of a machine."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from pumphouse.errors import ConfigError, Refused
from pumphouse.hosts import Host
from pumphouse.programs import Program
from pumphouse.standalone import EngineService


class IronicSettings(EngineService):
    """``deployment`` of type ``ironic``."""

    image: str = Field(
        description="What is written to the disk: an address (http, https, file), or an image of its Glance."
    )
    checksum: str | None = Field(
        None,
        description="Checksum of an image at an http address (sha256, sha512), or the address of a file of them.",
    )
    kernel: str | None = Field(
        None, description="Kernel of Ironic's agent; what its operator has configured when left out."
    )
    ramdisk: str | None = Field(None, description="Ramdisk of Ironic's agent; the same.")
    hostname: str = Field(
        "{name}", description="What the new host is called; {name} is the machine's name in inventory.yaml."
    )
    user_data: Path | None = Field(
        None,
        description="File that the new host gets as user data on its config drive, and that brings it into the cloud.",
    )
    join: Program | None = Field(
        None,
        description="Program that is called when the image is written, and ends when the host has joined.",
    )
    inspect: bool = Field(False, description="Whether Ironic inspects each machine before it is taken.")
    fields: dict[str, Any] = Field(
        {},
        description="More fields of the nodes that are enrolled, e.g. properties, resource_class, boot_interface.",
    )

    @field_validator("hostname")
    @classmethod
    def _known_places(cls, value: str) -> str:
        try:
            value.format(name="")
        except (KeyError, ValueError, IndexError):
            raise ValueError("may hold {name} only") from None
        return value

    def host(self, machine: Host) -> str:
        """What the machine is called as a compute host."""
        return self.hostname.format(name=machine.name)

    def instance(self) -> dict[str, str]:
        """Ironic's ``instance_info``."""
        return {"image_source": self.image} | ({"image_checksum": self.checksum} if self.checksum else {})

    def config_drive(self, machine: Host) -> dict[str, Any]:
        """What cloud-init finds on the new host.

        :raises ConfigError: when the user data cannot be read.
        """
        host = self.host(machine)
        drive: dict[str, Any] = {"meta_data": {"hostname": host, "name": host}}
        return drive | ({"user_data": read(self.user_data)} if self.user_data else {})

    def node(self, machine: Host) -> dict[str, Any]:
        """How the machine is enrolled; holds the password of its BMC."""
        driver, access = _bmc(machine)
        agent = {"deploy_kernel": self.kernel, "deploy_ramdisk": self.ramdisk}
        info = access | {name: value for name, value in agent.items() if value}
        more = {name: value for name, value in self.fields.items() if name != "driver_info"}
        return more | {"driver": driver, "driver_info": info | self.fields.get("driver_info", {})}


def read(path: Path) -> str:
    """The user data.

    :raises ConfigError: when there is none.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"deployment: user_data: {path} cannot be read: {error}") from None


def _bmc(machine: Host) -> tuple[str, dict[str, Any]]:
    """Ironic's driver for a machine's BMC, and how it reaches that."""
    bmc = machine.bmc
    access = {"username": bmc.username, "password": bmc.secret()}
    if bmc.type == "redfish":
        address = f"{bmc.address}:{bmc.port}" if bmc.port else bmc.address
        access |= {"address": address} | ({"system_id": bmc.system} if bmc.system else {})
        facts: dict[str, Any] = {f"redfish_{name}": value for name, value in access.items()}
        return "redfish", facts | {"redfish_verify_ca": bmc.verify}
    if bmc.type == "ipmi":
        access |= {"address": bmc.address} | ({"port": str(bmc.port)} if bmc.port else {})
        return "ipmi", {f"ipmi_{name}": value for name, value in access.items()}
    raise Refused(
        f"host {machine.name!r}: Ironic is not told of BMCs of type {bmc.type}", "It knows ipmi and redfish."
    )
