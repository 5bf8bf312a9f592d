"""A deployment engine that is an OpenStack service: one of its cloud, or one that stands alone."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from pumphouse.hooks import Strict
from pumphouse.passwords import WAYS, WithPassword


class Standalone(WithPassword):
    """A service without Keystone: HTTP basic authentication when it has a user, else none."""

    url: str = Field(pattern="^https?://", description="Its address, e.g. https://ironic.example.org:6385.")
    username: str | None = Field(None, description="User, when it wants one; then with a password.")
    verify: bool = Field(True, description="Whether the TLS certificate is checked.")
    cacert: Path | None = Field(None, description="File with the CA certificates that sign it.")

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        given = sum(getattr(self, way) is not None for way in WAYS)
        if given != (self.username is not None):
            raise ValueError(
                "give 'username' with one of 'password', 'password_env', 'password_file', or none"
            )
        return self

    @property
    def shown(self) -> str:
        """See ``WithPassword``."""
        return self.url


class EngineService(Strict):
    """Settings of an engine that is an OpenStack service."""

    standalone: Standalone | None = Field(
        None,
        description="Where it stands alone; left out: in the catalog of its cloud, with its credentials.",
    )
