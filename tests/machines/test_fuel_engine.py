"""The engine ``fuel`` against the lab's Fuel of each release: a host goes over, and whatever may go wrong does."""

import threading
import time

import pytest
from fuel_lab import PASSWORD, FuelLab

from pumphouse.clock import StoppableClock
from pumphouse.drivers.provision.fuel import FuelProvisioner, FuelSettings, environment, nailgun
from pumphouse.errors import (
    DeploymentFailed,
    EngineBusy,
    EngineLoginError,
    EngineUnreachable,
    ProvisionError,
    ProvisioningFailed,
    Refused,
    WipeFailed,
)
from pumphouse.hosts import Host
from pumphouse.lab.fuel.releases import RELEASES
from pumphouse.model import NodeState, Result

HOST, OTHER = "source-compute-1", "source-compute-2"
TIMEOUT = 20


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(environment, "POLL", 0.01)
    monkeypatch.setattr(nailgun, "PAUSE", 0.01)


@pytest.fixture(params=RELEASES)
def lab(request, tmp_path):
    made = FuelLab(tmp_path, request.param)
    yield made
    made.close()


def engine(lab, cloud="destination", **settings):
    wanted = {"url": lab.url, "environment": cloud, "password": PASSWORD, **settings}
    return FuelProvisioner(FuelSettings.model_validate(wanted), StoppableClock())


def host(lab, name=HOST):
    bmc = {"type": "ipmi", "address": name, "username": "u", "password": "never told"}
    return Host.model_validate({"name": name, "macs": lab.machine(name).record.macs, "bmc": bmc})


def silent(percent, words):
    pass


def until(what, look):
    deadline = time.monotonic() + TIMEOUT
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def boot(lab, name=HOST):
    """As its BMC would; returns when Fuel has it."""
    lab.machine(name).boot_from("network")
    lab.machine(name).switch("reset")
    fuel = engine(lab)
    until("discovered", lambda: (node := fuel.find(host(lab, name))) and node.state is NodeState.FREE)


def assigned(lab, name=HOST, **settings):
    boot(lab, name)
    fuel = engine(lab, **settings)
    fuel.assign(host(lab, name))
    return fuel


def own(lab, name=HOST):
    return lab.state.by_mac(set(lab.machine(name).record.macs))


def networks(node):
    return {i["name"]: {n["name"] for n in i["assigned_networks"]} for i in node.interfaces}


def installed(lab, name=HOST, cloud="destination"):
    fuel = assigned(lab, name) if cloud == "destination" else adopted(lab, name)
    return fuel.deploy(host(lab, name), silent, TIMEOUT)


def adopted(lab, name=HOST):
    """Make it a host that Fuel has installed in the source; a layout has to be said where there is no example."""
    boot(lab, name)
    fuel = engine(
        lab, "source", disks={"sda": {"os": 30000, "vm": 60000}}, interfaces={"eth0": ["fuelweb_admin"]}
    )
    fuel.assign(host(lab, name))
    return fuel


def test_a_machine_goes_from_the_network_to_the_destination(lab):
    fuel, told, lab.master.pace = engine(lab), [], 0.05
    assert [line.result for line in fuel.check()] == [Result.OK] * 3
    assert fuel.find(host(lab)) is None
    boot(lab)
    fuel.assign(host(lab))
    assert fuel.find(host(lab)).state is NodeState.ASSIGNED
    name = fuel.deploy(host(lab), lambda percent, words: told.append(words), TIMEOUT)
    node = fuel.find(host(lab))
    assert (node.state, node.host, node.name) == (NodeState.DEPLOYED, name, HOST)
    assert name == f"node-{node.id}.example.com"
    record = lab.machine(HOST).record
    assert (record.running, record.disk, record.host) == ("destination", "destination", name)
    assert {"provisioning", "deploying"} <= set(told)
    resets = record.resets
    assert fuel.deploy(host(lab), silent, TIMEOUT) == name  # found done
    assert lab.machine(HOST).record.resets == resets


