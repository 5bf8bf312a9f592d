"""A host of the source becomes one of the destination: what both clouds are asked and told on the way.

Machine and engine are scripted; what Nova, Neutron, Glance and Placement do is real. The machine's nova-compute is
taken for down with Nova's own ``forced_down``.
"""

import dataclasses

import pytest
import yaml

from pumphouse import config
from pumphouse.errors import NotJoined, Refused, SmokeTestFailed
from pumphouse.events import Bus
from pumphouse.host_policy import SmokeTest
from pumphouse.model import BootDevice, Node, NodeState, PowerState
from pumphouse.wiring import open_service

MICROVERSION = {"microversion": "2.53"}
IMAGE, FLAVOR, HUGE = "host-upgrade", "host-upgrade-tiny", "host-upgrade-huge"


class Machine:
    """BMC and engine of the last host of the source, which joins the destination as ``joins``."""

    name, boots, stops = "Engine", True, False

    def __init__(self, lab):
        self.lab, self.here, self.there = lab, lab.connect("source"), lab.connect("destination")
        self.host = max(h.name for h in self.here.compute.hypervisors())
        self.joins = min(h.name for h in self.there.compute.hypervisors())
        self.node, self.device = None, BootDevice.DISK

    def service(self):
        found = (s for s in self.here.compute.services(binary="nova-compute") if s.host == self.host)
        return next(found, None)

    def change(self, **values):
        path = f"/os-services/{self.service().id}"
        assert self.here.compute.put(path, json=values, **MICROVERSION).status_code == 200

    def state(self):
        return PowerState.ON

    def boot_from(self, device):
        self.device = device

    def reset(self):
        network = self.device is BootDevice.NETWORK
        self.change(forced_down=network)
        self.node = NodeState.FREE if network else None

    def check(self):
        return iter(())

    def find(self, host):
        return Node("1", "n1", self.node, host.macs) if self.node else None

    def enroll(self, host):
        assert self.node is NodeState.FREE

    def assign(self, host):
        self.node = NodeState.ASSIGNED

    def withdraw(self, host):
        self.node = NodeState.FREE

    def deploy(self, host, tell, timeout):
        self.node = NodeState.DEPLOYED
        return self.joins


@pytest.fixture(scope="module")
def cloud(lab):
    """An image and two flavors in the destination; at the end the source has its host again."""
    there = lab.connect("destination")
    image = there.image.create_image(
        name=IMAGE, disk_format="raw", container_format="bare", data=b"\0" * (1 << 20), allow_duplicates=True
    )
    flavors = [there.compute.create_flavor(name=FLAVOR, ram=64, vcpus=1, disk=1)]
    flavors.append(there.compute.create_flavor(name=HUGE, ram=64, vcpus=1, disk=1_000_000))
    yield there
    there.image.delete_image(image)
    for flavor in flavors:
        there.compute.delete_flavor(flavor)
    lab.run("lab", "reset", "--only", "source")  # its nova-compute still runs, unknown to Nova
    lab.run("lab", "up")


@pytest.fixture
def machine(lab, cloud, tmp_path):
    made = Machine(lab)
    made.change(status="disabled", disabled_reason="upgrade")
    bmc = {"type": "ipmi", "address": "127.0.0.1", "username": "u", "password": "p"}
    inventory = tmp_path / "inventory.yaml"
    hosts = [{"name": made.host, "macs": ["52:54:00:00:00:01"], "bmc": bmc}]
    inventory.write_text(yaml.safe_dump({"hosts": hosts}))
    made.config = config.load(lab.config).model_copy(
        update={"inventory": inventory, "ledger": str(tmp_path / "ledger.sqlite"), "log_dir": tmp_path}
    )
    yield made
    if made.service():
        made.change(forced_down=False)
        made.change(status="enabled")


def work(machine, act, flavor=FLAVOR, seconds=60):
    hosts = machine.config.hosts
    timeouts = hosts.timeouts.model_copy(update={"discovery": seconds, "service": seconds})
    hosts = hosts.model_copy(
        update={"smoke_test": SmokeTest(image=IMAGE, flavor=flavor), "timeouts": timeouts}
    )
    with open_service(machine.config.model_copy(update={"hosts": hosts}), Bus()) as service:
        session = service._session
        session.adapters = dataclasses.replace(
            session.adapters,
            power=lambda host: machine,
            provisioner=lambda role: machine if role == "destination" else None,
            network=lambda: None,
        )
        return act(service)


