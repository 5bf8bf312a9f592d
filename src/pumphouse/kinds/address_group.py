"""Neutron address groups: addresses under one name, for the rules of security groups."""

from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref


class AddressGroup(NetworkKind):
    """Shared through RBAC policies only."""

    name = "address_group"
    api = Api("network", "/address-groups", "address_group", "address_groups")
    refs = (Ref("project", "project_id"),)
    portable = ("name", "description", "project_id", "addresses")
    compared = ()
    extension = "address-group"
    lost = {
        "id": "Neutron gives a new one",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Addresses are a set."""
        fields["addresses"] = sorted(fields.get("addresses") or ())
        return fields

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Addresses come and go by calls of their own."""
        path = f"{self.api.path}/{identifier}"
        here, there = want["addresses"], have.get("addresses", want["addresses"])
        for call, addresses in (
            ("add_addresses", sorted(set(here) - set(there))),
            ("remove_addresses", sorted(set(there) - set(here))),
        ):
            if addresses:
                cloud.put("network", f"{path}/{call}", {"addresses": addresses})
        rest = {name: value for name, value in have.items() if name != "addresses"}
        super().update(cloud, identifier, want, rest, item)
