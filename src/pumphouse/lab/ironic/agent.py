"""What ironic-python-agent does on a machine that started from the network: it reports to Ironic and obeys it.

It keeps to the agent's own API (lookup, heartbeat, commands), and acts on the machine's disk.
"""

import base64
import contextlib
import gzip
import hashlib
import http.client
import io
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import pycdlib

from pumphouse.lab.machines.machine import Machine

VERSION = "11.0.0"  # of the agent whose API this is
API = {"X-OpenStack-Ironic-API-Version": "1.72", "Content-Type": "application/json"}
JOINS = "join-destination"  # what user data must call to make the machine a host of the destination
STEP = {"interface": "deploy", "reboot_requested": False, "abortable": True}
CLEAN_STEPS = [STEP | {"step": "erase_devices_metadata", "priority": 99}]
DEPLOY_STEPS = [STEP | {"step": "write_image", "priority": 0}]
CHECKSUMS = {64: "sha256", 128: "sha512"}  # by their length
MANAGER = "generic_hardware_manager"


@dataclass
class Boot:
    """What the agent knows since the machine started.

    :param number: of the machine's starts; another one is another agent.
    """

    number: int
    node: str = ""
    token: str = ""
    commands: list[dict[str, Any]] = field(default_factory=list)


class Agent:
    """That of one machine.

    :param ironic: address of its API.
    :param address: where this agent is asked.
    """

    def __init__(self, machine: Machine, ironic: str, address: str) -> None:
        self._machine = machine
        self._ironic = ironic
        self._address = address
        self._boot = Boot(-1)
        self._lock = threading.Lock()

    def report(self) -> None:
        """Look up the node that the machine is, and send a heartbeat; Ironic may not know it, or be busy with it."""
        boot = self._current()
        with contextlib.suppress(urllib.error.HTTPError):
            if not boot.node:
                addresses = ",".join(self._machine.record.macs)
                found = self._ask(f"/v1/lookup?{urllib.parse.urlencode({'addresses': addresses})}")
                boot.node, boot.token = found["node"]["uuid"], found["config"]["agent_token"]
            beat = {"callback_url": self._address, "agent_version": VERSION, "agent_token": boot.token}
            self._ask(f"/v1/heartbeat/{boot.node}", beat)

    def handle(self, method: str, words: list[str], token: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and answer of one request of Ironic's."""
        boot = self._current()
        if self._machine.record.running != "bootstrap" or words != ["v1", "commands"]:
            return http.client.NOT_FOUND, {"faultstring": "no agent runs here"}
        if token != boot.token:
            return http.client.UNAUTHORIZED, {"faultstring": "agent_token is not the one of this boot"}
        if method == "GET":
            return http.client.OK, {"commands": boot.commands}
        with self._lock:
            boot.commands.append(self._carry_out(body["name"], body.get("params") or {}))
        return http.client.OK, boot.commands[-1]

    def _current(self) -> Boot:
        if self._boot.number != self._machine.record.resets:
            self._boot = Boot(self._machine.record.resets)
        return self._boot

    def _carry_out(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """A command, as the agent shows it."""
        done: dict[str, Any] = {
            "id": str(len(self._boot.commands)),
            "command_name": name.partition(".")[2],
            "command_params": {},
            "command_status": "SUCCEEDED",
            "command_error": None,
            "command_result": None,
        }
        try:
            done["command_result"] = self._act(name, params)
        except (RuntimeError, ValueError, OSError) as error:
            fault = {
                "type": "CommandExecutionError",
                "code": 500,
                "message": str(error),
                "details": str(error),
            }
            done |= {"command_status": "FAILED", "command_error": fault}
        return done

    def _act(self, name: str, params: dict[str, Any]) -> Any:
        match name:
            case "deploy.get_deploy_steps":
                return {"deploy_steps": {MANAGER: DEPLOY_STEPS}, "hardware_manager_version": {MANAGER: "1"}}
            case "clean.get_clean_steps":
                return {"clean_steps": {MANAGER: CLEAN_STEPS}, "hardware_manager_version": {MANAGER: "1"}}
            case "clean.execute_clean_step":
                self._machine.write("blank", "")
                return {"clean_result": None, "clean_step": params["step"]}
            case "deploy.execute_deploy_step":
                args = params["step"]["args"]
                self._write(args["image_info"], args.get("configdrive"))
                return {"deploy_result": None, "deploy_step": params["step"]}
            case "standby.power_off":
                self._machine.ask("off")
                return None
            case "standby.get_partition_uuids" | "standby.sync":
                return {}
        raise ValueError(f"Unknown command: {name}")

    def _write(self, image: dict[str, Any], drive: str | None) -> None:
        """Fetch the image, prove it, and write it with the config drive: what the machine becomes stands in that."""
        with urllib.request.urlopen(image["urls"][0], timeout=30) as answer:  # noqa: S310  (Ironic's)
            data = answer.read()
        wanted = image.get("os_hash_value") or image["checksum"]
        if (found := hashlib.new(CHECKSUMS[len(wanted)], data).hexdigest()) != wanted:
            raise ValueError(f"the checksum of the image is {found}, not {wanted}")
        host, user_data = read_drive(drive) if drive else ("", "")
        joins = host and JOINS in user_data
        self._machine.write("destination" if joins else "blank", host)

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._ironic + path, data, API)  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")


def read_drive(packed: str) -> tuple[str, str]:
    """Host name and user data of a config drive: base64 of gzip of ISO 9660."""
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(gzip.decompress(base64.b64decode(packed))))

    def file(name: str) -> str:
        data = io.BytesIO()
        try:
            iso.get_file_from_iso_fp(data, joliet_path=f"/openstack/latest/{name}")
        except pycdlib.pycdlibexception.PyCdlibException:
            return ""
        return data.getvalue().decode()

    try:
        return json.loads(file("meta_data.json"))["hostname"], file("user_data")
    finally:
        iso.close()
