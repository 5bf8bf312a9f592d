"""A tenant's networks, router and security groups."""

from typing import Any

from pumphouse.lab.populate.builder import Builder
from pumphouse.lab.populate.shared import EXTERNAL
from pumphouse.lab.populate.tenant import Tenant


def build(builder: Builder, tenant: Tenant) -> None:
    """Everything below the servers' ports."""
    neutron = builder.login(tenant, tenant.people[0]).network
    app, back = (_network(builder, tenant, neutron, name) for name in ("app", "back"))
    net = 10 + tenant.index
    subnets = [
        _subnet(
            builder,
            tenant,
            neutron,
            app,
            "app-v4",
            ip_version=4,
            cidr=f"10.{net}.0.0/24",
            dns_nameservers=["198.51.100.53", "198.51.100.54"],
            host_routes=[{"destination": "192.168.0.0/16", "nexthop": f"10.{net}.0.9"}],
            allocation_pools=[{"start": f"10.{net}.0.50", "end": f"10.{net}.0.200"}],
        ),
        _subnet(builder, tenant, neutron, app, "app-v6", **_v6(tenant)),
        _subnet(
            builder,
            tenant,
            neutron,
            back,
            "back-v4",
            ip_version=4,
            cidr=f"10.{net}.1.0/24",
            gateway_ip=f"10.{net}.1.254",
        ),
    ]
    _router(builder, tenant, neutron, subnets)
    _groups(builder, tenant, neutron)
    floating(builder, tenant, neutron, tenant.named("reserved"))


def _v6(tenant: Tenant) -> dict[str, Any]:
    """Stateful DHCP for every other tenant, addresses made of the MAC for the rest."""
    mode = "slaac" if tenant.index % 2 else "dhcpv6-stateful"
    return {
        "ip_version": 6,
        "cidr": f"fd00:acbe:{tenant.index:x}::/64",
        "ipv6_ra_mode": mode,
        "ipv6_address_mode": mode,
    }


def _network(builder: Builder, tenant: Tenant, neutron: Any, name: str) -> Any:
    def make() -> Any:
        made = neutron.create_network(
            name=tenant.named(name), description=f"{name} of {tenant.name}", mtu=1400
        )
        return neutron.set_tags(made, [tenant.short, name])

    return builder.ensure(
        "network", tenant.named(name), tenant.name, neutron.networks(name=tenant.named(name)), make
    )


def _subnet(
    builder: Builder, tenant: Tenant, neutron: Any, network: Any, name: str, **attributes: Any
) -> Any:
    def make() -> Any:
        made = neutron.create_subnet(
            network_id=network.id, name=tenant.named(name), description=name, **attributes
        )
        return neutron.set_tags(made, [tenant.short])

    return builder.ensure(
        "subnet", tenant.named(name), tenant.name, neutron.subnets(name=tenant.named(name)), make
    )


def _router(builder: Builder, tenant: Tenant, neutron: Any, subnets: list[Any]) -> None:
    external = neutron.find_network(EXTERNAL, ignore_missing=False)

    def make() -> Any:
        made = neutron.create_router(
            name=tenant.named("router"),
            description="The way out",
            external_gateway_info={"network_id": external.id},
        )
        return neutron.set_tags(made, ["edge"])

    name = tenant.named("router")
    router = builder.ensure("router", name, tenant.name, neutron.routers(name=name), make)
    ports = neutron.ports(device_id=router.id)
    served = {address["subnet_id"] for port in ports for address in port.fixed_ips}
    for subnet in subnets:
        if subnet.id not in served:
            neutron.add_interface_to_router(router, subnet_id=subnet.id)
    hop = f"10.{10 + tenant.index}.0.9"
    neutron.update_router(router, routes=[{"destination": "172.20.0.0/16", "nexthop": hop}])


def _groups(builder: Builder, tenant: Tenant, neutron: Any) -> None:
    """Two groups that let each other in, and a ``default`` that is no longer the default."""
    web, db = (_group(builder, tenant, neutron, name) for name in ("web", "db"))
    default = next(neutron.security_groups(name="default", project_id=web.project_id))
    anywhere, inside = {"remote_ip_prefix": "0.0.0.0/0"}, {"remote_ip_prefix": "10.0.0.0/8"}
    from_web, from_db = ({"remote_group_id": group.id} for group in (web, db))
    _rules(neutron, web, {80: anywhere, 443: anywhere, 9100: from_db})
    _rules(neutron, db, {5432: from_web, 5433: from_db})
    _rules(neutron, default, {22: inside})
    for rule in neutron.security_group_rules(security_group_id=default.id, ether_type="IPv6"):
        if rule.direction == "ingress":
            neutron.delete_security_group_rule(rule)


def _group(builder: Builder, tenant: Tenant, neutron: Any, name: str) -> Any:
    def make() -> Any:
        made = neutron.create_security_group(name=name, description=f"{name} servers of {tenant.name}")
        return neutron.set_tags(made, [tenant.short])

    return builder.ensure("security group", name, tenant.name, neutron.security_groups(name=name), make)


def _rules(neutron: Any, group: Any, remotes: dict[int, dict[str, str]]) -> None:
    """Let each TCP port be reached from its remote; ports that have a rule are left alone."""
    known = {rule.port_range_min for rule in neutron.security_group_rules(security_group_id=group.id)}
    missing = [
        {
            "security_group_id": group.id,
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": port,
            "port_range_max": port,
            "description": f"port {port} of {group.name}",
            **remote,
        }
        for port, remote in remotes.items()
        if port not in known
    ]
    if missing:
        neutron.create_security_group_rules(missing)


def floating(builder: Builder, tenant: Tenant, neutron: Any, description: str, **port: str) -> None:
    """A public address, told from others by its description as it has no name."""

    def make() -> Any:
        external = neutron.find_network(EXTERNAL, ignore_missing=False)
        made = neutron.create_ip(floating_network_id=external.id, description=description, **port)
        return neutron.set_tags(made, [tenant.short])

    builder.ensure("floating ip", description, tenant.name, neutron.ips(description=description), make)


def quotas(builder: Builder, tenant: Tenant) -> None:
    """Limits that are nobody's defaults, large enough for a migration's temporary things."""
    project, extra = builder.id("project", tenant.name), tenant.index + len(tenant.servers)
    cloud = builder.admin
    cloud.compute.update_quota_set(project, instances=21 + extra, cores=43 + extra, ram=61_000 + extra)
    cloud.network.update_quota(project, networks=23 + extra, ports=203 + extra, security_groups=33 + extra)
    cloud.block_storage.update_quota_set(
        project, volumes=63 + extra, gigabytes=603 + extra, snapshots=37 + extra, gigabytes_fast=303 + extra
    )
