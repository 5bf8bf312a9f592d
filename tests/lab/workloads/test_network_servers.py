"""Networks around servers: trunks and forwarded addresses in the cutover, shares between projects, all of it undone.

Two projects: ``wires`` has everything, ``guest`` uses what it shares. Further tests of Neutron are the museum's.
"""

import pytest
from clouds import changes, inventory
from museum.network import Maker, external, shown
from tenant import Tenant

KINDS = (
    "network",
    "subnet",
    "router",
    "port",
    "floating ip",
    "rbac policy",
    "trunk",
    "address group",
    "qos policy",
    "address scope",
    "subnet pool",
)
SHARED = (
    *(("network", "net"), ("qos_policy", "gold"), ("address_group", "admins"), ("security_group", "web")),
    *(("address_scope", "scope"), ("subnetpool", "pool")),
)


@pytest.fixture(scope="module")
def wires(lab):
    """A server on a trunk behind a forwarded address, and what is shared with the other project."""
    outside = [external(lab.connect(side)) for side in ("destination", "source")][1]
    made = Tenant(lab, "wires").furnish(30)
    make = made.make = Maker(made.here, made.project.id)
    made.before = inventory(lab.connect("destination"))
    router = make("/routers", "router", name="edge", external_gateway_info={"network_id": outside})["id"]
    make.put(f"/routers/{router}/add_router_interface", subnet_id=made.subnet.id)
    inner = make("/networks", "network", name="inner", mtu=1400)["id"]
    make("/subnets", "subnet", name="inner", network_id=inner, cidr="10.78.0.0/24", ip_version=4)
    made.first, made.second = (made.server(f"{made.name}-{name}") for name in ("one", "two"))
    ports = {port.name: port for port in made.here.network.ports(project_id=made.project.id)}
    made.port = ports[f"{made.name}-one-port"]
    child = make("/ports", "port", name="child", network_id=inner)["id"]
    made.late = make("/ports", "port", name="late", network_id=inner)["id"]
    sub = {"port_id": child, "segmentation_type": "vlan", "segmentation_id": 7}
    made.trunk = make("/trunks", "trunk", name="trunk", port_id=made.port.id, sub_ports=[sub])["id"]
    made.address = make("/floatingips", "floatingip", floating_network_id=outside)
    for number, name in ((80, "one"), (81, "two")):
        make(
            f"/floatingips/{made.address['id']}/port_forwardings",
            "port_forwarding",
            protocol="tcp",
            external_port=number,
            internal_port=80,
            internal_port_id=ports[f"{made.name}-{name}-port"].id,
            internal_ip_address=ports[f"{made.name}-{name}-port"].fixed_ips[0]["ip_address"],
        )
    made.shares = {
        "network": made.network.id,
        "qos_policy": make("/qos/policies", "policy", name="gold")["id"],
        "address_group": make("/address-groups", "address_group", name="admins", addresses=["192.0.2.1/32"])[
            "id"
        ],
        "security_group": make("/security-groups", "security_group", name="web")["id"],
        "address_scope": make("/address-scopes", "address_scope", name="scope", ip_version=4)["id"],
    }
    made.shares["subnetpool"] = make(
        *("/subnetpools", "subnetpool"), name="pool", prefixes=["10.79.0.0/16"], default_prefixlen=24
    )["id"]
    return made


@pytest.fixture(scope="module")
def guest(lab, wires):
    """A project that has a port on the network of the other one, in its security group."""
    made = Tenant(lab, "guest")
    for kind, identifier in wires.shares.items():
        wires.make(
            "/rbac-policies",
            "rbac_policy",
            object_type=kind,
            object_id=identifier,
            action="access_as_shared",
            target_tenant=made.project.id,
        )
    made.port = made.tenant.network.create_port(
        network_id=wires.network.id, name="visitor", security_group_ids=[wires.shares["security_group"]]
    )
    return made


@pytest.fixture(scope="module")
def prepared(lab, wires, guest):
    """All but the servers is there."""
    lab.run("migrate", "project", wires.name, "--yes", "--prepare-only")
    return look(lab, "destination", wires)


@pytest.fixture(scope="module")
def arrived(lab, prepared, wires):
    """The servers are there, too; their trunk got a subport in the meantime."""
    sub = {"port_id": wires.late, "segmentation_type": "vlan", "segmentation_id": 8}
    wires.make.put(f"/trunks/{wires.trunk}/add_subports", sub_ports=[sub])
    lab.run("migrate", "project", wires.name, "--yes")
    return look(lab, "destination", wires)


