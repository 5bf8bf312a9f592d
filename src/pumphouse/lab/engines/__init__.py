"""Deployment engines of the lab: what ``lab up --engine`` chooses from.

A server that an engine has is a package of its own, run as ``python -m pumphouse.lab.ENGINE ROOT ENGINE PORT``;
its port is in ``room.SERVERS``.
"""

from typing import Any, Protocol

from pumphouse.lab.engines import command, fuel, ironic
from pumphouse.lab.room import Room


class Engine(Protocol):
    """A module of this package."""

    def prepare(self, room: Room) -> None:
        """Write the files it needs; repeatable."""

    def deployment(self, room: Room) -> dict[str, Any]:
        """What config.yaml says of it: ``destination.deployment``."""


ENGINES: dict[str, Engine] = {"command": command, "fuel": fuel, "ironic": ironic}
