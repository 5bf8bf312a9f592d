"""The process of a Fuel master: ``python -m pumphouse.lab.fuel [--release R] ROOT fuel PORT``."""

import argparse
import importlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from pumphouse.lab.engines.fuel import password_file
from pumphouse.lab.fuel import agent, disks, interfaces, members
from pumphouse.lab.fuel.hardware import Machines
from pumphouse.lab.fuel.master import Master
from pumphouse.lab.fuel.releases import RELEASES
from pumphouse.lab.fuel.state import State
from pumphouse.lab.home import read_settings, room_of
from pumphouse.lab.machine_files import mac_addresses, machine_id
from pumphouse.lab.room import Room

PACE = 0.1

# shared with the services' processes, and as untyped as they are
http_server: Any = importlib.import_module("pumphouse.lab.process.http_server")


def begin(state: State, room: Room) -> None:
    """Both clouds are environments; the hosts of the destination are what Fuel installed long ago."""
    state.new_cluster("source")
    cluster = state.new_cluster("destination")
    cluster.status = "operational"
    for name in room.hosts["destination"]:
        machine = {"name": name, "uuid": machine_id(name), "macs": mac_addresses(name)}
        node = members.register(state, agent.described(machine))
        members.assign(state, cluster, [{"id": node.id, "roles": ["compute"]}])
        node.name = node.hostname = name
        node.status, node.progress, node.provisioned = "ready", 100, True
        node.roles, node.pending_roles, node.pending_addition = ["compute"], [], False
        _arrange(state, node.id)
    state.save()


def _arrange(state: State, id: int) -> None:
    """Not as Fuel would do it by itself, so that it shows whether others follow the example."""
    node = state.nodes[id]
    first = next(iter(node.layout.values()))
    first["vm"] -= 10_000
    nics = interfaces.shown(state, node)
    nics[1]["assigned_networks"] += [n for n in nics[0]["assigned_networks"] if n["name"] == "storage"]
    nics[0]["assigned_networks"] = [n for n in nics[0]["assigned_networks"] if n["name"] != "storage"]
    node.status = "discover"
    interfaces.change(state, node, nics)
    disks.change(state, node, disks.shown(state, node))
    node.status = "ready"


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", choices=tuple(RELEASES), help="default: that of the lab")
    parser.add_argument("root", type=Path)
    parser.add_argument("service", choices=("fuel",))
    parser.add_argument("port", type=int)
    asked = parser.parse_args()
    settings = read_settings(asked.root.parent)
    room = room_of(asked.root.parent, settings) if settings else None
    if settings is None or room is None:
        sys.exit(f"there are no machines at {asked.root.parent}")
    release = RELEASES[asked.release or room.settings.fuel_release]
    gate = http_server.Gate()
    server = http_server.listen(gate, asked.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    state = State(release, asked.root / f"fuel-{release.name}.json")
    if not state.clusters:
        begin(state, room)
    hardware = Machines(room.url("machines"))
    threading.Thread(target=agent.Agents(state, hardware).run, daemon=True).start()
    gate.application = Master(state, hardware, password_file(room).read_text().strip(), PACE)
    server.serve_forever()


if __name__ == "__main__":
    main()
