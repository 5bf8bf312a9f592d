"""Neutron routers; their interfaces and static routes are a kind of their own."""

from typing import Any

from pumphouse.model import Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref

GATEWAY = ("network_id", "enable_snat", "external_fixed_ips", "qos_policy_id")


class Router(NetworkKind):
    """Keeps its external address, so it is made switched off and switched on when the source gives way."""

    name = "router"
    api = Api("network", "/routers", "router", "routers")
    refs = (
        Ref("network", "external_gateway_info.network_id"),
        Ref("subnet", "external_gateway_info.external_fixed_ips.*.subnet_id"),
        Ref("qos_policy", "external_gateway_info.qos_policy_id"),
        Ref("project", "project_id"),
        Ref("network_availability_zone", "availability_zone_hints.*", named=True),
    )
    portable = (
        "name",
        "description",
        "project_id",
        "admin_state_up",
        "external_gateway_info",
        "distributed",
        "ha",
        "availability_zone_hints",
    )
    extensions = {
        "external_gateway_info.enable_snat": "ext-gw-mode",
        "external_gateway_info.qos_policy_id": "qos-gateway-ip",
        "distributed": "dvr",
        "ha": "l3-ha",
        "availability_zone_hints": "router_availability_zone",
    }
    fixed = ("distributed", "ha", "availability_zone_hints")
    held = ("admin_state_up",)
    notes = {
        "admin_state_up": "off until the first cutover of its project: both clouds have the same address",
    }
    chosen = {
        "distributed": "policy.router_mode",
        "ha": "policy.router_mode",
        "availability_zone_hints": "mapped by policy.network_availability_zones; those it does not have are left out",
    }
    lost = {
        "id": "Neutron gives a new one",
        "external_gateways": "of several gateways the first; the plan names such routers",
    }

    def observe(self) -> tuple[str, ...]:
        """All gateways, where a release knows several."""
        return ("status", "external_gateways")

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Of the gateway, what can be written; zones are a set, sent when there are any."""
        fields = super().normalise(fields)
        gateway = fields.get("external_gateway_info")
        if gateway:
            kept = {name: gateway[name] for name in GATEWAY if gateway.get(name) is not None}
            kept["external_fixed_ips"] = sorted(kept["external_fixed_ips"], key=lambda ip: ip["ip_address"])
            fields["external_gateway_info"] = kept
        if "availability_zone_hints" in fields:
            fields["availability_zone_hints"] = sorted(fields["availability_zone_hints"])
            if not fields["availability_zone_hints"]:
                del fields["availability_zone_hints"]
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Switched off."""
        return super().create(cloud, {**want, "admin_state_up": False}, item)

    def activate(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Switch it to what it is at the source."""
        body = {"router": {"admin_state_up": want["admin_state_up"]}}
        cloud.put("network", f"/routers/{identifier}", body)
