"""The process of the machines: ``python -m pumphouse.lab.machines ROOT machines PORT``."""

import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from pumphouse.lab.home import clouds_of, read_settings, room_of
from pumphouse.lab.machine_files import USER
from pumphouse.lab.machines.machine import Machine
from pumphouse.lab.machines.machinery import Machinery

# shared with the services' processes, and as untyped as they are
http_server: Any = importlib.import_module("pumphouse.lab.process.http_server")


class Board:
    """What a BMC sees of its machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def power(self) -> str:
        """``on`` or ``off``."""
        return self._machine.record.power

    def switch(self, power: str) -> None:
        """Returns at once, as a BMC does."""
        self._machine.ask(power)

    def boot(self) -> str:
        """``disk`` or ``network``."""
        return self._machine.record.boot

    def boot_from(self, device: str) -> None:
        """The next time."""
        self._machine.boot_from(device)


def application(machinery: Machinery) -> Callable[..., Iterable[bytes]]:
    """The machines' interface as a WSGI application: JSON in, JSON out."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        words = environ["PATH_INFO"].strip("/").split("/")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            body = json.loads(environ["wsgi.input"].read(length) or b"{}")
        except ValueError:
            body = None
        if words[0] == "agents":
            token = parse_qs(environ["QUERY_STRING"]).get("agent_token", [""])[0]
            status, described = machinery.agent(environ["REQUEST_METHOD"], words[1:], token, body)
        else:
            status, described = machinery.handle(environ["REQUEST_METHOD"], words, body)
        text = json.dumps(described).encode()
        start_response(f"{int(status)} -", [("Content-Type", "application/json")])
        return [text]

    return answer


def main() -> None:
    """Serve until the process is ended."""
    root, port = Path(sys.argv[1]), int(sys.argv[3])
    settings = read_settings(root.parent)
    room = room_of(root.parent, settings) if settings else None
    if settings is None or room is None:
        sys.exit(f"there are no machines at {root.parent}")
    machinery = Machinery(room, clouds_of(root.parent, settings))
    machinery.start()
    gate = http_server.Gate()
    server = http_server.listen(gate, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    password = room.password_file.read_text().partition("\n")[0]
    machines = list(machinery.machines.values())
    bmc_ports = [room.bmc_port(machine.record.name) for machine in machines]
    if settings.machines and settings.machines.bmc == "redfish":
        from pumphouse.lab.machines import redfish

        emulator = redfish.application(machines, root, USER, password)
        redfish_server = http_server.listen(emulator, bmc_ports[0])
        gate.application = application(machinery)
        redfish_server.serve_forever()
    else:
        from pumphouse.lab.machines.ipmi import MachineBmc

        for machine, bmc_port in zip(machines, bmc_ports, strict=True):
            MachineBmc(Board(machine), bmc_port, USER, password)
        gate.application = application(machinery)
        MachineBmc.listen()


if __name__ == "__main__":
    main()
