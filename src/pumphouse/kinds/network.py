"""Neutron networks."""

from collections.abc import Iterable
from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.resource import Api, NetworkKind, Ref

PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")


class Network(NetworkKind):
    """Matched by project and name. External networks are the deployer's: one of the same name may differ."""

    name = "network"
    api = Api("network", "/networks", "network", "networks")
    refs = (
        Ref("project", "project_id"),
        Ref("physical_network", "provider:physical_network", named=True),
    )
    portable = (
        "name",
        "description",
        "project_id",
        "admin_state_up",
        "shared",
        "router:external",
        "port_security_enabled",
        "mtu",
        "dns_domain",
        *PROVIDER,
    )
    fixed = PROVIDER
    emptied = {"dns_domain": ""}
    notes = {
        "provider:segmentation_id": "kept for vlan; tunnel ids are the destination's own",
    }
    chosen = {
        "provider:physical_network": "mapped by policy.physical_networks",
    }
    lost = {
        "id": "Neutron gives a new one",
        "qos_policy_id": "not carried yet",
        "availability_zone_hints": "not carried yet",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """Tunnel ids are an affair of each cloud; a physical segment is not."""
        if body.get("provider:network_type") not in ("vlan", "flat"):
            body = {name: value for name, value in body.items() if name not in PROVIDER}
        return super().item(body)

    def candidates(self, want: Fields, item: Item, there: Iterable[Item]) -> list[Item]:
        """An external network is the deployer's, whichever project it made it in."""
        if not want.get("router:external"):
            return super().candidates(want, item, there)
        return [o for o in there if o.fields.get("router:external") and o.name == item.name]

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Attributes of extensions are sent only when they say something."""
        fields = super().normalise(fields)
        for name in ("dns_domain", "provider:segmentation_id"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields
