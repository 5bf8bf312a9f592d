"""``deployment`` of type ``fuel``."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from pumphouse.passwords import WithPassword


class FuelSettings(WithPassword):
    """An environment of a Fuel master. Both clouds may be environments of one."""

    url: str = Field(
        min_length=1, description="The master, e.g. http://10.20.0.2:8000, or https://10.20.0.2:8443."
    )
    username: str = Field("admin", description="User of the master's Keystone.")
    project: str = Field("admin", description="Its project.")
    environment: str = Field(min_length=1, description="Name or id of the environment.")
    roles: tuple[str, ...] = Field(
        ("compute",), min_length=1, description="Roles that a host gets, as Fuel names them."
    )
    reference: str | None = Field(
        None,
        description="Node whose disks and interfaces are the example: name, host name or id; "
        "a ready one with the same roles when left out.",
    )
    disks: Mapping[str, Mapping[str, int]] = Field(
        default_factory=dict,
        description="Instead of the example's: disks with volumes in MiB, e.g. {sda: {os: 50000, vm: 800000}}.",
    )
    interfaces: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Instead of the example's: interfaces with networks, e.g. {eth0: [fuelweb_admin, management]}.",
    )
    verify: bool = Field(True, description="Whether TLS certificates are checked.")
    cacert: Path | None = Field(None, description="File with the CA certificates that sign the master's.")

    @property
    def shown(self) -> str:
        """See ``WithPassword``."""
        return f"Fuel {self.url}"