def upgrade(machine, **how):
    return work(machine, lambda service: service.host_change("upgrade", machine.host), **how)


def smoke_tests(cloud):
    """Servers of smoke tests; other tests leave servers there, too."""
    names = (server.name for server in cloud.compute.servers(all_projects=True))
    return [name for name in names if name.startswith("pumphouse-smoke-")]


def test_a_host_with_a_server_is_refused_be_it_off(machine):
    image = machine.here.image.create_image(
        name=IMAGE, disk_format="raw", container_format="bare", data=b"\0" * (1 << 20), allow_duplicates=True
    )
    flavor = machine.here.compute.create_flavor(name=FLAVOR, ram=64, vcpus=1, disk=1)
    machine.change(status="enabled")
    server = machine.here.compute.create_server(
        name="stays",
        image_id=image.id,
        flavor_id=flavor.id,
        networks="none",
        availability_zone=f"nova:{machine.host}",
    )
    machine.here.compute.wait_for_server(server)
    machine.here.compute.stop_server(server)
    machine.here.compute.wait_for_server(server, status="SHUTOFF")
    with pytest.raises(Refused, match="takes new servers"):
        work(machine, lambda service: service.host_plan("upgrade", machine.host))
    machine.change(status="disabled")
    with pytest.raises(Refused, match=r"not empty: servers, 1: stays \(SHUTOFF\)"):
        upgrade(machine)
    assert machine.node is None
    machine.here.compute.delete_server(server)
    machine.here.compute.wait_for_delete(server)
    machine.here.compute.delete_flavor(flavor)
    machine.here.image.delete_image(image)


def test_a_host_of_the_destination_is_refused(machine):
    with pytest.raises(Refused, match="not in inventory"):
        work(machine, lambda service: service.host_plan("upgrade", machine.joins))


def test_a_host_that_never_joins_is_told_and_stays_in_the_source(machine):
    machine.joins = "node-99"
    with pytest.raises(NotJoined, match="it has no nova-compute service"):
        upgrade(machine, seconds=2)
    assert machine.service()


def test_a_smoke_test_that_fails_leaves_nothing_and_the_host_in_the_source(machine, cloud):
    with pytest.raises(SmokeTestFailed, match="did not start"):
        upgrade(machine, flavor=HUGE)
    assert smoke_tests(cloud) == []
    assert machine.service()


def test_a_host_that_was_started_is_given_back(machine):
    work(machine, lambda service: service.host_change("acquire", machine.host))
    assert (machine.node, machine.service().state) == (NodeState.FREE, "down")
    work(machine, lambda service: service.host_change("withdraw", machine.host))
    assert (machine.service().state, machine.service().status) == ("up", "enabled")


def test_a_host_leaves_the_source_and_has_run_a_server_in_the_destination(machine, cloud):
    record = upgrade(machine)
    assert (record.state, record.data["host"]) == ("done", machine.joins)
    assert machine.service() is None
    assert machine.host not in {h.name for h in machine.here.compute.hypervisors()}
    placement = {"endpoint_filter": {"service_type": "placement"}}
    providers = machine.here.session.get("/resource_providers", **placement).json()["resource_providers"]
    assert machine.host not in {provider["name"] for provider in providers}
    assert smoke_tests(cloud) == []


def test_a_source_that_holds_something_is_not_closed(lab, cloud):
    here = lab.connect("source")
    volume = here.block_storage.create_volume(name="left-over", size=1)
    here.block_storage.wait_for_status(volume, "available")
    done = lab.run("decommission", "--yes", check=False)
    assert done.returncode == 3
    assert "volumes, " in done.stderr and "left-over" in done.stderr
    assert "hosts that still run, " in done.stderr
    assert here.block_storage.get_volume(volume).status == "available"
    here.block_storage.delete_volume(volume)
    here.block_storage.wait_for_delete(volume)


def test_an_unknown_host_is_one_clear_line(lab):
    done = lab.run("host", "upgrade", "atlantis", "--yes", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("pumphouse: error: no host named 'atlantis' in either cloud")
