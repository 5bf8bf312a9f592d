"""Neutron ports of servers, and unattached ones; those of routers and DHCP are each cloud's own."""

import ipaddress
from dataclasses import replace
from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref

# Whoever sets device_owner to one of these looks after the port: Nova, Ironic, trunks, Octavia.
SERVICES = ("compute:", "baremetal:", "trunk:", "Octavia")
# Keys of binding:profile that a user writes; the others describe the host a port is bound to.
ASKED_FOR = ("capabilities", "trusted")
OPTIONAL = ("dns_name", "dns_domain", "extra_dhcp_opts", "qos_policy_id", "numa_affinity_policy")
UPLINK = "propagate_uplink_status"


class Port(NetworkKind):
    """A network never holds one MAC address twice. Unbound until its server is made, so it may come early."""

    name = "port"
    api = Api("network", "/ports", "port", "ports")
    refs = (
        Ref("network", "network_id"),
        Ref("subnet", "fixed_ips.*.subnet_id"),
        Ref("security_group", "security_groups.*"),
        Ref("qos_policy", "qos_policy_id"),
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
        "dns_domain",
        "extra_dhcp_opts",
        "qos_policy_id",
        "numa_affinity_policy",
        UPLINK,
        "device_owner",
        "device_id",
    )
    extensions = {
        "port_security_enabled": "port-security",
        "allowed_address_pairs": "allowed-address-pairs",
        "dns_name": "dns-integration",
        "dns_domain": "dns-domain-ports",
        "extra_dhcp_opts": "extra_dhcp_opt",
        "qos_policy_id": "qos",
        "numa_affinity_policy": "port-numa-affinity-policy",
        UPLINK: "uplink-status-propagation",
    }
    identity = ("network_id", "mac_address")
    fixed = ("network_id", "mac_address")
    emptied = {"dns_name": "", "dns_domain": "", "extra_dhcp_opts": [], "device_owner": "", "device_id": ""}
    notes = {
        "device_owner": "of ports that somebody marked; services mark their own",
        "device_id": "goes with device_owner; servers take their ports themselves",
    }
    told = {
        "asked_for": (
            "asks its host for something in binding:profile, which new releases let services write only",
            "Set 'trusted' or 'hardware_offload_type' of the new port instead, where the destination has them.",
        ),
    }
    lost = {
        "id": "Neutron gives a new one",
        "binding:profile": "since 2023.2 services may write it only; the plan names ports whose user wrote to it",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """Ports of the network's own machinery are not carried; who holds a port is written by its service."""
        owner = body["device_owner"]
        if owner.startswith("network:"):
            return None
        asked = {n: v for n, v in (body.get("binding:profile") or {}).items() if n in ASKED_FOR}
        found = super().item({**body, "asked_for": asked})
        assert found is not None
        held = not owner or owner.startswith(SERVICES)
        fields = {n: v for n, v in found.fields.items() if not (held and n in ("device_owner", "device_id"))}
        return replace(found, fields=fields)

    def observe(self) -> tuple[str, ...]:
        """The server it belongs to, and its age: servers number their NICs by it."""
        return ("status", "device_id", "device_owner", "created_at", *self.told)

    def skip_reason(self, item: Item) -> str:
        """A load balancer's ports are made with it."""
        owner = item.observed.get("device_owner") or ""
        return "belongs to a load balancer, which is not carried" if owner.startswith("Octavia") else ""

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Addresses, groups, pairs and options are sets; extensions are sent only when they say something."""
        fields = super().normalise(fields)
        fields["fixed_ips"] = sorted(fields["fixed_ips"], key=lambda ip: ip["ip_address"])
        fields["security_groups"] = sorted(fields["security_groups"])
        pairs = fields.get("allowed_address_pairs") or []
        fields["allowed_address_pairs"] = sorted(pairs, key=lambda p: (p["ip_address"], p["mac_address"]))
        options = fields.get("extra_dhcp_opts") or []
        fields["extra_dhcp_opts"] = sorted(options, key=lambda o: (o["opt_name"], o.get("ip_version", 4)))
        for name in OPTIONAL:
            if not fields.get(name):
                fields.pop(name, None)
        if fields.get(UPLINK) is None:  # False says something: releases differ in what they do by themselves
            fields.pop(UPLINK, None)
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """An address that follows from the MAC (SLAAC) must not be asked for: it comes by itself."""
        addresses = [
            {"subnet_id": ip["subnet_id"]} if _follows(ip["ip_address"], want["mac_address"]) else ip
            for ip in want["fixed_ips"]
        ]
        body = {**want, "fixed_ips": addresses}
        if not body.get("allowed_address_pairs"):
            body.pop("allowed_address_pairs", None)
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
