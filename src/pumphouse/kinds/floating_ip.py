"""Neutron floating IPs: the same address, as an administrator may ask for it; with their port forwardings."""

from collections.abc import Container, Iterator
from typing import Any

from pumphouse.errors import CloudError
from pumphouse.model import Fields, Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Ref

FORWARDING = (
    "protocol",
    "external_port_range",
    "internal_port_id",
    "internal_ip_address",
    "internal_port_range",
)


class FloatingIp(NetworkKind):
    """Reserved early; pointed at its port, or forwarding to its ports, in the cutover, when the source no longer
    answers for it.
    """

    name = "floating_ip"
    api = Api("network", "/floatingips", "floatingip", "floatingips")
    refs = (
        Ref("network", "floating_network_id"),
        Ref("project", "project_id"),
        Ref("port", "port_id"),
        Ref("port", "port_forwardings.*.internal_port_id"),
        Ref("router", "router_id"),
        Ref("qos_policy", "qos_policy_id"),
    )
    portable = (
        "floating_ip_address",
        "floating_network_id",
        "project_id",
        "description",
        "qos_policy_id",
        "dns_name",
        "dns_domain",
    )
    compared = ("tags", "port_id", "fixed_ip_address", "router_id", "port_forwardings")
    held = ("port_id", "fixed_ip_address", "router_id", "port_forwardings")
    identity = ("floating_network_id", "floating_ip_address")
    fixed = ("floating_ip_address", "floating_network_id", "dns_name", "dns_domain")
    companion_of = ("port_id",)
    extensions = {
        "qos_policy_id": "qos-fip",
        "dns_name": "dns-integration",
        "dns_domain": "dns-integration",
        "port_forwardings": "floating-ip-port-forwarding",
    }
    notes = {
        "port_id": "set in the cutover of its server",
        "port_forwardings": "set in the cutover of the first of its servers",
    }
    lost = {
        "id": "Neutron gives a new one",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Forwardings have a listing for each address; only one that has a router and no port can have any."""
        for body in cloud.pages("network", self.api.path, self.api.many):
            listing = None
            if body.get("router_id") and not body.get("port_id"):
                listing = cloud.find("network", f"{self.api.path}/{body['id']}/port_forwardings")
            item = self.item({**body, "port_forwardings": (listing or {}).get("port_forwardings")})
            assert item is not None
            yield item

    def item(self, body: dict[str, Any]) -> Item | None:
        """It has an address, not a name."""
        return super().item({**body, "name": body["floating_ip_address"]})

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Forwardings are a set, each written as ranges of ports; extensions are sent when they say something."""
        fields = super().normalise(fields)
        forwardings = [_forwarding(each) for each in fields.get("port_forwardings") or ()]
        fields["port_forwardings"] = sorted(forwardings, key=repr)
        for name in ("qos_policy_id", "dns_name", "dns_domain", "port_forwardings"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """With its port, or with all the ports it forwards to."""
        ports = [f"port:{each['internal_port_id']}" for each in item.fields.get("port_forwardings") or ()]
        return super().belongs(item, selected) or (bool(ports) and all(key in selected for key in ports))

    def activate(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Point it at its port, or let it forward."""
        if want.get("port_id"):
            self._point(cloud, identifier, want)
        if want.get("port_forwardings"):
            self._forward(cloud, identifier, want["port_forwardings"])

    def release(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """The opposite of activating: the source answers for the address again."""
        if want.get("port_id"):
            self._point(cloud, identifier, {"qos_policy_id": want.get("qos_policy_id")})
        if want.get("port_forwardings"):
            self._forward(cloud, identifier, [])

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Forwardings first: they keep it in use."""
        if cloud.find("network", f"{self.api.path}/{identifier}/port_forwardings"):
            self._forward(cloud, identifier, [])
        super().delete(cloud, identifier)

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Its router follows from its port."""
        super().update(cloud, identifier, want, have, item)
        if "port_id" in have or "fixed_ip_address" in have:
            self._point(cloud, identifier, want)
        if "port_forwardings" in have:
            self._forward(cloud, identifier, want.get("port_forwardings") or [])

    @staticmethod
    def _point(cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Releases up to Zed at least take an update that names no QoS policy for one without any."""
        body = {name: want[name] for name in ("port_id", "fixed_ip_address") if want.get("port_id")}
        if want.get("qos_policy_id"):
            body["qos_policy_id"] = want["qos_policy_id"]
        cloud.put("network", f"/floatingips/{identifier}", {"floatingip": {"port_id": None} | body})

    @staticmethod
    def _forward(cloud: Cloud, identifier: str, want: list[dict[str, Any]]) -> None:
        """Remove the forwardings that should not be there, add those that are missing."""
        path = f"/floatingips/{identifier}/port_forwardings"
        missing = list(want)
        for body in cloud.get("network", path)["port_forwardings"]:
            if _forwarding(body) in missing:
                missing.remove(_forwarding(body))
            else:
                cloud.delete("network", f"{path}/{body['id']}")
        for forwarding in missing:
            try:
                cloud.post("network", path, {"port_forwarding": _body(forwarding)})
            except CloudError:  # the cutover of another of its servers may make the same at this moment
                there = cloud.get("network", path)["port_forwardings"]
                if forwarding not in [_forwarding(body) for body in there]:
                    raise


def _forwarding(body: dict[str, Any]) -> dict[str, Any]:
    """Releases without ranges answer one port only."""
    said = {"description": body.get("description") or "", **{name: body.get(name) for name in FORWARDING}}
    for side in ("external", "internal"):
        port = body.get(f"{side}_port")
        said[f"{side}_port_range"] = body.get(f"{side}_port_range") or f"{port}:{port}"
    return said


def _body(forwarding: dict[str, Any]) -> dict[str, Any]:
    """A range of one is sent as a port, which every release understands."""
    body = dict(forwarding)
    for side in ("external", "internal"):
        first, _, last = body[f"{side}_port_range"].partition(":")
        if first == last:
            del body[f"{side}_port_range"]
            body[f"{side}_port"] = int(first)
    return body
