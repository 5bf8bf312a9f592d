"""The lab's Fuel in this process: with machines that do as a test says, or with the lab's own, without clouds."""

import importlib
import threading
from pathlib import Path
from typing import Any

from pumphouse.lab.fuel.agent import Agents
from pumphouse.lab.fuel.hardware import Broken, Machines
from pumphouse.lab.fuel.master import Master
from pumphouse.lab.fuel.releases import RELEASES
from pumphouse.lab.fuel.state import State
from pumphouse.lab.home import choose_settings, clouds_of, room_of
from pumphouse.lab.machines.__main__ import application
from pumphouse.lab.machines.machinery import Machinery

http_server: Any = importlib.import_module("pumphouse.lab.process.http_server")
PASSWORD = "s3cret-of-fuel"


class ObedientHardware:
    """Works at once; ``fails`` names what does not; waits while the ``gate`` is closed."""

    def __init__(self) -> None:
        self.fails = ""
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.gate.set()

    def seen(self) -> list[dict[str, Any]]:
        return []

    def erase(self, macs: set[str]) -> None:
        self._do("erase")

    def write(self, macs: set[str], cloud: str, host: str) -> None:
        self._do("write")

    def start(self, macs: set[str], cloud: str) -> None:
        self._do("start")

    def _do(self, what: str) -> None:
        self.reached.set()
        self.gate.wait(30)
        if self.fails == what:
            raise Broken(what)


class CloudlessMachinery(Machinery):
    """Machines whose nova-compute is nobody's business."""

    def compute(self, action: str, cloud: str, host: str) -> None:
        pass


def serve(app: Any) -> tuple[Any, str]:
    """A server of a WSGI application, and its address."""
    server = http_server.listen(app, 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


class FuelLab:
    """A master of a release with the machines of a small lab: hosts of the source, and one of the destination."""

    def __init__(self, home: Path, release: str) -> None:
        settings = choose_settings(home, {"machines": True, "engine": "fuel", "boot_seconds": 0.02})
        room = room_of(home, settings)
        assert room
        room.root.mkdir(parents=True)
        self.machinery = CloudlessMachinery(room, clouds_of(home, settings))
        self.machinery.start()
        self._machines, address = serve(application(self.machinery))
        hardware = Machines(address)
        self.state = State(RELEASES[release], room.root / "fuel.json")
        begin = importlib.import_module("pumphouse.lab.fuel.__main__").begin
        begin(self.state, room)
        self.agents = Agents(self.state, hardware)
        self.master = Master(self.state, hardware, PASSWORD, pace=0.005)
        self._fuel, self.url = serve(self.master)
        self._stop = threading.Event()
        self._eyes = threading.Lock()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            with self._eyes:
                self.agents.look()

    def blind(self) -> None:
        """From now on no agent reports, nor is missed."""
        self._eyes.acquire()

    def machine(self, name: str) -> Any:
        return self.machinery.machines[name]

    def close(self) -> None:
        self._stop.set()
        for server in (self._fuel, self._machines):
            server.shutdown()
            server.server_close()