@pytest.fixture(scope="module")
def together(lab, arrived, wires, guest):
    """The other project has arrived, and the first was asked for again."""
    lab.run("migrate", "project", guest.name, "--yes")
    lab.run("migrate", "project", wires.name, "--yes")
    return look(lab, "destination", wires)


def look(lab, side, tenant):
    """What a project has in the network service."""
    cloud = lab.connect(side)
    return shown(cloud, cloud.identity.find_project(tenant.name, ignore_missing=False).id)


def differing(one, other):
    return {kind: (one[kind], other[kind]) for kind in one if one[kind] != other[kind]}


def targets(shares):
    """Kinds of what is shared, with whoever it is shared with."""
    return sorted(kind for kind, _ in SHARED if f"'object_type': '{kind}'" in str(shares))


def test_an_address_answers_for_nobody_before_the_cutover(wires, prepared):
    (address,) = prepared["floating"].values()
    assert "port_forwardings" not in address
    assert address["floating_ip_address"] == wires.address["floating_ip_address"]
    assert not prepared["router"]["edge"].get("admin_state_up")


def test_the_trunk_is_there_before_its_server(prepared):
    assert prepared["trunk"]["trunk"]["sub_ports"]


def test_everything_arrives_but_what_waits_for_the_other_project(lab, wires, arrived):
    assert differing(look(lab, "source", wires) | {"share": []}, arrived | {"share": []}) == {}
    assert arrived["share"] == []


def test_the_server_runs_on_its_trunk(wires, arrived):
    server = wires.there("compute", "servers", wires.first.name)
    neutron = wires.clouds["destination"].network
    (parent,) = neutron.ports(device_id=server.id)
    assert parent.mac_address == wires.port.mac_address
    assert sorted(sub["segmentation_id"] for sub in parent.trunk_details["sub_ports"]) == [7, 8]


def test_shares_come_when_the_other_project_has(together):
    assert targets(together["share"]) == sorted(kind for kind, _ in SHARED)


def test_the_visitor_is_on_the_network(wires, guest, together):
    visitor = guest.there("network", "ports", "visitor")
    network = wires.there("network", "networks", wires.network.name)
    assert (visitor.network_id, visitor.mac_address) == (network.id, guest.port.mac_address)
    assert visitor.fixed_ips[0]["ip_address"] == guest.port.fixed_ips[0]["ip_address"]


def test_a_further_run_makes_nothing(lab, wires, guest, together):
    before = inventory(lab.connect("destination"))
    for name in (wires.name, guest.name):
        lab.run("migrate", "project", name, "--yes")
    assert changes(before, inventory(lab.connect("destination"))) == []


def test_what_changes_at_the_source_is_carried_over(lab, wires, together):
    make = wires.make
    group = f"/address-groups/{wires.shares['address_group']}"
    make.put(f"{group}/add_addresses", addresses=["198.51.100.0/24"])
    make.put(f"{group}/remove_addresses", addresses=["192.0.2.1/32"])
    gold = wires.shares["qos_policy"]
    make(f"/qos/policies/{gold}/dscp_marking_rules", "dscp_marking_rule", dscp_mark=10)
    lab.run("migrate", "project", wires.name, "--yes")
    there = look(lab, "destination", wires)
    here = look(lab, "source", wires)
    assert here["addresses"]["admins"]["addresses"] == ["198.51.100.0/24"]
    names = ("addresses", "qos")
    assert [there[name] for name in names] == [here[name] for name in names]


def test_rollback_empties_the_destination(lab, wires, guest, together):
    for name in (guest.name, wires.name):
        lab.run("rollback", "project", name, "--yes")
    found = changes(wires.before, inventory(lab.connect("destination")))
    assert [line for line in found if line.startswith(KINDS)] == []


def test_commit_leaves_nothing_at_the_source(lab, wires, guest):
    both = ("project", wires.name, guest.name)
    lab.run("migrate", *both, "--yes")
    there = look(lab, "destination", wires)
    lab.run("commit", *both, "--yes")
    left = look(lab, "source", wires)
    assert {kind: list(left[kind]) for kind in left if left[kind] and kind not in ("group", "rule")} == {}
    assert list(left["group"]) == ["default"]
    assert look(lab, "destination", wires) == there
