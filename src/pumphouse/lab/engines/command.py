"""The engine ``command``: a script that installs a machine by the machines' own interface."""

import sys
from pathlib import Path
from typing import Any

from pumphouse.lab.room import Room

SCRIPT = Path(__file__).with_name("install_host.py")


def prepare(room: Room) -> None:
    """Write ``engine/install-host`` into the home."""
    program = _program(room)
    program.parent.mkdir(exist_ok=True)
    text = SCRIPT.read_text().replace("{machines}", room.url("machines"))
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o755)


def deployment(room: Room) -> dict[str, Any]:
    """The program is all that the driver ``command`` needs."""
    return {"type": "command", "program": str(_program(room))}


def _program(room: Room) -> Path:
    return room.home / "engine" / "install-host"
