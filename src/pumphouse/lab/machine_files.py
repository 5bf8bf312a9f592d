"""The files that let Pumphouse and its deployment engine reach the machines of the lab."""

import secrets
import uuid
from typing import Any

import yaml

from pumphouse.lab.engines import ENGINES
from pumphouse.lab.home import write_private
from pumphouse.lab.room import Room

USER = "operator"


def write_machine_files(room: Room) -> None:
    """Write the BMCs' password and ``inventory.yaml``, unless they are there, and what the engine needs."""
    for directory in (room.root, room.log, room.run):
        directory.mkdir(parents=True, exist_ok=True)
    if not room.password_file.exists():
        write_private(room.password_file, secrets.token_urlsafe(9) + "\n")  # IPMI takes 20 bytes
    inventory = room.home / "inventory.yaml"
    if not inventory.exists():
        hosts = [_host(room, name) for names in room.hosts.values() for name in names]
        hosts += [_host(room, name) | {"role": "controller"} for name in room.controllers]
        inventory.write_text(yaml.safe_dump({"defaults": _defaults(room), "hosts": hosts}, sort_keys=False))
    ENGINES[room.settings.engine].prepare(room)


def machine_id(name: str) -> str:
    """UUID of a machine, the same in all labs."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.machine"))


def mac_addresses(name: str) -> list[str]:
    """Those of its two interfaces."""
    own = uuid.UUID(machine_id(name)).hex
    return [":".join(("52:54:00", own[0:2], own[2:4], f"{number:02x}")) for number in (0, 1)]


def _defaults(room: Room) -> dict[str, Any]:
    access = {"username": USER, "password_file": room.password_file.name}
    return {"bmc": {"type": room.settings.bmc, **access}}


def _host(room: Room, name: str) -> dict[str, Any]:
    if room.settings.bmc == "ipmi":
        bmc: dict[str, Any] = {"address": "127.0.0.1", "port": room.bmc_port(name)}
    else:
        first = next(iter(room.hosts.values()))[0]
        bmc = {
            "address": f"http://127.0.0.1:{room.bmc_port(first)}",
            "system": f"/redfish/v1/Systems/{machine_id(name)}",
        }
    return {"name": name, "macs": mac_addresses(name), "bmc": bmc}
