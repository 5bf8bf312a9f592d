"""The lab's Fuel: what `lab up` writes for it, what it remembers, and what it notices of machines."""

import json
import stat

import pytest

from pumphouse.clock import StoppableClock
from pumphouse.config import load
from pumphouse.drivers.provision.fuel import FuelProvisioner
from pumphouse.lab.client_files import write_client_files
from pumphouse.lab.fuel import agent, members
from pumphouse.lab.fuel.__main__ import begin
from pumphouse.lab.fuel.agent import Agents
from pumphouse.lab.fuel.releases import RELEASES
from pumphouse.lab.fuel.state import State
from pumphouse.lab.home import choose_settings, clouds_of, room_of, write_settings
from pumphouse.lab.machine_files import mac_addresses, machine_id, write_machine_files
from pumphouse.wiring import open_provisioner

HOST = "source-compute-1"


@pytest.fixture
def room(tmp_path):
    settings = choose_settings(tmp_path, {"machines": True, "engine": "fuel", "fuel_release": "6.1"})
    write_settings(tmp_path, settings, clouds_of(tmp_path, settings))
    made = room_of(tmp_path, settings)
    write_client_files(tmp_path, clouds_of(tmp_path, settings), made)
    write_machine_files(made)
    return made


def test_pumphouse_reads_what_the_lab_writes_for_it(room, tmp_path):
    password = tmp_path / "fuel-password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    engine = open_provisioner(load(tmp_path / "config.yaml"), "destination", StoppableClock())
    assert isinstance(engine, FuelProvisioner)
    assert engine._settings.secret() == password.read_text().strip()
    assert engine._settings.url == json.loads((tmp_path / "lab.json").read_text())["fuel"]["url"]
    assert room.version("fuel") == ("", "6.1")


class Machines:
    """Only what is seen of them."""

    disk = "source"

    def __init__(self, **running):
        self.running = running

    def seen(self):
        return [
            {
                "name": name,
                "uuid": machine_id(name),
                "macs": mac_addresses(name),
                "running": what,
                "disk": self.disk,
            }
            for name, what in ((name.replace("_", "-"), what) for name, what in self.running.items())
        ]


def test_a_restarted_master_knows_what_it_knew_and_gives_up_what_it_did(room, tmp_path):
    file = tmp_path / "state.json"
    state = State(RELEASES["6.1"], file)
    begin(state, room)
    Agents(state, Machines(source_compute_1="bootstrap")).look()
    node = state.by_mac(set(mac_addresses(HOST)))
    members.assign(state, state.clusters[2], [{"id": node.id, "roles": ["compute"]}])
    node.status = "provisioning"
    state.save()
    again = State(RELEASES["6.1"], file)
    assert again.clusters == state.clusters
    assert again.nodes[1] == state.nodes[1]
    assert (again.nodes[node.id].status, again.nodes[node.id].error_type) == ("error", "provision")
    assert again.next("node") == node.id + 1


def test_only_the_bootstrap_system_registers_a_machine(room):
    state = State(RELEASES["9.2"])
    for what in ("off", "nothing", "source"):
        Agents(state, Machines(source_compute_1=what)).look()
    assert state.nodes == {}


def test_what_runs_nothing_is_offline_after_a_while(room, monkeypatch):
    state, machines = State(RELEASES["9.2"]), Machines(source_compute_1="bootstrap")
    agents = Agents(state, machines)
    agents.look()
    machines.running["source_compute_1"] = "nothing"
    agents.look()
    assert state.nodes[1].online
    monkeypatch.setattr(agent, "OFFLINE_SECONDS", 0.0)
    agents.look()
    assert not state.nodes[1].online
    machines.disk = "destination"  # what was installed there runs, though nova-compute does not
    monkeypatch.setattr(agent, "OFFLINE_SECONDS", 5.0)
    agents.look()
    assert state.nodes[1].online
