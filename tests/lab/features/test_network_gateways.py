"""A router with several external gateways; where the source has them: PUMPHOUSE_TEST_LAB_SOURCE=2024.1 or younger."""

import pytest
from tenant import Tenant

ALIAS = "external-gateway-multihoming"
ADDRESSES = ("203.0.113.11", "203.0.113.12", "203.0.113.13")


@pytest.fixture(scope="module")
def gate(lab):
    """A router of a project with three addresses outside; both clouds have the external network."""
    made = Tenant(lab, "gates").furnish(61)
    if made.here.network.find_extension(ALIAS, ignore_missing=True) is None:
        pytest.skip(f"the source's Neutron has no extension {ALIAS}")
    made.outside = {side: external(cloud, made.name) for side, cloud in made.clouds.items()}
    made.router = made.tenant.network.create_router(name=f"{made.name}-gate")
    call(made.here, made.router.id, "add", gateways(made, "source", *ADDRESSES[:2]))
    made.tenant.network.add_interface_to_router(made.router, subnet_id=made.subnet.id)
    return made


def external(cloud, name):
    network = cloud.network.create_network(name=f"{name}-public", is_router_external=True)
    subnet = cloud.network.create_subnet(
        network_id=network.id, name=f"{name}-public", ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False
    )
    return network.id, subnet.id


def gateways(made, side, *addresses):
    network, subnet = made.outside[side]
    return [
        {"network_id": network, "external_fixed_ips": [{"subnet_id": subnet, "ip_address": address}]}
        for address in addresses
    ]


def call(cloud, router, word, wanted):
    body = {"router": {"external_gateways": wanted}}
    cloud.network.put(f"/routers/{router}/{word}_external_gateways", json=body).raise_for_status()


def outside(made):
    """The addresses of the counterpart: the first, and the further ones."""
    cloud = made.clouds["destination"].network
    (router,) = (each for each in cloud.routers() if each.name == f"{made.name}-gate")
    told = cloud.get(f"/routers/{router.id}").json()["router"]["external_gateways"]
    first, *others = [gateway["external_fixed_ips"][0]["ip_address"] for gateway in told]
    return first, sorted(others)


def test_all_gateways_are_carried_and_brought_up(lab, gate):
    migrate = ("migrate", "project", gate.name, "--yes", "--prepare-only")
    lab.run(*migrate)
    assert outside(gate) == (ADDRESSES[0], [ADDRESSES[1]])
    assert "nothing to do" in lab.run(*migrate).stderr
    call(gate.here, gate.router.id, "remove", gateways(gate, "source", ADDRESSES[1]))
    call(gate.here, gate.router.id, "add", gateways(gate, "source", ADDRESSES[2]))
    lab.run(*migrate)
    assert outside(gate) == (ADDRESSES[0], [ADDRESSES[2]])
    lab.run("rollback", "project", gate.name, "--yes")
    cloud = gate.clouds["destination"].network
    assert [each for each in cloud.routers() if each.name == f"{gate.name}-gate"] == []
