"""Neutron networks."""

from collections.abc import Iterable
from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref

OPTIONAL = (*("dns_domain", "provider:segmentation_id", "availability_zone_hints", "vlan_transparent"),)
PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")


class Network(NetworkKind):
    """Matched by project and name. External networks are the deployer's: one of the same name may differ."""

    name = "network"
    api = Api("network", "/networks", "network", "networks")
    refs = (
        Ref("project", "project_id"),
        Ref("qos_policy", "qos_policy_id"),
        Ref("physical_network", "provider:physical_network", named=True),
        Ref("network_availability_zone", "availability_zone_hints.*", named=True),
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
        "qos_policy_id",
        "availability_zone_hints",
        "vlan_transparent",
        *PROVIDER,
    )
    fixed = (*PROVIDER, "availability_zone_hints", "vlan_transparent")
    emptied = {"dns_domain": ""}
    extensions = {
        "port_security_enabled": "port-security",
        "mtu": "net-mtu-writable",
        "dns_domain": "dns-integration",
        "qos_policy_id": "qos",
        "availability_zone_hints": "network_availability_zone",
        "vlan_transparent": "vlan-transparent",
    }
    told = {
        "segments": (
            "has several segments, which are not carried",
            "Make the network in the destination, under the same name and in the same project.",
        ),
    }
    notes = {
        "provider:segmentation_id": "kept for vlan; tunnel ids are the destination's own",
    }
    chosen = {
        "provider:physical_network": "mapped by policy.physical_networks",
        "availability_zone_hints": "mapped by policy.network_availability_zones; those it does not have are left out",
    }
    lost = {
        "id": "Neutron gives a new one",
        "segments": "of networks with several segments; the plan names them",
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
        """Attributes of extensions are sent only when they say something; zones are a set."""
        fields = super().normalise(fields)
        for name in OPTIONAL:
            if not fields.get(name):
                fields.pop(name, None)
        if "availability_zone_hints" in fields:
            fields["availability_zone_hints"] = sorted(fields["availability_zone_hints"])
        return fields

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """A project's default QoS policy comes with every new network, asked for or not."""
        super().finish(cloud, identifier, want, item)
        if "qos_policy_id" in want and not want["qos_policy_id"]:
            path = f"/networks/{identifier}"
            if cloud.get("network", path)["network"].get("qos_policy_id"):
                cloud.put("network", path, {"network": {"qos_policy_id": None}})

    def set_later(self) -> tuple[str, ...]:
        """The QoS policy may be taken away again."""
        return (*super().set_later(), "qos_policy_id")
