"""Neutron floating IPs: the same address, as an administrator may ask for it."""

from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, NetworkKind, Ref


class FloatingIp(NetworkKind):
    """Reserved early; pointed at its port in the cutover, when the source no longer answers for it."""

    name = "floating_ip"
    api = Api("network", "/floatingips", "floatingip", "floatingips")
    refs = (
        Ref("network", "floating_network_id"),
        Ref("project", "project_id"),
        Ref("port", "port_id"),
        Ref("router", "router_id"),
    )
    portable = ("floating_ip_address", "floating_network_id", "project_id", "description")
    compared = ("tags", "port_id", "fixed_ip_address", "router_id")
    held = ("port_id", "fixed_ip_address", "router_id")
    identity = ("floating_network_id", "floating_ip_address")
    fixed = ("floating_ip_address", "floating_network_id")
    companion_of = ("port_id",)
    notes = {
        "port_id": "set in the cutover of its server",
    }
    lost = {
        "id": "Neutron gives a new one",
        "port_forwardings": "not carried yet",
    }

    def item(self, body: dict[str, Any]) -> Any:
        """It has an address, not a name."""
        return super().item({**body, "name": body["floating_ip_address"]})

    def observe(self) -> tuple[str, ...]:
        """Port forwardings are shown in the listing where the extension is there."""
        return ("status", "port_forwardings")

    def activate(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Point it at its port."""
        if want.get("port_id"):
            self._point(cloud, identifier, want)

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Its router follows from its port."""
        super().update(cloud, identifier, want, have, item)
        if any(name in have for name in self.held):
            self._point(cloud, identifier, want)

    @staticmethod
    def _point(cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        body = {name: want[name] for name in ("port_id", "fixed_ip_address") if want.get("port_id")}
        cloud.put("network", f"/floatingips/{identifier}", {"floatingip": body or {"port_id": None}})
