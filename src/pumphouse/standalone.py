"""A deployment engine that is an OpenStack service: one of its cloud, or one that stands alone."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from pumphouse.passwords import WAYS, WithPassword


class EngineService(WithPassword):
    """Settings of an engine that is an OpenStack service.

    Without ``url`` it is the one in the catalog of its cloud, asked with that cloud's credentials.
    """

    url: str | None = Field(
        None,
        pattern="^https?://",
        description="Its address, when it stands alone, e.g. https://ironic.example.org:6385.",
    )
    username: str | None = Field(
        None, description="User of HTTP basic authentication, with a password; it wants none when left out."
    )
    verify: bool = Field(True, description="Whether the TLS certificate of 'url' is checked.")
    cacert: Path | None = Field(None, description="File with the CA certificates that sign it.")

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        given = sum(getattr(self, way) is not None for way in WAYS)
        if given != (self.username is not None):
            raise ValueError(
                "give 'username' with one of 'password', 'password_env', 'password_file', or none"
            )
        if self.username and not self.url:
            raise ValueError("'username' is for an engine with a 'url'")
        return self

    @property
    def shown(self) -> str:
        """See ``WithPassword``."""
        return self.url or "the engine"
