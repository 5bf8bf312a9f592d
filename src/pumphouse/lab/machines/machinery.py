"""All machines of a lab: made from its hosts, remembered in a file."""

import http.client
import importlib
import json
import threading
import urllib.error
import urllib.request
from dataclasses import asdict
from typing import Any

from pumphouse.lab.cloud import Cloud
from pumphouse.lab.home import write_private
from pumphouse.lab.machine_files import mac_addresses, machine_id
from pumphouse.lab.machines.machine import Machine, Record, Refused
from pumphouse.lab.room import Room

COMPUTE_SECONDS = 120


class Machinery:
    """The machines, what they act on, and how they are asked."""

    def __init__(self, room: Room, clouds: list[Cloud]) -> None:
        self.boot_seconds = room.settings.boot_seconds
        self._file = room.root / "machines.json"
        self._nova = {cloud.name: cloud.url("nova") for cloud in clouds}
        self._lock = threading.Lock()
        self.machines = {record.name: Machine(record, self) for record in self._records(room)}
        self._agents = self._ironic_agents(room)

    def start(self) -> None:
        """Let the machines live."""
        for machine in self.machines.values():
            machine.start()

    def save(self) -> None:
        """See ``Surroundings``."""
        with self._lock:
            records = [asdict(machine.record) for machine in self.machines.values()]
            write_private(self._file, json.dumps(records, indent=1) + "\n")

    def compute(self, action: str, cloud: str, host: str) -> None:
        """See ``Surroundings``."""
        if not host:
            return  # a controller
        address = f"{self._nova[cloud]}/lab/{action}/{host}"
        with urllib.request.urlopen(address, timeout=COMPUTE_SECONDS) as answer:  # noqa: S310  (Nova, here)
            answer.read()

    def report(self, described: dict[str, Any]) -> None:
        """See ``Surroundings``; Ironic's ramdisk has an agent that reports by itself, Fuel asks the machines."""
        if agent := self._agents.get(described["name"]):
            agent.report()

    def handle(self, method: str, words: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        """Status and answer of one request."""
        try:
            return self._handle(method, words, body)
        except Refused as refused:
            return http.client.CONFLICT, {"error": str(refused)}
        except (KeyError, TypeError) as error:
            return http.client.BAD_REQUEST, {"error": f"not understood: {error!r}"}
        except (RuntimeError, urllib.error.URLError) as error:
            return http.client.INTERNAL_SERVER_ERROR, {"error": str(error)}

    def _ironic_agents(self, room: Room) -> dict[str, Any]:
        """One for each machine, when Ironic installs them."""
        if "ironic" not in room.ports:
            return {}
        agent = importlib.import_module("pumphouse.lab.ironic.agent").Agent
        places = {name: f"{room.url('machines')}/agents/{name}" for name in self.machines}
        return {name: agent(self.machines[name], room.url("ironic"), at) for name, at in places.items()}

    def agent(self, method: str, words: list[str], token: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and answer of a request to the agent of a machine: ``NAME/v1/commands``."""
        if words[:1] and words[0] in self._agents:
            status, answer = self._agents[words[0]].handle(method, words[1:], token, body)
            return int(status), answer
        return http.client.NOT_FOUND, {"faultstring": "there is no such agent"}

    def _handle(self, method: str, words: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        if words == ["machines"] and method == "GET":
            return http.client.OK, [machine.describe() for machine in self.machines.values()]
        if words[:1] != ["machines"] or len(words) < 2 or words[1] not in self.machines:
            return http.client.NOT_FOUND, {"error": "there is no such machine"}
        machine = self.machines[words[1]]
        match (method, words[2:]):
            case ("GET", []):
                pass
            case ("POST", ["power"]):
                machine.switch(body["power"])
            case ("POST", ["boot"]):
                machine.boot_from(body["device"])
            case ("POST", ["write"]):
                machine.write(body["disk"], body.get("host", ""))
            case ("POST", ["fail"]):
                machine.fail(body["what"], body.get("times", 1))
            case _:
                return http.client.NOT_FOUND, {"error": "a machine has power, boot, write and fail"}
        return http.client.OK, machine.describe()

    def _records(self, room: Room) -> list[Record]:
        if self._file.exists():
            return [Record(**stored) for stored in json.loads(self._file.read_text())]
        hosts = [_new(name, cloud, name) for cloud, names in room.hosts.items() for name in names]
        return hosts + [_new(name, "source", "") for name in room.controllers]


def _new(name: str, cloud: str, host: str) -> Record:
    return Record(
        name=name,
        uuid=machine_id(name),
        macs=mac_addresses(name),
        power="on",
        boot="disk",
        booting=False,
        running=cloud,
        disk=cloud,
        host=host,
    )
