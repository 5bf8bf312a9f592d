"""What is there for all tenants: what a deployer sets up in both clouds, and what the parent offers."""

from typing import Any

from pumphouse.lab.populate.builder import Builder
from pumphouse.lab.populate.tenant import PARENT, Tenant

EXTERNAL, SHARED = "public", "acme-shared"
FLAVOR, PRIVATE_FLAVOR = "acme.small", "acme.private"
SIZES = {"ram": 64, "vcpus": 1, "disk": 1}


def deployed(builder: Builder) -> None:
    """The external network, alike in both clouds."""
    for cloud in (builder.admin, builder.destination):
        _external(cloud.network)


def _external(neutron: Any) -> None:
    network = neutron.find_network(EXTERNAL) or neutron.create_network(
        name=EXTERNAL,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    if not network.subnet_ids:
        neutron.create_subnet(
            network_id=network.id,
            name="public-v4",
            ip_version=4,
            cidr="203.0.113.0/24",
            enable_dhcp=False,
        )


def offered(builder: Builder) -> None:
    """The network the parent project shares with everybody."""
    neutron, owner = builder.admin.network, builder.id("project", PARENT)
    network = builder.ensure(
        "network",
        SHARED,
        PARENT,
        neutron.networks(name=SHARED),
        lambda: neutron.create_network(
            name=SHARED, description="Between the departments", project_id=owner, is_shared=True
        ),
    )
    builder.ensure(
        "subnet",
        SHARED,
        PARENT,
        neutron.subnets(name=SHARED),
        lambda: neutron.create_subnet(
            network_id=network.id,
            project_id=owner,
            name=SHARED,
            ip_version=4,
            cidr="10.9.0.0/24",
            gateway_ip=None,
            allocation_pools=[{"start": "10.9.0.100", "end": "10.9.0.200"}],
        ),
    )


def flavors(builder: Builder, first: Tenant) -> None:
    """A public flavor with extra specs and a private one for the first tenant."""
    compute = builder.admin.compute
    everything = list(compute.flavors(is_public=None))

    def small() -> Any:
        made = compute.create_flavor(name=FLAVOR, description="Acme's usual", **SIZES)
        compute.create_flavor_extra_specs(
            made, {"hw_rng:allowed": "True", "quota:disk_read_iops_sec": "2000"}
        )
        return made

    def private() -> Any:
        made = compute.create_flavor(name=PRIVATE_FLAVOR, id="acme-private", is_public=False, **SIZES)
        compute.create_flavor_extra_specs(made, {"hw:watchdog_action": "reset"})
        compute.flavor_add_tenant_access(made, builder.id("project", first.name))
        return made

    for name, make in ((FLAVOR, small), (PRIVATE_FLAVOR, private)):
        builder.ensure("flavor", name, "", (each for each in everything if each.name == name), make)
