"""A tenant's servers, made by its people, with ports, addresses and disks."""

import base64
from typing import Any

from pumphouse.lab.populate import network, storage
from pumphouse.lab.populate.builder import Builder
from pumphouse.lab.populate.identity import KEYPAIR
from pumphouse.lab.populate.shared import FLAVOR, PRIVATE_FLAVOR, SHARED
from pumphouse.lab.populate.tenant import CHILDREN, PARENT, Shape, Tenant, draw

USER_DATA = "#!/bin/sh\necho This is {name}\n"


def build(builder: Builder, tenant: Tenant) -> None:
    """All servers side by side, after the groups some of them belong to."""
    for policy in sorted({shape.apart for shape in tenant.servers} - {""}):
        _server_group(builder, tenant, policy)
    builder.side_by_side(lambda shape: _server(builder, tenant, shape), tenant.servers)


def _server_group(builder: Builder, tenant: Tenant, policy: str) -> None:
    compute = builder.login(tenant, tenant.people[0]).compute
    name = tenant.named(policy)
    builder.ensure(
        "server group",
        name,
        tenant.name,
        (each for each in compute.server_groups() if each.name == name),
        lambda: compute.create_server_group(name=name, policy=policy),
    )


def _server(builder: Builder, tenant: Tenant, shape: Shape) -> None:
    cloud = builder.login(tenant, tenant.people[shape.person])
    name = tenant.named(shape.name)
    port = _port(builder, tenant, shape, cloud.network)
    others = [{"uuid": _network(builder, tenant, nic)} for nic in shape.nics[1:]]

    def make() -> Any:
        made = cloud.compute.create_server(
            name=name,
            networks=[{"port": port.id}, *others],
            security_groups=[{"name": group} for group in shape.groups],
            **_root(builder, tenant, shape),
            **_dress(builder, tenant, shape),
        )
        return builder.wait(f"server {name}", lambda: cloud.compute.get_server(made.id), "ACTIVE")

    there = cloud.compute.servers(name=f"^{name}$")
    server = builder.ensure("server", name, tenant.name, there, make)
    for kind in shape.data:
        _attach(builder, tenant, cloud, server, tenant.named(storage.data_name(shape, kind)))
    if shape.floating:
        network.floating(builder, tenant, cloud.network, name, port_id=port.id)


def _root(builder: Builder, tenant: Tenant, shape: Shape) -> dict[str, Any]:
    """Flavor and root disk; only the first tenant has the private flavor, the first two the golden image."""
    base = builder.id("image", storage.BASE)
    flavor = builder.id("flavor", FLAVOR)
    if shape.boot == "golden" and tenant.index == 0:
        flavor = builder.id("flavor", PRIVATE_FLAVOR)
    if shape.boot == "golden" and tenant.index <= 1:
        base = builder.id("image", f"{CHILDREN[0]}-{storage.GOLDEN}", f"{PARENT}-{CHILDREN[0]}")
    if shape.boot == "new-volume":
        disk = {"source_type": "image", "uuid": base, "volume_size": 1, "volume_type": "slow"}
        return {"flavor_id": flavor, "block_device_mapping": [_first(disk, keep=False)]}
    if shape.boot == "volume":
        root = builder.id("volume", tenant.named(f"{shape.name}-root"), tenant.name)
        return {
            "flavor_id": flavor,
            "block_device_mapping": [_first({"source_type": "volume", "uuid": root}, keep=True)],
        }
    return {"flavor_id": flavor, "image_id": base}


