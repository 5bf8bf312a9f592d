"""Neutron address scopes: subnet pools of one scope do not overlap, and route to each other without NAT."""

from pumphouse.network_resource import NetworkKind
from pumphouse.resource import Api, Ref


class AddressScope(NetworkKind):
    """Made before the subnet pools in it."""

    name = "address_scope"
    api = Api("network", "/address-scopes", "address_scope", "address_scopes")
    refs = (Ref("project", "project_id"),)
    portable = ("name", "project_id", "ip_version", "shared")
    compared = ()
    fixed = ("ip_version",)
    extension = "address-scope"
    lost = {
        "id": "Neutron gives a new one",
    }
