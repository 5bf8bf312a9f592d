"""Neutron subnets: rebuilt inside a network made before."""

from typing import Any

from pumphouse.resource import Api, NetworkKind, Ref


class Subnet(NetworkKind):
    """A network never holds one CIDR twice."""

    name = "subnet"
    api = Api("network", "/subnets", "subnet", "subnets")
    refs = (Ref("network", "network_id"), Ref("project", "project_id"))
    portable = (
        "name",
        "description",
        "network_id",
        "project_id",
        "ip_version",
        "cidr",
        "gateway_ip",
        "enable_dhcp",
        "allocation_pools",
        "dns_nameservers",
        "host_routes",
        "ipv6_address_mode",
        "ipv6_ra_mode",
        "service_types",
    )
    identity = ("network_id", "cidr")
    fixed = ("network_id", "ip_version", "cidr", "ipv6_address_mode", "ipv6_ra_mode")
    emptied = {"service_types": []}
    companion_of = ("network_id",)
    lost = {
        "id": "Neutron gives a new one",
        "subnetpool_id": "not carried yet: the subnet keeps its CIDR without the pool",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Pools and routes come back in any order; the order of name servers matters."""
        fields = super().normalise(fields)
        for name in ("allocation_pools", "host_routes"):
            fields[name] = sorted(fields.get(name) or (), key=lambda entry: sorted(entry.items()))
        for name in ("ipv6_address_mode", "ipv6_ra_mode", "service_types"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields
