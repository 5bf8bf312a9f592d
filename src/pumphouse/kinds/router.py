"""Neutron routers; their interfaces and static routes are a kind of their own."""

from typing import Any

from pumphouse.model import Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref

FURTHER = "external_gateways"
GATEWAY = ("network_id", "enable_snat", "external_fixed_ips", "qos_policy_id")


class Router(NetworkKind):
    """Keeps its external address, so it is made switched off and switched on when the source gives way."""

    name = "router"
    api = Api("network", "/routers", "router", "routers")
    refs = (
        Ref("network", "external_gateway_info.network_id"),
        Ref("subnet", "external_gateway_info.external_fixed_ips.*.subnet_id"),
        Ref("qos_policy", "external_gateway_info.qos_policy_id"),
        Ref("network", f"{FURTHER}.*.network_id"),
        Ref("subnet", f"{FURTHER}.*.external_fixed_ips.*.subnet_id"),
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
    compared = (*NetworkKind.compared, FURTHER)
    extensions = {
        FURTHER: "external-gateway-multihoming",
        "external_gateway_info.enable_snat": "ext-gw-mode",
        "external_gateway_info.qos_policy_id": "qos-gateway-ip",
        "distributed": "dvr",
        "ha": "l3-ha",
        "availability_zone_hints": "router_availability_zone",
    }
    fixed = ("distributed", "ha", "availability_zone_hints")
    held = ("admin_state_up",)
    notes = {
        FURTHER: "those beyond the first",
        "admin_state_up": "off until the first cutover of its project: both clouds have the same address",
    }
    chosen = {
        "distributed": "policy.router_mode",
        "ha": "policy.router_mode",
        "availability_zone_hints": "mapped by policy.network_availability_zones; those it does not have are left out",
    }
    lost = {
        "id": "Neutron gives a new one",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """The first of several gateways is told twice."""
        if FURTHER in body:
            body = {**body, FURTHER: body[FURTHER][1:]}
        return super().item(body)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Of gateways, what can be written; zones are a set, sent when there are any."""
        fields = super().normalise(fields)
        if gateway := fields.get("external_gateway_info"):
            fields["external_gateway_info"] = _gateway(gateway)
        if FURTHER in fields:
            fields[FURTHER] = sorted(map(_gateway, fields[FURTHER]), key=_place)
        if "availability_zone_hints" in fields:
            fields["availability_zone_hints"] = sorted(fields["availability_zone_hints"])
            if not fields["availability_zone_hints"]:
                del fields["availability_zone_hints"]
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Switched off."""
        return super().create(cloud, {**want, "admin_state_up": False}, item)

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Further gateways are added and removed by calls of their own."""
        super().finish(cloud, identifier, want, item)
        if FURTHER not in want:
            return
        body = cloud.get("network", f"/routers/{identifier}")["router"]
        have = [_gateway(gateway) for gateway in body.get(FURTHER, ())[1:]]
        for word, gateways in (
            ("remove", [gateway for gateway in have if gateway not in want[FURTHER]]),
            ("add", [gateway for gateway in want[FURTHER] if gateway not in have]),
        ):
            if gateways:
                path = f"/routers/{identifier}/{word}_external_gateways"
                cloud.put("network", path, {"router": {FURTHER: gateways}})

    def activate(self, cloud: Cloud, identifier: str, want: dict[str, Any]) -> None:
        """Switch it to what it is at the source."""
        body = {"router": {"admin_state_up": want["admin_state_up"]}}
        cloud.put("network", f"/routers/{identifier}", body)


def _gateway(told: dict[str, Any]) -> dict[str, Any]:
    """What can be written of it, its addresses in order."""
    kept = {name: told[name] for name in GATEWAY if told.get(name) is not None}
    kept["external_fixed_ips"] = sorted(kept["external_fixed_ips"], key=lambda ip: ip["ip_address"])
    return kept


def _place(gateway: dict[str, Any]) -> tuple[str, list[str]]:
    return gateway["network_id"], [ip["ip_address"] for ip in gateway["external_fixed_ips"]]
