"""What operators add around a migration: checks of a server's health, and commands of their own."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

Command = tuple[str, ...]


class Strict(BaseModel):
    """Unknown keys are errors; values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HealthCheck(Strict):
    """Whether a server does its work. Asked before it is stopped, and again when it runs in the destination."""

    type: Literal["ping", "tcp", "http", "command"] = Field(description="How it is asked.")
    address: str = Field(
        "", description="Where; its first floating IP, else its first fixed one, when left out."
    )
    port: int | None = Field(None, ge=1, le=65535, description="tcp: the port that must take a connection.")
    url: str = Field(
        "",
        description="http: what must answer with a status below 400; {address} stands for the address.",
    )
    command: Command = Field(
        (), description="command: program and arguments, run here without a shell; must end with code 0."
    )
    timeout: float = Field(5, gt=0, le=600, description="Seconds that one try may take.")
    attempts: int = Field(10, ge=1, le=1000, description="Tries until one succeeds.")
    interval: float = Field(3, ge=0, le=600, description="Seconds between two tries.")

    @model_validator(mode="after")
    def _complete(self) -> "HealthCheck":
        needs = {"tcp": "port", "http": "url", "command": "command"}
        for kind, name in needs.items():
            if (kind == self.type) != bool(getattr(self, name)):
                raise ValueError(f"'{name}' belongs to type {kind}, and only to it")
        if self.url and (
            urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname
        ):
            raise ValueError("'url' must begin with http:// or https:// and name a host or {address}")
        return self

    def __str__(self) -> str:
        """Without what may be a secret: arguments, and the query of an address."""
        detail = {
            "tcp": f" {self.port}",
            "http": f" {urlsplit(self.url).path or '/'}",
            "command": f" {Path(self.command[0]).name}" if self.command else "",
        }
        return self.type + detail.get(self.type, "")


class Hook(Strict):
    """A command of the operator's."""

    command: Command = Field(min_length=1, description="Program and arguments, run here without a shell.")
    timeout: float = Field(
        60, gt=0, le=86400, description="Seconds after which it is killed, and has failed."
    )

    def __str__(self) -> str:
        return Path(self.command[0]).name


Hooks = tuple[Hook, ...]


class ServerHooks(Strict):
    """Commands around the move of each server."""

    before_stop: Hooks = Field((), description="Before a server is stopped; a failure leaves it where it is.")
    after_start: Hooks = Field((), description="When it runs in the destination and is healthy.")


class RunHooks(Strict):
    """Commands around the stages of a run; one before a stage that fails refuses it."""

    plan_accepted: Hooks = Field((), description="Before migrate does anything.")
    before_prepare: Hooks = Field((), description="Before what needs no downtime.")
    after_prepare: Hooks = Field((), description="After it, before the first server is stopped.")
    before_verify: Hooks = Field((), description="Before both sides are compared.")
    after_verify: Hooks = Field((), description="After it.")
    before_commit: Hooks = Field((), description="Before the first original is deleted.")
    after_commit: Hooks = Field((), description="After the last one.")
    before_rollback: Hooks = Field((), description="Before anything is removed in the destination.")
    after_rollback: Hooks = Field((), description="When the source has its servers back.")
