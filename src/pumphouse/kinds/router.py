"""Neutron routers; their interfaces and static routes are a kind of their own."""

from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, NetworkKind, Ref

GATEWAY = ("network_id", "enable_snat", "external_fixed_ips")


class Router(NetworkKind):
    """Keeps its external address, so it is made switched off and switched on when the source gives way."""

    name = "router"
    api = Api("network", "/routers", "router", "routers")
    refs = (
        Ref("network", "external_gateway_info.network_id"),
        Ref("subnet", "external_gateway_info.external_fixed_ips.*.subnet_id"),
        Ref("project", "project_id"),
    )
    portable = ("name", "description", "project_id", "admin_state_up", "external_gateway_info")
    held = ("admin_state_up",)
    notes = {
        "admin_state_up": "off until the first cutover of its project: both clouds have the same address",
    }
    lost = {
        "id": "Neutron gives a new one",
        "distributed": "chosen by the destination",
        "ha": "chosen by the destination",
        "availability_zone_hints": "not carried yet",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Of the gateway, what can be written."""
        fields = super().normalise(fields)
        gateway = fields.get("external_gateway_info")
        if gateway:
            kept = {name: gateway[name] for name in GATEWAY if name in gateway}
            kept["external_fixed_ips"] = sorted(kept["external_fixed_ips"], key=lambda ip: ip["ip_address"])
            fields["external_gateway_info"] = kept
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Switched off."""
        return super().create(cloud, {**want, "admin_state_up": False}, item)

    def activate(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Switch it to what it is at the source."""
        body = {"router": {"admin_state_up": want["admin_state_up"]}}
        cloud.put("network", f"/routers/{identifier}", body)
