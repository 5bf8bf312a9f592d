"""A password that an operator keeps in a file of settings, in a file of its own, or in the environment."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from pumphouse.errors import ConfigError
from pumphouse.hooks import Strict

WAYS = ("password", "password_env", "password_file")


class WithPassword(Strict):
    """Settings of something that wants a password, which comes from exactly one place."""

    password: SecretStr | None = Field(None, description="Its password.")
    password_env: str | None = Field(None, description="Environment variable that holds the password.")
    password_file: Path | None = Field(None, description="File whose first line is the password.")

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if sum(getattr(self, way) is not None for way in WAYS) != 1:
            raise ValueError("give exactly one of 'password', 'password_env' and 'password_file'")
        return self

    @property
    def shown(self) -> str:
        """What it is, for messages."""
        raise NotImplementedError

    def secret(self) -> str:
        """The password, from wherever it is kept.

        :raises ConfigError: when the variable is not set or the file cannot be read.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise ConfigError(f"{self.shown}: the environment has no variable {self.password_env}")
            return os.environ[self.password_env]
        assert self.password_file is not None
        try:
            return self.password_file.read_text(encoding="utf-8").partition("\n")[0]
        except OSError as error:
            raise ConfigError(f"{self.shown}: {self.password_file}: {error.strerror}") from None