def _first(disk: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    return disk | {"destination_type": "volume", "boot_index": 0, "delete_on_termination": not keep}


def _dress(builder: Builder, tenant: Tenant, shape: Shape) -> dict[str, Any]:
    """What a server wears besides flavor, disks and networks."""
    name = tenant.named(shape.name)
    worn: dict[str, Any] = {} if shape.stopped else {"key_name": KEYPAIR}
    if shape.apart:
        group = builder.id("server group", tenant.named(shape.apart), tenant.name)
        worn["scheduler_hints"] = {"group": group}
    if shape.dressed:
        worn |= {
            "description": f"Front of {tenant.name}",
            "metadata": {"tier": "front", "cost centre": str(4000 + tenant.index)},
            "tags": ["front", tenant.short],
            "user_data": base64.b64encode(USER_DATA.format(name=name).encode()).decode(),
            "config_drive": True,
        }
    return worn


def _network(builder: Builder, tenant: Tenant, nic: str) -> str:
    if nic == "shared":
        return builder.id("network", SHARED, PARENT)
    return builder.id("network", tenant.named(nic), tenant.name)


def _port(builder: Builder, tenant: Tenant, shape: Shape, neutron: Any) -> Any:
    """The first NIC's port, with a MAC and addresses of our choice."""
    name = tenant.named(f"{shape.name}-port")

    def make() -> Any:
        made = neutron.create_port(
            network_id=_network(builder, tenant, shape.nics[0]),
            name=name,
            description=f"First NIC of {shape.name}",
            mac_address="fa:16:3e:" + draw(builder.seed, "mac", name).randbytes(3).hex(":"),
            fixed_ips=_addresses(builder, tenant, shape),
            **_guard(builder, tenant, shape, neutron),
        )
        return neutron.set_tags(made, [tenant.short]) if shape.dressed else made

    return builder.ensure("port", name, tenant.name, neutron.ports(name=name), make)


def _addresses(builder: Builder, tenant: Tenant, shape: Shape) -> list[dict[str, str]]:
    host = 20 + tenant.servers.index(shape)
    nic, net = shape.nics[0], 10 + tenant.index
    third = {"app": 0, "back": 1}[nic]
    subnet = builder.id("subnet", tenant.named(f"{nic}-v4"), tenant.name)
    addresses = [{"subnet_id": subnet, "ip_address": f"10.{net}.{third}.{host}"}]
    if nic == "app":
        addresses.append({"subnet_id": builder.id("subnet", tenant.named("app-v6"), tenant.name)})
    return addresses


def _guard(builder: Builder, tenant: Tenant, shape: Shape, neutron: Any) -> dict[str, Any]:
    """Security groups, or none at all on the port of a database's network."""
    if shape.nics[0] == "back":
        return {"is_port_security_enabled": False}
    guard: dict[str, Any] = {
        "security_groups": [_group(builder, tenant, neutron, each) for each in shape.groups]
    }
    if shape.dressed:
        guard["allowed_address_pairs"] = [{"ip_address": f"10.{10 + tenant.index}.0.250"}]
        guard["extra_dhcp_opts"] = [{"opt_name": "bootfile-name", "opt_value": "pxelinux.0", "ip_version": 4}]
    return guard


def _group(builder: Builder, tenant: Tenant, neutron: Any, name: str) -> str:
    project = builder.id("project", tenant.name)
    found = neutron.security_groups(name=name, project_id=project)
    return str(next(found).id)


def _attach(builder: Builder, tenant: Tenant, cloud: Any, server: Any, volume: str) -> None:
    identity = builder.id("volume", volume, tenant.name)
    if all(each.volume_id != identity for each in cloud.compute.volume_attachments(server)):
        cloud.compute.create_volume_attachment(server, volume_id=identity)
        builder.wait(f"volume {volume}", lambda: cloud.block_storage.get_volume(identity), "in-use")


def settle(builder: Builder, tenant: Tenant) -> None:
    """Stop and lock the servers that are meant to be so; their disks are written by now."""
    for shape in tenant.servers:
        _settle(builder, tenant, shape)


def _settle(builder: Builder, tenant: Tenant, shape: Shape) -> None:
    compute = builder.login(tenant, tenant.people[shape.person]).compute
    server = compute.get_server(builder.id("server", tenant.named(shape.name), tenant.name))
    if shape.stopped and server.status == "ACTIVE":
        compute.stop_server(server)
        builder.wait(f"server {server.name}", lambda: compute.get_server(server.id), "SHUTOFF")
    if shape.locked and not server.is_locked:
        compute.lock_server(server, locked_reason="quarterly freeze")
