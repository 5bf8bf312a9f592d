"""The engine ``fuel``: a master of its own, which has the clouds as environments."""

import secrets
from pathlib import Path
from typing import Any

from pumphouse.lab.room import Room


def prepare(room: Room) -> None:
    """Write the master's password, unless it is there."""
    file = password_file(room)
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_urlsafe(9) + "\n")


def deployment(room: Room) -> dict[str, Any]:
    """The environment of the destination."""
    access = {"username": "admin", "password_file": password_file(room).name}
    return {"type": "fuel", "url": room.url("fuel"), "environment": "destination", **access}


def password_file(room: Room) -> Path:
    """The password of the master's user ``admin``."""
    return room.home / "fuel-password"
