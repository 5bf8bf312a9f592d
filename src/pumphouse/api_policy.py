"""How the API is served: where it listens, and who may do what; the ``api`` part of config.yaml."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from pumphouse.hooks import Strict


class Tls(Strict):
    """What the service proves itself with. Both are PEM files; relative paths are relative to config.yaml."""

    certificate: Path = Field(description="Certificate, followed by those of the authorities between.")
    key: Path = Field(description="Private key.")


class Roles(Strict):
    """Which roles of Keystone make somebody what; the highest one counts."""

    viewer: tuple[str, ...] = Field(("reader",), description="Looks at everything, and plans.")
    operator: tuple[str, ...] = Field(("member",), description="Also migrates, verifies and rolls back.")
    approver: tuple[str, ...] = Field(
        ("admin",), description="Also commits, upgrades hosts and decommissions the source."
    )


class ApiPolicy(Strict):
    """How the API is served. Without ``cloud`` there is one token, which ``pumphouse serve`` prints."""

    listen: str = Field(
        "127.0.0.1:8780", description="ADDRESS:PORT; other addresses than loopback need `cloud` and `tls`."
    )
    cloud: Literal["source", "destination"] | None = Field(
        None, description="Whose Keystone says who somebody is: its tokens are taken."
    )
    project: str | None = Field(
        None,
        description="Id of the project that tokens must be scoped to; the one that Pumphouse's administrator works "
        "in when left out.",
    )
    roles: Roles = Field(default_factory=Roles, description="What Keystone's roles allow here.")
    tls: Tls | None = Field(None, description="Certificate and key; plain HTTP when left out.")
    board: SecretStr | None = Field(
        None,
        description="Where conductors find their work: redis://[:PASSWORD@]HOST:PORT/DB or etcd://HOST:PORT; "
        "in the ledger when left out.",
    )
