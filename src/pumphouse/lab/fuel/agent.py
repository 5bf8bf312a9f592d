"""The agents of all machines: what runs the bootstrap system reports, and what stops reporting is offline."""

import time
from typing import Any

from pumphouse.lab.fuel import members
from pumphouse.lab.fuel.answers import Failure
from pumphouse.lab.fuel.hardware import Broken, Hardware
from pumphouse.lab.fuel.state import WORKED_ON, State

REPORT_SECONDS = 0.5
OFFLINE_SECONDS = 15.0  # real ones: 180
DISKS = (("sda", 100_000_000_000, "07"), ("sdb", 200_000_000_000, "08"))


class Agents:
    """Looks at the machines and reports for them, over and over."""

    def __init__(self, state: State, hardware: Hardware) -> None:
        self._state = state
        self._hardware = hardware
        self._heard: dict[int, float] = {}

    def run(self) -> None:
        """For ever; the machines may come and go."""
        while True:
            try:
                self.look()
            except Broken:  # they are being started or stopped
                time.sleep(REPORT_SECONDS)
            time.sleep(REPORT_SECONDS)

    def look(self) -> None:
        """Once."""
        for machine in self._hardware.seen():
            with self._state.lock:
                self._hear(machine)

    def _hear(self, machine: dict[str, Any]) -> None:
        state, now = self._state, time.monotonic()
        node = state.by_mac(set(machine["macs"]))
        # the bootstrap system ends when the disk is written, though the machine starts from it only then
        if machine["running"] == "bootstrap" and not (node and node.status in WORKED_ON):
            body = described(machine)
            try:
                members.report(state, body)
            except Failure:
                node = members.register(state, body)
                state.save()
        if node is None:
            return
        # what Fuel has installed runs an agent, whether or not nova-compute came up on it
        installed = machine["running"] == "nothing" and machine["disk"] == "destination"
        if installed or machine["running"] not in ("off", "nothing"):
            self._heard[node.id] = now
        node.online = now - self._heard.setdefault(node.id, now) < OFFLINE_SECONDS


def described(machine: dict[str, Any]) -> dict[str, Any]:
    """What the agent on a machine reports."""
    macs = machine["macs"]
    nics = [_interface(number, mac) for number, mac in enumerate(macs)]
    disks = [
        {
            "name": name,
            "disk": f"disk/by-path/pci-0000:00:{slot}.0",
            "size": size,
            "model": "QEMU HARDDISK",
            "removable": "0",
            "extra": [f"disk/by-id/virtio-{name}"],
        }
        for name, size, slot in DISKS
    ]
    system = {"manufacturer": "QEMU", "product": "Standard PC", "serial": "", "uuid": machine["uuid"]}
    return {
        "mac": macs[0],
        "ip": "10.20.0.150",
        "status": "discover",
        "manufacturer": "QEMU",
        "platform_name": "Standard PC",
        "os_platform": "ubuntu",
        "is_agent": True,
        "agent_checksum": machine["uuid"],
        "meta": {
            "interfaces": nics,
            "disks": disks,
            "system": system,
            "memory": {"total": 8 << 30},
            "cpu": {"total": 4, "real": 1, "spec": []},
        },
    }


def _interface(number: int, mac: str) -> dict[str, Any]:
    bus = f"0000:00:{number + 3:02x}.0"
    speed = {"max_speed": 1000, "current_speed": 1000}
    nic = {"name": f"eth{number}", "mac": mac, "state": "up", "driver": "virtio_net", "bus_info": bus}
    return {**nic, **speed, "pxe": number == 0, "offloading_modes": []}
