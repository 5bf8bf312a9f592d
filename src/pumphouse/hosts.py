"""inventory.yaml: the hosts of both clouds as machines, and how to reach their BMCs.

Validated whole before anything is touched, as config.yaml is.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from pumphouse.config import PATHS, describe, read_yaml
from pumphouse.errors import ConfigError
from pumphouse.hooks import Strict
from pumphouse.passwords import WAYS, WithPassword

PARTS = ("bmc", "switch")  # of a host that may have defaults
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def _mac(value: str) -> str:
    """One spelling, so that the same address is found to be the same: lower case, with colons."""
    spelt = value.strip().lower().replace("-", ":")
    if not MAC.fullmatch(spelt):
        raise ValueError("is not a MAC address like 52:54:00:12:34:56")
    return spelt


class Bmc(WithPassword):
    """The baseboard management controller of a machine. The password comes from exactly one place."""

    type: str = Field(description="Power driver: ipmi, redfish, or another that is installed.")
    address: str = Field(
        min_length=1,
        description="Name or IP address (ipmi), or address with scheme, e.g. https://10.0.0.11 (redfish).",
    )
    port: int | None = Field(None, ge=1, le=65535, description="Port; that of the protocol when left out.")
    username: str = Field(description="User of the BMC, with the right to switch the machine.")
    system: str | None = Field(
        None, description="Redfish: path of the system, e.g. /redfish/v1/Systems/1, where there are several."
    )
    verify: bool = Field(True, description="Redfish: whether TLS certificates are checked.")
    cacert: Path | None = Field(
        None, description="Redfish: file with the CA certificates that sign the BMC's."
    )

    @property
    def shown(self) -> str:
        """See ``WithPassword``."""
        return f"BMC {self.address}"


class Switch(WithPassword):
    """The switch that a machine is plugged into, for ``hosts.network`` of type ``switch``.

    The password comes from exactly one place.
    """

    device_type: str = Field(
        min_length=1, description="What it is, as netmiko names it: cisco_ios, arista_eos, juniper_junos, ..."
    )
    address: str = Field(min_length=1, description="Name or IP address, for SSH.")
    port: int = Field(22, ge=1, le=65535, description="Port of SSH.")
    username: str = Field(description="User with the right to configure interfaces.")
    known_hosts: Path | None = Field(
        None, description="File with the switch's host key, as of ssh; the user's own when left out."
    )
    interfaces: tuple[str, ...] = Field(
        min_length=1, description="Those that the machine is plugged into and that change their VLAN."
    )
    vlans: tuple[Annotated[int, Field(ge=1, le=4094)], ...] = Field(
        min_length=1, description="VLANs they are in when the machine is a compute host."
    )

    @property
    def shown(self) -> str:
        """See ``WithPassword``."""
        return f"switch {self.address}"


class Host(Strict):
    """One machine."""

    name: str = Field(min_length=1, description="As in 'openstack hypervisor list'.")
    macs: tuple[Annotated[str, AfterValidator(_mac)], ...] = Field(
        (), description="MAC addresses of its interfaces; the deployment engine recognises it by them."
    )
    bmc: Bmc = Field(description="How to switch it on and off.")
    switch: Switch | None = Field(
        None, description="What it is plugged into; with ``hosts.network`` of type ``switch`` only."
    )
    role: Literal["compute", "controller"] = Field(
        "compute", description="What it is at the source; controllers may go with 'pumphouse decommission'."
    )


class Hosts(Strict):
    """The whole of inventory.yaml. Relative paths are relative to the file."""

    hosts: tuple[Host, ...] = Field(description="The machines.")

    @model_validator(mode="after")
    def _each_once(self) -> "Hosts":
        for what, values in (
            ("name", [host.name for host in self.hosts]),
            ("MAC address", [mac for host in self.hosts for mac in host.macs]),
            ("BMC", [f"{host.bmc.address} {host.bmc.port} {host.bmc.system}" for host in self.hosts]),
            (
                "interface of a switch",
                [f"{s.address} {each}" for s in (h.switch for h in self.hosts) if s for each in s.interfaces],
            ),
        ):
            if twice := _repeated(values):
                raise ValueError(f"{what} {twice.partition(' None')[0]} is given to more than one host")
        return self

    def find(self, name: str) -> Host:
        """The host of this name.

        :raises ConfigError: when there is none; names those there are.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts) or "none"
        raise ConfigError(f"inventory.yaml has no host {name!r}", f"Hosts in it: {known}.")


def _repeated(values: Iterable[str]) -> str | None:
    return next((value for value, count in Counter(values).items() if count > 1), None)


def load_hosts(path: Path) -> Hosts:
    """Read and validate inventory.yaml; ``defaults`` hold for every host that does not say otherwise.

    :raises ConfigError: with one line per fault: file, path inside it, what is wrong.
    """
    data = read_yaml(path)
    try:
        return Hosts.model_validate(_with_defaults(data, path.resolve().parent))
    except ValidationError as error:
        raise ConfigError(describe(path, error), "See samples/inventory.yaml.") from None


def _with_defaults(data: Any, base: Path) -> Any:
    """The hosts with what they leave out filled in; whatever has not the right shape is left to validation."""
    if not isinstance(data, dict) or not isinstance(data.get("hosts"), list):
        return data
    rest = {key: value for key, value in data.items() if key not in ("hosts", "defaults")}
    defaults = data.get("defaults", {})
    if (
        not isinstance(defaults, dict)
        or set(defaults) - set(PARTS)
        or not all(isinstance(part, dict) for part in defaults.values())
    ):
        return {**rest, "hosts": data["hosts"], "defaults": defaults}  # an unknown key, told as such
    return {**rest, "hosts": [_filled(host, defaults, base) for host in data["hosts"]]}


def _filled(host: Any, defaults: dict[str, Any], base: Path) -> Any:
    if not isinstance(host, dict) or not all(isinstance(host.get(part, {}), dict) for part in PARTS):
        return host
    # a host without a BMC has that of the defaults; a switch it must name itself, at least its interfaces
    parts = {"bmc": host.get("bmc", {})} | {part: host[part] for part in PARTS if part in host}
    return {**host, **{part: _part(own, defaults.get(part, {}), base) for part, own in parts.items()}}


def _part(own: dict[str, Any], defaults: dict[str, Any], base: Path) -> dict[str, Any]:
    if any(way in own for way in WAYS):
        defaults = {name: value for name, value in defaults.items() if name not in WAYS}
    part = {**defaults, **own}
    for name in PATHS:
        if isinstance(part.get(name), str):
            part[name] = str(base / Path(part[name]).expanduser())
    return part