def test_disks_and_interfaces_are_those_of_the_example(lab):
    assigned(lab)
    example, node = lab.state.by_mac(set(lab.machine("destination-compute-1").record.macs)), own(lab)
    assert node.layout == example.layout
    assert node.layout["disk/by-path/pci-0000:00:07.0"]["vm"] == 57474
    assert networks(node) == networks(example)
    assert networks(node)["eth1"] == {"public", "storage"}


def test_disks_and_interfaces_may_be_said(lab):
    said = {"eth0": {"fuelweb_admin"}, "eth1": {"public", "management", "storage", "private"}}
    assigned(lab, disks={"sda": {"os": 30000, "vm": 10000}}, interfaces=said)
    node = own(lab)
    assert node.layout["disk/by-path/pci-0000:00:07.0"] == {"os": 30000, "vm": 10000}
    assert networks(node) == said


def test_a_layout_that_does_not_fit_is_refused_before_anything_is_written(lab):
    boot(lab)
    fuel = engine(lab, disks={"sda": {"os": 1000, "vm": 10000}})
    with pytest.raises(Refused, match="leave 1000 MiB for volume 'os', and Fuel wants 27265"):
        fuel.assign(host(lab))
    assert fuel.find(host(lab)).state is NodeState.ASSIGNED
    engine(lab).assign(host(lab))  # mended, the same goes on
    assert own(lab).layout["disk/by-path/pci-0000:00:07.0"]["os"] == 27265


def test_assigned_with_other_roles_it_is_assigned_anew(lab):
    sizes, place = {"sda": {"os": 30000, "vm": 9000, "cinder": 9000}}, {"eth0": ["fuelweb_admin"]}
    assigned(lab, roles=["compute", "cinder"], disks=sizes, interfaces=place)
    engine(lab).assign(host(lab))
    assert own(lab).pending_roles == ["compute"]


def test_what_was_assigned_is_given_back(lab):
    fuel = assigned(lab)
    for _ in range(2):
        fuel.withdraw(host(lab))
        assert fuel.find(host(lab)).state is NodeState.FREE
        assert not own(lab).pending_addition
    fuel.assign(host(lab))
    fuel.deploy(host(lab), silent, TIMEOUT)
    with pytest.raises(Refused, match="has been written to"):
        fuel.withdraw(host(lab))


def test_without_an_example_nothing_is_assigned(lab):
    boot(lab)
    fuel = engine(lab, reference="node-99")
    assert [line.result for line in fuel.check()][-1] is Result.FAIL
    with pytest.raises(Refused, match="has no ready node 'node-99' with role compute"):
        fuel.assign(host(lab))
    assert fuel.find(host(lab)).state is NodeState.FREE


def test_only_a_machine_that_runs_the_bootstrap_system_is_free(lab):
    boot(lab)
    lab.blind()
    own(lab).status = "ready"  # an agent of a system that was not wiped
    node = engine(lab).find(host(lab))
    assert node.state is NodeState.OFFLINE and "delete it in Fuel" in node.message
    with pytest.raises(Refused, match="is not free in Fuel: ready"):
        engine(lab).assign(host(lab))


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("write", ProvisioningFailed, "could not write its operating system: .*failed"),
        (
            "join",
            DeploymentFailed,
            r"could not put OpenStack on it \(error\): Deployment has failed. puppet failed",
        ),
    ],
)
def test_a_failed_installation_says_where_and_is_made_again(lab, what, error, words):
    fuel = assigned(lab)
    lab.machine(HOST).fail(what, 1)
    with pytest.raises(error, match=words) as raised:
        fuel.deploy(host(lab), silent, TIMEOUT)
    assert raised.value.remedy and HOST in raised.value.message
    assert fuel.find(host(lab)).state is NodeState.FAILED
    assert fuel.deploy(host(lab), silent, TIMEOUT).startswith("node-")
    assert lab.machine(HOST).record.running == "destination"


