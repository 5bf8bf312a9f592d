"""Neutron ports of servers, and unattached ones; those of routers and DHCP are each cloud's own."""

import ipaddress
from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, NetworkKind, Ref


class Port(NetworkKind):
    """A network never holds one MAC address twice. Unbound until its server is made, so it may come early."""

    name = "port"
    api = Api("network", "/ports", "port", "ports")
    refs = (
        Ref("network", "network_id"),
        Ref("subnet", "fixed_ips.*.subnet_id"),
        Ref("security_group", "security_groups.*"),
        Ref("project", "project_id"),
    )
    portable = (
        "name",
        "description",
        "network_id",
        "project_id",
        "mac_address",
        "fixed_ips",
        "security_groups",
        "admin_state_up",
        "port_security_enabled",
        "allowed_address_pairs",
        "binding:vnic_type",
        "dns_name",
        "extra_dhcp_opts",
    )
    identity = ("network_id", "mac_address")
    fixed = ("network_id", "mac_address")
    emptied = {"dns_name": "", "extra_dhcp_opts": []}
    lost = {
        "id": "Neutron gives a new one",
        "qos_policy_id": "not carried yet",
        "binding:profile": "chosen by the destination",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """Ports of the network's own machinery are not carried."""
        if body["device_owner"].startswith("network:"):
            return None
        return super().item(body)

    def observe(self) -> tuple[str, ...]:
        """The server it belongs to, and its age: servers number their NICs by it."""
        return ("status", "device_id", "device_owner", "created_at", "trunk_details", "qos_policy_id")

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Addresses, groups and pairs are sets; extensions are sent only when they say something."""
        fields = super().normalise(fields)
        fields["fixed_ips"] = sorted(fields["fixed_ips"], key=lambda ip: ip["ip_address"])
        fields["security_groups"] = sorted(fields["security_groups"])
        pairs = fields.get("allowed_address_pairs") or []
        fields["allowed_address_pairs"] = sorted(pairs, key=lambda p: (p["ip_address"], p["mac_address"]))
        for name in ("dns_name", "extra_dhcp_opts"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """An address that follows from the MAC (SLAAC) must not be asked for: it comes by itself."""
        addresses = [
            {"subnet_id": ip["subnet_id"]} if _follows(ip["ip_address"], want["mac_address"]) else ip
            for ip in want["fixed_ips"]
        ]
        body = {**want, "fixed_ips": addresses}
        if not body["allowed_address_pairs"]:
            del body["allowed_address_pairs"]
        return super().create(cloud, body, item)

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """A DHCP option goes only by having no value (Neutron merges them)."""
        if "extra_dhcp_opts" in have:
            options = want["extra_dhcp_opts"]
            kept = {(option["opt_name"], option["ip_version"]) for option in options}
            gone = [
                {**option, "opt_value": None}
                for option in have["extra_dhcp_opts"] or ()
                if (option["opt_name"], option["ip_version"]) not in kept
            ]
            want = {**want, "extra_dhcp_opts": options + gone}
        super().update(cloud, identifier, want, have, item)


def _follows(address: str, mac: str) -> bool:
    """Whether an IPv6 address ends in the modified EUI-64 of the MAC address (RFC 4291)."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return False
    octets = [int(part, 16) for part in mac.split(":")]
    interface = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return parsed.packed[8:] == interface
