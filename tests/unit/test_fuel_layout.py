"""Disks and interfaces of a Fuel node, made like another one's."""

import pytest

from pumphouse.drivers.provision.fuel.layout import connect, disks_of, lay_out, networks_of, starts_from
from pumphouse.errors import Refused

VOLUMES = [{"name": "os", "min_size": 1000}, {"name": "vm", "min_size": 500}]
ADMIN = {"id": 1, "name": "fuelweb_admin"}
PUBLIC, STORAGE = {"id": 6, "name": "public"}, {"id": 8, "name": "storage"}


def disk(name, size, **volumes):
    sizes = [{"name": volume, "size": each} for volume, each in volumes.items()]
    return {"id": f"by-path/{name}", "name": name, "size": size, "volumes": sizes}


def laid_out(wanted, *disks):
    body = lay_out(wanted, list(disks), VOLUMES)
    return {
        each["id"].removeprefix("by-path/"): {v["name"]: v["size"] for v in each["volumes"]} for each in body
    }


EXAMPLE = disks_of([disk("sda", 5000, os=2000, vm=3000), disk("sdb", 9000, os=0, vm=9000)])


def test_sizes_are_kept_where_there_is_room():
    own = disk("sda", 8000, os=1000, vm=7000), disk("sdb", 9000, os=0, vm=9000)
    assert laid_out(EXAMPLE, *own) == {"sda": {"os": 2000, "vm": 3000}, "sdb": {"os": 0, "vm": 9000}}


def test_on_a_smaller_disk_all_but_the_system_shrink():
    own = disk("sda", 3000, os=1000, vm=2000), disk("sdb", 4000, os=0, vm=4000)
    assert laid_out(EXAMPLE, *own) == {"sda": {"os": 2000, "vm": 1000}, "sdb": {"os": 0, "vm": 4000}}


def test_a_disk_that_the_example_has_not_keeps_its_own_but_for_the_system():
    own = disk("nvme0", 700, os=100, vm=600), disk("sda", 5000, os=0, vm=5000)
    assert laid_out(EXAMPLE, *own) == {"nvme0": {"os": 0, "vm": 600}, "sda": {"os": 2000, "vm": 3000}}


def test_volumes_that_the_roles_do_not_need_are_left_out():
    wanted = {"sda": {"os": 2000, "vm": 1000, "cinder": 1000}}
    assert laid_out(wanted, disk("sda", 5000, os=1000, vm=4000)) == {"sda": {"os": 2000, "vm": 1000}}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (disk("vda", 5000, os=1000, vm=4000), "no disk sda, where the operating system"),
        (disk("sda", 2100, os=1000, vm=1100), "leave 100 MiB for volume 'vm', and Fuel wants 500"),
        (disk("sda", 900, os=900, vm=0), "for volume 'os', and Fuel wants 1000"),
    ],
)
def test_what_does_not_fit_is_refused(own, words):
    with pytest.raises(Refused, match=words) as raised:
        lay_out(EXAMPLE, [own], VOLUMES)
    assert "'disks'" in raised.value.remedy


def nic(number, *networks, **more):
    return {"id": number, "type": "ether", "name": f"eth{number}", "assigned_networks": [*networks], **more}


def connected(wanted, *interfaces, bonds=(), boots_from="eth0"):
    return networks_of(connect(wanted, list(bonds), list(interfaces), boots_from))


def test_networks_go_where_the_example_has_them_and_others_stay():
    wanted = {"eth0": ("fuelweb_admin",), "eth1": ("storage", "private")}  # no private here, no public there
    own = nic(0, ADMIN, STORAGE), nic(1, PUBLIC)
    placed = connected(wanted, *own)
    assert {name: set(each) for name, each in placed.items()} == {
        "eth0": {"fuelweb_admin"}, "eth1": {"public", "storage"},
    }  # fmt: skip


def test_all_else_of_an_interface_is_sent_back_as_it_was():
    own = nic(0, ADMIN, mtu=9000), nic(1, PUBLIC)
    assert connect({"eth0": ("public",)}, [], list(own), "eth0")[0]["mtu"] == 9000


BONDED = {
    "type": "bond", "name": "bond0", "mode": "active-backup", "slaves": [{"name": "eth1"}, {"name": "eth2"}],
    "assigned_networks": [STORAGE], "mac": "52:54:00:00:00:99", "state": None,
}  # fmt: skip


def test_a_bond_is_made_anew_with_its_mode_and_nothing_of_the_other_machine():
    wanted = networks_of([nic(0, ADMIN), nic(1), nic(2), BONDED])
    made = connect(wanted, [BONDED], [nic(0, ADMIN, STORAGE), nic(1), nic(2)], "eth0")
    assert made[-1] == {key: BONDED[key] for key in BONDED if key not in ("mac", "state")}
    assert made[0]["assigned_networks"] == [ADMIN]
    again = connect(wanted, [BONDED], made, "eth0")  # the bond is there already
    assert again == made


@pytest.mark.parametrize(
    ("wanted", "bonds", "words"),
    [
        ({"eth0": ("fuelweb_admin",), "eth7": ("storage",)}, [], "no interface eth7"),
        ({"bond0": ("storage",)}, [BONDED], "no interface eth2"),
        ({"eth1": ("fuelweb_admin",)}, [], "starts from eth0, and the example has fuelweb_admin on eth1"),
    ],
)
def test_what_is_not_there_or_would_not_start_is_refused(wanted, bonds, words):
    with pytest.raises(Refused, match=words) as raised:
        connected(wanted, nic(0, ADMIN, STORAGE), nic(1, PUBLIC), bonds=bonds)
    assert "'interfaces'" in raised.value.remedy


def test_a_bond_may_hold_the_interface_that_the_machine_starts_from():
    bond = {**BONDED, "slaves": [{"name": "eth0"}, {"name": "eth1"}]}
    placed = connected({"bond0": ("fuelweb_admin", "storage")}, nic(0, ADMIN, STORAGE), nic(1), bonds=[bond])
    assert set(placed["bond0"]) == {"fuelweb_admin", "storage"}


def test_the_agent_says_where_a_machine_starts_from_else_its_network_does():
    own = [nic(0, PUBLIC), nic(1, ADMIN)]
    assert starts_from({"meta": {"interfaces": [{"name": "eth0", "pxe": True}]}}, own) == "eth0"
    assert starts_from({"meta": {"interfaces": [{"name": "eth0"}]}}, own) == "eth1"
