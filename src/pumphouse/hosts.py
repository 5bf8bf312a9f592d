"""inventory.yaml: the hosts of both clouds as machines, and how to reach their BMCs.

Validated whole before anything is touched, as config.yaml is.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator

from pumphouse.config import describe, read_yaml
from pumphouse.errors import ConfigError
from pumphouse.hooks import Strict

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def _mac(value: str) -> str:
    """One spelling, so that the same address is found to be the same: lower case, with colons."""
    spelt = value.strip().lower().replace("-", ":")
    if not MAC.fullmatch(spelt):
        raise ValueError("is not a MAC address like 52:54:00:12:34:56")
    return spelt


class Bmc(Strict):
    """The baseboard management controller of a machine. The password comes from exactly one place."""

    type: str = Field(description="Power driver: ipmi, redfish, or another that is installed.")
    address: str = Field(
        min_length=1,
        description="Name or IP address (ipmi), or address with scheme, e.g. https://10.0.0.11 (redfish).",
    )
    port: int | None = Field(None, ge=1, le=65535, description="Port; that of the protocol when left out.")
    username: str = Field(description="User of the BMC, with the right to switch the machine.")
    password: SecretStr | None = Field(None, description="Its password.")
    password_env: str | None = Field(None, description="Environment variable that holds the password.")
    password_file: Path | None = Field(None, description="File whose first line is the password.")
    system: str | None = Field(
        None, description="Redfish: path of the system, e.g. /redfish/v1/Systems/1, where there are several."
    )
    verify: bool = Field(True, description="Redfish: whether TLS certificates are checked.")
    cacert: Path | None = Field(
        None, description="Redfish: file with the CA certificates that sign the BMC's."
    )

    @model_validator(mode="after")
    def _one_password(self) -> "Bmc":
        if sum(value is not None for value in (self.password, self.password_env, self.password_file)) != 1:
            raise ValueError("give exactly one of 'password', 'password_env' and 'password_file'")
        return self

    def secret(self) -> str:
        """The password, from wherever it is kept.

        :raises ConfigError: when the variable is not set or the file cannot be read.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise ConfigError(f"BMC {self.address}: the environment has no variable {self.password_env}")
            return os.environ[self.password_env]
        assert self.password_file is not None
        try:
            return self.password_file.read_text(encoding="utf-8").partition("\n")[0]
        except OSError as error:
            raise ConfigError(f"BMC {self.address}: {self.password_file}: {error.strerror}") from None


class Host(Strict):
    """One machine."""

    name: str = Field(min_length=1, description="As in 'openstack hypervisor list'.")
    macs: tuple[Annotated[str, AfterValidator(_mac)], ...] = Field(
        (), description="MAC addresses of its interfaces; the deployment engine recognises it by them."
    )
    bmc: Bmc = Field(description="How to switch it on and off.")
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
    """Read and validate inventory.yaml; ``defaults.bmc`` holds for every host that does not say otherwise.

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
        or set(defaults) - {"bmc"}
        or not isinstance(defaults.get("bmc", {}), dict)
    ):
        return {**rest, "hosts": data["hosts"], "defaults": defaults}  # an unknown key, told as such
    return {**rest, "hosts": [_filled(host, defaults.get("bmc", {}), base) for host in data["hosts"]]}


def _filled(host: Any, defaults: dict[str, Any], base: Path) -> Any:
    if not isinstance(host, dict) or not isinstance(host.get("bmc", {}), dict):
        return host
    own = host.get("bmc", {})
    ways = ("password", "password_env", "password_file")
    if any(way in own for way in ways):
        defaults = {name: value for name, value in defaults.items() if name not in ways}
    bmc = {**defaults, **own}
    for name in ("password_file", "cacert"):
        if isinstance(bmc.get(name), str):
            bmc[name] = str(base / Path(bmc[name]).expanduser())
    return {**host, "bmc": bmc}
