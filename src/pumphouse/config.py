"""config.yaml: the only reader of configuration files and of the environment.

Validated whole before anything is touched; every error says file, path in it and what would be right.
"""

import os
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from pumphouse.api_policy import ApiPolicy
from pumphouse.errors import ConfigError
from pumphouse.hooks import Strict
from pumphouse.host_policy import DriverChoice, HostPolicy
from pumphouse.policy import Policy


class _Loader(yaml.SafeLoader):
    """Without the numbers of base 60 of YAML 1.1: 52:54:00:12:34:56 is a MAC address."""


INTEGER = "tag:yaml.org,2002:int"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != INTEGER]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(INTEGER, re.compile(r"[-+]?\d+$"), list("-+0123456789"))


PATHS = ("password_file", "cacert", "known_hosts", "user_data")  # settings of drivers that are files


class Auth(Strict):
    """Credentials of an administrator, as in the ``auth`` part of a clouds.yaml entry."""

    auth_url: str = Field(description="Address of Keystone, e.g. https://keystone.example.org:5000/v3.")
    username: str = Field(description="Name of a user with the role admin.")
    password: SecretStr = Field(description="The user's password.")
    project_name: str = Field(description="Project the administrator works in; temporaries are made there.")
    user_domain_name: str = Field("Default", description="Domain of the user.")
    project_domain_name: str = Field("Default", description="Domain of the project.")


class Identity(Strict):
    """Direct access to Keystone's tables, the only way to carry password hashes."""

    connection: SecretStr = Field(
        description="SQLAlchemy URL of Keystone's database, e.g. mysql+pymysql://user:secret@host/keystone."
    )


class Deployment(DriverChoice):
    """The deployment engine of a cloud: its type, and the settings of that type's driver."""

    type: str = Field(description="Driver: fuel, ironic, command, or another that is installed.")


class CloudConfig(Strict):
    """How to reach one cloud: an entry of clouds.yaml, or the credentials themselves."""

    cloud: str | None = Field(None, description="Name of an entry in clouds.yaml.")
    auth: Auth | None = Field(None, description="Credentials, when no clouds.yaml entry is named.")
    region_name: str | None = Field(
        None, description="Region; the entry's own, or the only one, when left out."
    )
    interface: Literal["public", "internal", "admin"] | None = Field(
        None, description="Which endpoints of the catalog to use; the entry's own, or public, when left out."
    )
    cacert: Path | None = Field(None, description="File with the CA certificates that sign the endpoints.")
    verify: bool = Field(True, description="Whether TLS certificates are checked.")
    identity: Identity | None = Field(None, description="Keystone's database, to carry passwords.")
    deployment: Deployment | None = Field(
        None,
        description="What installs its hosts; of the source, only when hosts are to be given back to it.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "CloudConfig":
        if (self.cloud is None) == (self.auth is None):
            raise ValueError(
                "give either 'cloud' (an entry of clouds.yaml) or 'auth' (credentials), not both"
            )
        return self


class Config(Strict):
    """The whole of config.yaml. Relative paths are relative to the file."""

    source: CloudConfig = Field(description="The old cloud.")
    destination: CloudConfig = Field(description="The new cloud.")
    clouds_file: Path | None = Field(
        None, description="clouds.yaml with the entries named above; the standard places when left out."
    )
    ledger: str = Field(
        "ledger.sqlite",
        description="File, or SQLAlchemy URL, of the ledger that remembers what was made and where.",
    )
    inventory: Path | None = Field(
        None,
        description="inventory.yaml with the hosts and their BMCs; left out: the one beside this file, if there.",
    )
    log_dir: Path = Field(Path("logs"), description="Directory of the log files, one per migration.")
    policy: Policy = Field(default_factory=Policy, description="Decisions with defaults.")
    hosts: HostPolicy = Field(default_factory=HostPolicy, description="Decisions about hosts.")
    api: ApiPolicy = Field(default_factory=ApiPolicy, description="How the API is served, and to whom.")

    @field_validator("ledger")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must name a file or a database URL")
        return value


def search_path() -> tuple[Path, ...]:
    """Where config.yaml is looked for when ``--config`` is not given, best first."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path("config.yaml"), home / "pumphouse" / "config.yaml", Path("/etc/pumphouse/config.yaml")


def find(path: Path | None) -> Path:
    """The configuration file to use.

    :raises ConfigError: when the file given, or every standard place, does not exist.
    """
    candidates = (path,) if path else search_path()
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = ", ".join(str(c) for c in candidates)
    raise ConfigError(
        f"no configuration file: looked for {looked}", "Write one with 'pumphouse init', or use --config."
    )


def load(path: Path) -> Config:
    """Read and validate a configuration file.

    :raises ConfigError: with one line per fault: file, path inside it, what is wrong.
    """
    data = read_yaml(path)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(
            describe(path, error), "See 'pumphouse init --print' and docs/configuration.md."
        ) from None
    return _absolute(config, path.resolve().parent)


def read_yaml(path: Path) -> Any:
    """Parse a YAML file.

    :raises ConfigError: when it cannot be read or is not YAML; says line and column.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not text in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        raise ConfigError(f"{path}:{where} not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: not valid YAML") from None


def describe(path: Path, error: ValidationError) -> str:
    """The faults of a validation, in one line each; never shows a value (it may be a secret)."""
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"]) or "top level"
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            text = "unknown key"
        elif fault["type"] == "missing":
            text = "is required"
        lines.append(f"{path}: {where}: {text}")
    return "\n".join(lines)


def _absolute(config: Config, base: Path) -> Config:
    changes: dict[str, Any] = {"log_dir": base / config.log_dir}
    beside = base / "inventory.yaml"
    if config.inventory or beside.is_file():
        changes["inventory"] = base / config.inventory.expanduser() if config.inventory else beside
    for role in ("source", "destination"):
        if deployment := getattr(config, role).deployment:
            files = {
                n: f for n, f in (deployment.model_extra or {}).items() if n in PATHS and isinstance(f, str)
            }
            own = {name: str(base / Path(file).expanduser()) for name, file in files.items()}
            kept = deployment.model_copy(update=own)
            changes[role] = getattr(config, role).model_copy(update={"deployment": kept})
    if config.clouds_file:
        changes["clouds_file"] = base / config.clouds_file.expanduser()
    if "://" not in config.ledger:
        changes["ledger"] = str(base / Path(config.ledger).expanduser())
    if tls := config.api.tls:
        files = {name: base / path.expanduser() for name, path in tls}
        changes["api"] = config.api.model_copy(update={"tls": tls.model_copy(update=files)})
    return config.model_copy(update=changes)
