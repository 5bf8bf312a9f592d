"""Neutron subnets: rebuilt inside a network made before."""

from typing import Any

from pumphouse.model import Item
from pumphouse.network_resource import NetworkKind
from pumphouse.resource import Api, Ref

DELEGATED = "prefix_delegation"
OPTIONAL = (
    *("ipv6_address_mode", "ipv6_ra_mode", "service_types"),
    *("subnetpool_id", "dns_publish_fixed_ip"),
)


class Subnet(NetworkKind):
    """A network never holds one CIDR twice."""

    name = "subnet"
    api = Api("network", "/subnets", "subnet", "subnets")
    refs = (
        Ref("network", "network_id"),
        Ref("project", "project_id"),
        Ref("subnet_pool", "subnetpool_id"),
    )
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
        "subnetpool_id",
        "dns_publish_fixed_ip",
    )
    identity = ("network_id", "cidr")
    fixed = ("network_id", "ip_version", "cidr", "ipv6_address_mode", "ipv6_ra_mode", "subnetpool_id")
    emptied = {"service_types": []}
    companion_of = ("network_id",)
    extensions = {
        "service_types": "subnet-service-types",
        "subnetpool_id": "subnet_allocation",
        "dns_publish_fixed_ip": "subnet-dns-publish-fixed-ip",
    }
    told = {
        "segment_id": (
            "is on a segment of a routed network, which is not carried",
            "Set it in the destination.",
        ),
    }
    notes = {
        "subnetpool_id": "the subnet keeps its CIDR",
    }
    lost = {
        "id": "Neutron gives a new one",
        "segment_id": "segments are each cloud's own; the plan names such subnets",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """Prefix delegation is no pool: the prefix comes from a router outside."""
        if body.get("subnetpool_id") == DELEGATED:
            body = {name: value for name, value in body.items() if name != "subnetpool_id"}
        return super().item(body)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Pools and routes come back in any order; the order of name servers matters."""
        fields = super().normalise(fields)
        for name in ("allocation_pools", "host_routes"):
            fields[name] = sorted(fields.get(name) or (), key=lambda entry: sorted(entry.items()))
        for name in OPTIONAL:
            if not fields.get(name):
                fields.pop(name, None)
        return fields