def test_a_deployment_that_was_left_is_joined(lab):
    """As after a kill: another process finds it under way; a failure of it is a failure."""
    fuel = assigned(lab)
    lab.machine(HOST).fail("join", 1)
    lab.master.pace = 0.1
    fuel._environment.change(time.time() + 5)
    until("begun", lambda: own(lab).status == "provisioning")
    with pytest.raises(DeploymentFailed):
        engine(lab).deploy(host(lab), silent, TIMEOUT)


def test_the_failure_of_another_node_is_not_ours(lab):
    broken = assigned(lab, OTHER)
    lab.machine(OTHER).fail("join", 2)
    with pytest.raises(DeploymentFailed):
        broken.deploy(host(lab, OTHER), silent, TIMEOUT)
    assert installed(lab).startswith("node-")
    assert own(lab, OTHER).status == "error"


def test_an_environment_that_is_worked_on_is_waited_for(lab):
    fuel, told = assigned(lab, OTHER), []
    lab.master.pace = 0.05
    fuel._environment.change(time.time() + 5)
    name = assigned(lab).deploy(host(lab), lambda percent, words: told.append(words), TIMEOUT)
    assert name == f"node-{own(lab).id}.example.com"
    assert any("waits for task" in words for words in told)


def test_an_environment_that_stays_locked_is_told(lab):
    fuel = assigned(lab, OTHER)
    lab.master.pace = 0.5
    fuel._environment.change(time.time() + 5)
    mine = assigned(lab)
    with pytest.raises(EngineBusy, match="environment 'destination' is locked by another task"):
        mine.deploy(host(lab), silent, 0.1)
    assert mine.find(host(lab)).state is NodeState.ASSIGNED


def test_another_deployment_that_was_quicker_is_waited_for(lab):
    """Nothing ran when it was looked; the answer to the order says so, each release in its own way."""
    quicker, fuel = assigned(lab, OTHER), assigned(lab)
    looked = fuel._environment.idle

    def overtaken(end, tell):
        fuel._environment.idle = looked
        own(lab).pending_addition = False  # the other one does not take it along
        lab.state.nodes[own(lab).id].status = "stopped"
        assert quicker._environment.change(end)
        own(lab).status = "discover"

    lab.master.pace = 0.05
    fuel._environment.idle = overtaken
    assert fuel.deploy(host(lab), silent, TIMEOUT).startswith("node-")
    assert own(lab, OTHER).status == "ready"


def test_what_another_deployment_takes_along_is_not_deployed_twice(lab):
    other, fuel = assigned(lab, OTHER), assigned(lab)
    lab.master.pace = 0.05
    other._environment.change(time.time() + 5)
    assert fuel.deploy(host(lab), silent, TIMEOUT).startswith("node-")
    assert lab.machine(HOST).record.resets == 2  # into the bootstrap system, and out of it


def test_a_removal_that_somebody_else_has_asked_for_is_not_carried_out(lab):
    installed(lab, OTHER)
    engine(lab)._environment.unassign(own(lab, OTHER).id)
    fuel = assigned(lab)
    with pytest.raises(Refused, match="has node 'source-compute-2' with pending deletion"):
        fuel.deploy(host(lab), silent, TIMEOUT)
    assert own(lab, OTHER).status == "ready"


def test_an_offline_machine_does_not_begin(lab):
    fuel = assigned(lab)
    lab.blind()
    own(lab).online = False
    with pytest.raises(ProvisionError, match=r"did not begin: Nodes .* are offline"):
        fuel.deploy(host(lab), silent, TIMEOUT)
    assert fuel.find(host(lab)).message == "it does not report"


def test_a_host_that_failed_and_went_silent_is_told(lab):
    """Fuel deploys nothing on what it does not hear from."""
    fuel = assigned(lab)
    lab.machine(HOST).fail("write", 1)
    with pytest.raises(ProvisioningFailed):
        fuel.deploy(host(lab), silent, TIMEOUT)
    lab.blind()
    own(lab).online = False
    with pytest.raises(
        ProvisionError, match=r"does not hear from it \(error\): Nodes .* are offline"
    ) as raised:
        fuel.deploy(host(lab), silent, TIMEOUT)
    assert "Start the machine" in raised.value.remedy


def test_a_host_of_the_source_is_let_go_wiped_and_found_again(lab):
    installed(lab, cloud="source")
    former, old = engine(lab, "source"), own(lab).id
    assert former.find(host(lab)).state is NodeState.DEPLOYED
    assert engine(lab).find(host(lab)).state is NodeState.ELSEWHERE
    assert engine(lab).find(host(lab)).message == "ready in environment 'source'"
    with pytest.raises(Refused, match="in another environment"):
        engine(lab).assign(host(lab))
    former.release(host(lab), silent, TIMEOUT)
    assert lab.machine(HOST).record.disk == "blank"
    until("found", lambda: (node := engine(lab).find(host(lab))) and node.state is NodeState.FREE)
    assert own(lab).id > old
    former.release(host(lab), silent, TIMEOUT)  # found done


def test_a_host_that_is_not_wiped_is_told_and_wiped_the_next_time(lab):
    installed(lab, cloud="source")
    former = engine(lab, "source")
    lab.machine(HOST).fail("write", 1)
    with pytest.raises(WipeFailed, match="is still in the environment 'source' of Fuel: erase failed"):
        former.release(host(lab), silent, TIMEOUT)
    assert (own(lab).status, own(lab).pending_deletion) == ("error", False)
    former.release(host(lab), silent, TIMEOUT)
    assert lab.machine(HOST).record.disk == "blank"


def test_a_host_that_does_not_report_is_not_taken_out(lab):
    """Fuel would drop it without wiping it, and never see it again."""
    installed(lab, cloud="source")
    lab.blind()
    own(lab).online = False
    with pytest.raises(WipeFailed, match="does not report to Fuel"):
        engine(lab, "source").release(host(lab), silent, TIMEOUT)
    assert own(lab) and not own(lab).pending_deletion


def test_a_removal_while_the_source_is_locked_is_undone(lab):
    installed(lab, cloud="source")
    former = engine(lab, "source")
    adopted(lab, OTHER)
    lab.master.pace = 0.3
    threading.Timer(0, lambda: former._environment.change(time.time() + 5)).start()
    until("locked", lambda: lab.state.running(1))
    with pytest.raises(EngineBusy, match="'source' is locked"):
        former.release(host(lab), silent, 0.1)
    assert not own(lab).pending_deletion


@pytest.mark.parametrize("mark", ["pending_addition", "error"])
def test_a_removal_does_not_deploy_what_others_have_pending(lab, mark):
    installed(lab, cloud="source")
    other = adopted(lab, OTHER)
    if mark == "error":
        lab.machine(OTHER).fail("write", 1)
        with pytest.raises(ProvisioningFailed):
            other.deploy(host(lab, OTHER), silent, TIMEOUT)
    with pytest.raises(Refused, match=f"has node 'source-compute-2' with {mark.replace('_', ' ')}"):
        engine(lab, "source").release(host(lab), silent, TIMEOUT)
    assert not own(lab).pending_deletion


def test_a_token_that_is_too_old_is_replaced(lab):
    fuel = engine(lab)
    fuel.nodes()
    lab.master.tokens.clear()
    assert [node.name for node in fuel.nodes()] == ["destination-compute-1"]


def test_a_refused_login_is_one_line(lab):
    fuel = engine(lab, password="wr0ng")
    (line,) = [line for line in fuel.check() if line.result is Result.FAIL]
    assert "does not accept user 'admin' and its password" in line.detail
    with pytest.raises(EngineLoginError) as raised:
        fuel.nodes()
    assert "wr0ng" not in str(raised.value) + repr(fuel._settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"environment": "cloud-9"}, "no environment 'cloud-9'"),
        ({"roles": ["compute", "wizard"]}, "wizard"),
    ],
)
def test_wrong_settings_are_found_by_the_check(lab, settings, words):
    assert (
        words in next(line for line in engine(lab, **settings).check() if line.result is Result.FAIL).detail
    )


def test_a_master_that_does_not_answer_is_one_line(lab):
    lab.close()
    with pytest.raises(EngineUnreachable, match="does not answer: Connection refused"):
        engine(lab).nodes()
