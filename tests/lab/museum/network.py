"""Neutron: one of every resource that needs no server; those with servers are in test_network_servers.py."""

from collections.abc import Iterable
from typing import Any

from clouds import every

from museum.hall import Hall, names_in

POLICY = {"physical_networks": {"physnet1": "public"}}

EXTERNAL = "public"
#: What is each cloud's own, follows from the time, or is shown under a name of ours instead.
OWN = {
    *("id", "created_at", "updated_at", "revision_number", "status", "project_id", "tenant_id", "subnets"),
    *("ipv4_address_scope", "ipv6_address_scope", "l2_adjacency", "qos_network_policy_id", "flavor_id"),
    *("availability_zones", "provider:segmentation_id", "provider:physical_network", "is_default"),
    *("binding:host_id", "binding:vif_type", "binding:vif_details", "resource_request", "trunk_details"),
    *("dns_assignment", "ip_allocation", "port_details", "distributed", "ha", "qinq", "security_group_rules"),
    *("default_prefixlen", "min_prefixlen", "max_prefixlen", "enable_ndp_proxy", "router:external"),
    *(
        "normalized_cidr",
        "belongs_to_default_sg",
        "security_group_id",
        "qos_policy_id_of_network",
        "device_id",
    ),
    *("in_use", "hints", "device_profile", "service_type"),
}
#: Field → kind of what it points at.
POINTS_AT = {
    **{
        "network_id": "network",
        "subnet_id": "subnet",
        "floating_network_id": "network",
        "router_id": "router",
    },
    **{"port_id": "port", "internal_port_id": "port", "qos_policy_id": "qos", "subnetpool_id": "pool"},
    **{"address_scope_id": "scope", "remote_group_id": "group", "remote_address_group_id": "addresses"},
    **{"object_id": "any", "security_groups": "group"},
}
LISTS = {
    "scope": ("/address-scopes", "address_scopes"),
    "pool": ("/subnetpools", "subnetpools"),
    "addresses": ("/address-groups", "address_groups"),
    "qos": ("/qos/policies", "policies"),
    "network": ("/networks", "networks"),
    "subnet": ("/subnets", "subnets"),
    "group": ("/security-groups", "security_groups"),
    "rule": ("/security-group-rules", "security_group_rules"),
    "router": ("/routers", "routers"),
    "port": ("/ports", "ports"),
    "trunk": ("/trunks", "trunks"),
    "floating": ("/floatingips", "floatingips"),
    "share": ("/rbac-policies", "rbac_policies"),
}


#: A resource, a field of one or a share → the extension that brought it: older releases do without.
BROUGHT_BY = {
    "address_group": "address-group",
    "remote_address_group_id": "security-groups-remote-address-group",
    "stateful": "stateful-security-group",
    "vlan_transparent": "vlan-transparent",
    "packet_rate_limit_rule": "qos-pps",
    "minimum_packet_rate_rule": "qos-pps-minimum",
    "numa_affinity_policy": "port-numa-affinity-policy",
    "propagate_uplink_status": "uplink-status-propagation",
    "description of a forwarding": "floating-ip-port-forwarding-description",
    "external_port_range": "floating-ip-port-forwarding-port-ranges",
    "share of security_group": "rbac-security-groups",
    "share of address_group": "rbac-address-group",
}


class Maker:
    """Makes resources of one project by their REST bodies, as the administrator."""

    def __init__(self, cloud: Any, project: str) -> None:
        self._network, self._project = cloud.network, project
        self._extensions = {each.alias for each in cloud.network.extensions()}

    def knows(self, name: str) -> bool:
        """Whether this Neutron has a resource, field or share of BROUGHT_BY."""
        return name not in BROUGHT_BY or BROUGHT_BY[name] in self._extensions

    def __call__(self, path: str, one: str, tags: Iterable[str] = (), **body: Any) -> dict[str, Any]:
        """POST; the resource. Fields that this Neutron does not know are left out."""
        body = {name: value for name, value in body.items() if self.knows(name)}
        if not path.startswith("/qos/policies/") and not path.endswith("port_forwardings"):
            body["project_id"] = self._project
        answer = self._network.post(path, json={one: body})
        assert answer.status_code < 300, f"{path}: {answer.text}"
        made: dict[str, Any] = answer.json()[one]
        if tags:
            self.put(f"/{path.rpartition('/')[2]}/{made['id']}/tags", tags=list(tags))
        return made

    def put(self, path: str, **body: Any) -> dict[str, Any]:
        """PUT; the answer."""
        answer = self._network.put(path, json=body)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return dict(answer.json())


def external(cloud: Any) -> str:
    """The external network, laid out alike in both clouds by their deployers."""
    found = cloud.network.find_network(EXTERNAL) or cloud.network.create_network(
        name=EXTERNAL,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    if not found.subnet_ids:
        cloud.network.create_subnet(
            network_id=found.id, name="public-v4", ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False
        )
    return str(found.id)


# --- building -----------------------------------------------------------------------------------
def provide(cloud: Any) -> None:
    """The way out."""
    external(cloud)


def build(hall: Hall) -> None:
    """Everything once, and what refers to it."""
    outside = external(hall.admin)
    make = Maker(hall.admin, hall.project)
    quality = _quality(make)
    pool = _pools(make)
    networks = _networks(make, quality["net-gold"])
    # a default from now on: networks that have none must arrive without
    make.put(f"/qos/policies/{quality['net-sure']}", policy={"is_default": True})
    subnets = _subnets(make, networks, pool)
    groups = _groups(make, hall)
    router = _router(make, outside, subnets, quality["net-gold"])
    ports = _ports(make, networks, subnets, groups, quality["net-gold"])
    _trunk(make, networks)
    _floating(make, outside, ports, router, quality["net-gold"])
    for kind, shared in (("security_group", groups["net-web"]), ("address_group", groups.get("net-admins"))):
        if not make.knows(f"share of {kind}"):
            continue
        make(
            "/rbac-policies",
            "rbac_policy",
            object_type=kind,
            object_id=shared,
            action="access_as_shared",
            target_tenant="*",
        )


def _quality(make: Maker) -> dict[str, str]:
    gold = make("/qos/policies", "policy", name="net-gold", description="fast", tags=["q"])["id"]
    sure = make("/qos/policies", "policy", name="net-sure", description="")["id"]
    rules: list[tuple[str, str, dict[str, Any]]] = [
        (gold, "bandwidth_limit", {"max_kbps": 9000, "max_burst_kbps": 900, "direction": "egress"}),
        (gold, "bandwidth_limit", {"max_kbps": 8000, "max_burst_kbps": 0, "direction": "ingress"}),
        (gold, "dscp_marking", {"dscp_mark": 26}),
        (sure, "minimum_bandwidth", {"min_kbps": 500, "direction": "egress"}),
        (sure, "packet_rate_limit", {"max_kpps": 700, "max_burst_kpps": 70, "direction": "ingress"}),
        (sure, "minimum_packet_rate", {"min_kpps": 30, "direction": "any"}),
    ]
    for policy, kind, rule in rules:
        if not make.knows(f"{kind}_rule"):
            continue
        make(f"/qos/policies/{policy}/{kind}_rules", f"{kind}_rule", **rule)
    return {"net-gold": gold, "net-sure": sure}


def _pools(make: Maker) -> str:
    scope = make("/address-scopes", "address_scope", name="net-scope", ip_version=4)["id"]
    make("/address-scopes", "address_scope", name="net-scope-all", ip_version=6, shared=True)
    make(
        "/subnetpools",
        "subnetpool",
        name="net-pool-v6",
        description="",
        prefixes=["fd00:beef::/48"],
        is_default=True,
        default_prefixlen=64,
    )
    pool = make(
        "/subnetpools",
        "subnetpool",
        name="net-pool",
        description="ours",
        prefixes=["10.64.0.0/16", "10.70.0.0/16"],
        default_prefixlen=24,
        min_prefixlen=20,
        max_prefixlen=28,
        default_quota=4096,
        address_scope_id=scope,
        tags=["pool"],
    )
    return str(pool["id"])


def _networks(make: Maker, quality: str) -> dict[str, str]:
    bodies: dict[str, dict[str, Any]] = {
        "net-plain": {
            "description": "plain",
            "mtu": 1300,
            "dns_domain": "plain.museum.",
            "qos_policy_id": quality,
            "tags": ["a", "b"],
        },
        "net-closed": {"port_security_enabled": False, "admin_state_up": False},
        "net-shared": {"shared": True},
        "net-transparent": {"vlan_transparent": True},
        "net-vlan": {
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
            "provider:segmentation_id": 1500,
        },
        "net-pooled": {},
        "net-sub-1": {},
        "net-sub-2": {},
    }
    return {name: make("/networks", "network", name=name, **body)["id"] for name, body in bodies.items()}


def _subnets(make: Maker, networks: dict[str, str], pool: str) -> dict[str, str]:
    plain = networks["net-plain"]
    bodies: dict[str, dict[str, Any]] = {
        "net-v4": {
            "network_id": plain,
            "cidr": "10.60.0.0/24",
            "allocation_pools": [
                {"start": "10.60.0.100", "end": "10.60.0.120"},
                {"start": "10.60.0.50", "end": "10.60.0.60"},
            ],
            "host_routes": [
                {"destination": "172.16.0.0/12", "nexthop": "10.60.0.9"},
                {"destination": "10.99.0.0/16", "nexthop": "10.60.0.8"},
            ],
            "dns_nameservers": ["198.51.100.9", "198.51.100.1"],
            "description": "first",
            "tags": ["v4"],
        },
        "net-v4-services": {
            "network_id": plain,
            "cidr": "10.61.0.0/24",
            "gateway_ip": None,
            "enable_dhcp": False,
            "service_types": ["compute:nova", "network:dhcp"],
        },
        "net-slaac": _v6(plain, "fd00:60:1::/64", "slaac"),
        "net-stateless": _v6(networks["net-shared"], "fd00:60:2::/64", "dhcpv6-stateless"),
        "net-stateful": _v6(networks["net-shared"], "fd00:60:3::/64", "dhcpv6-stateful"),
        "net-vlan": {"network_id": networks["net-vlan"], "cidr": "10.62.0.0/24", "gateway_ip": "10.62.0.254"},
        "net-pooled": {"network_id": networks["net-pooled"], "subnetpool_id": pool, "prefixlen": 26},
        "net-sub-1": {"network_id": networks["net-sub-1"], "cidr": "10.65.1.0/24"},
        "net-sub-2": {"network_id": networks["net-sub-2"], "cidr": "10.65.2.0/24"},
    }
    return {
        name: make("/subnets", "subnet", name=name, **{"ip_version": 4, **body})["id"]
        for name, body in bodies.items()
    }


def _v6(network: str, cidr: str, mode: str) -> dict[str, Any]:
    return {
        "network_id": network,
        "ip_version": 6,
        "cidr": cidr,
        "ipv6_ra_mode": mode,
        "ipv6_address_mode": mode,
    }


def _groups(make: Maker, hall: Hall) -> dict[str, str]:
    admins = {}
    if make.knows("address_group"):
        body = {"description": "who may", "addresses": ["192.0.2.0/28", "198.51.100.77/32"]}
        made = make("/address-groups", "address_group", name="net-admins", **body)
        admins = {"net-admins": made["id"]}
    named = {
        name: make("/security-groups", "security_group", name=name, description=name, **body)["id"]
        for name, body in {
            "net-web": {"tags": ["sg"]},
            "net-db": {},
            "net-stateless": {"stateful": False},
        }.items()
    }
    default = next(hall.admin.network.security_groups(name="default", project_id=hall.project)).id
    rules: list[tuple[str, dict[str, Any]]] = [
        (named["net-web"], {"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}),
        (named["net-web"], {"protocol": "tcp", "remote_group_id": named["net-db"]}),
        (named["net-db"], {"protocol": "udp", "remote_group_id": named["net-web"], "description": "back"}),
        (named["net-db"], {"remote_group_id": named["net-db"]}),
        (
            named["net-db"],
            {
                "protocol": "tcp",
                "port_range_min": 22,
                "port_range_max": 22,
                "remote_address_group_id": admins.get("net-admins"),
            },
        ),
        (named["net-stateless"], {"protocol": "icmp", "port_range_min": 8, "port_range_max": 0}),
        (default, {"protocol": "112", "remote_ip_prefix": "10.60.0.0/24"}),
    ]
    for group, body in rules:
        make(
            "/security-group-rules",
            "security_group_rule",
            security_group_id=group,
            direction="ingress",
            ethertype="IPv4",
            **body,
        )
    hall.admin.network.put(
        f"/security-groups/{default}", json={"security_group": {"description": "not so default"}}
    )
    return {**named, **admins}


def _router(make: Maker, outside: str, subnets: dict[str, str], quality: str) -> str:
    router = make(
        "/routers",
        "router",
        name="net-router",
        description="way out",
        tags=["edge"],
        external_gateway_info={
            "network_id": outside,
            "enable_snat": False,
            "external_fixed_ips": [{"ip_address": "203.0.113.200"}],
            "qos_policy_id": quality,
        },
    )["id"]
    make("/routers", "router", name="net-router-down", admin_state_up=False)
    for name in ("net-v4", "net-slaac", "net-vlan", "net-sub-1"):
        make.put(f"/routers/{router}/add_router_interface", subnet_id=subnets[name])
    routes = [{"destination": "172.30.0.0/16", "nexthop": "10.60.0.9"}]
    make.put(f"/routers/{router}", router={"routes": routes})
    return str(router)


def _ports(
    make: Maker, networks: dict[str, str], subnets: dict[str, str], groups: dict[str, str], quality: str
) -> dict[str, str]:
    plain, v4 = networks["net-plain"], subnets["net-v4"]
    address = {"subnet_id": v4}
    bodies: dict[str, dict[str, Any]] = {
        "net-several": {
            "fixed_ips": [
                address | {"ip_address": "10.60.0.70"},
                address | {"ip_address": "10.60.0.71"},
                {"subnet_id": subnets["net-slaac"]},
            ],
            "security_groups": [groups["net-web"], groups["net-db"]],
            "description": "several",
            "tags": ["p"],
        },
        "net-pairs": {
            "fixed_ips": [address | {"ip_address": "10.60.0.72"}],
            "allowed_address_pairs": [
                {"ip_address": "10.60.0.250"},
                {"ip_address": "10.60.0.0/28", "mac_address": "fa:16:3e:00:00:aa"},
            ],
            "extra_dhcp_opts": [
                {"opt_name": "tftp-server", "opt_value": "10.60.0.2", "ip_version": 4},
                {"opt_name": "bootfile-name", "opt_value": "pxe.0", "ip_version": 4},
            ],
            "dns_name": "pairs",
            "numa_affinity_policy": "preferred",
            "dns_domain": "ports.museum.",
            "qos_policy_id": quality,
        },
        "net-open": {
            "fixed_ips": [address | {"ip_address": "10.60.0.73"}],
            "port_security_enabled": False,
            "admin_state_up": False,
        },
        "net-direct": {
            "network_id": networks["net-vlan"],
            "fixed_ips": [{"subnet_id": subnets["net-vlan"], "ip_address": "10.62.0.74"}],
            "binding:vnic_type": "direct",
            "propagate_uplink_status": False,
            "security_groups": [groups["net-stateless"]],
        },
        "net-vip": {
            "fixed_ips": [address | {"ip_address": "10.60.0.75"}],
            "device_owner": "keepalived:vip",
            "device_id": "cluster-1",
        },
        "net-addressless": {"fixed_ips": [], "security_groups": []},
    }
    return {
        name: make("/ports", "port", **{"name": name, "network_id": plain, **body})["id"]
        for name, body in bodies.items()
    }


def _trunk(make: Maker, networks: dict[str, str]) -> None:
    parent, one, two = (
        make("/ports", "port", name=name, network_id=networks[network])["id"]
        for name, network in (
            ("net-parent", "net-pooled"),
            ("net-child-1", "net-sub-1"),
            ("net-child-2", "net-sub-2"),
        )
    )
    make(
        "/trunks",
        "trunk",
        name="net-trunk",
        description="both",
        port_id=parent,
        tags=["t"],
        sub_ports=[
            {"port_id": two, "segmentation_type": "vlan", "segmentation_id": 12},
            {"port_id": one, "segmentation_type": "vlan", "segmentation_id": 11},
        ],
    )


def _floating(make: Maker, outside: str, ports: dict[str, str], router: str, quality: str) -> None:
    common = {"floating_network_id": outside}
    make("/floatingips", "floatingip", floating_ip_address="203.0.113.60", description="spare", **common)
    make(
        "/floatingips",
        "floatingip",
        floating_ip_address="203.0.113.61",
        description="vip",
        port_id=ports["net-vip"],
        qos_policy_id=quality,
        dns_name="vip",
        dns_domain="museum.example.",
        tags=["f"],
        **common,
    )
    shared = make("/floatingips", "floatingip", floating_ip_address="203.0.113.62", **common)["id"]
    path, one = f"/floatingips/{shared}/port_forwardings", "port_forwarding"
    inside = {"internal_port_id": ports["net-several"], "internal_ip_address": "10.60.0.70"}
    said = {"description": "web"} if make.knows("description of a forwarding") else {}
    make(path, one, protocol="tcp", external_port=8080, internal_port=80, **inside, **said)
    if not make.knows("external_port_range"):
        return
    make(
        path,
        one,
        protocol="udp",
        external_port_range="5000:5010",
        internal_port_range="6000:6010",
        internal_port_id=ports["net-pairs"],
        internal_ip_address="10.60.0.72",
    )


# --- portrait -----------------------------------------------------------------------------------
def portrait(hall: Hall, side: str) -> dict[str, Any]:
    """Whatever a listing says, but for what is each cloud's own or new since the source's release; ids replaced by
    names.
    """
    known = {kind: names_in(rows) for kind, rows in _listed(hall.look("source")).items()}
    return shown(hall.look(side), hall.project_in(side), known)


def _listed(cloud: Any) -> dict[str, list[dict[str, Any]]]:
    """Everything, as far as this Neutron knows of it."""
    make = Maker(cloud, "")
    listed = {
        kind: every(cloud, "network", *where) if kind != "addresses" or make.knows("address_group") else []
        for kind, where in LISTS.items()
    }
    for address in listed["floating"]:
        path = f"/floatingips/{address['id']}/port_forwardings"
        address["port_forwardings"] = every(cloud, "network", path, "port_forwardings")
    return listed


def shown(cloud: Any, project: str, known: dict[str, set[str]] | None = None) -> dict[str, Any]:
    """All network resources of a project.

    :param known: kind → names of the fields that are told; all of them when left out.
    """
    listed = _listed(cloud)
    names = {row["id"]: _label(row) for rows in listed.values() for row in rows}
    result: dict[str, Any] = {}
    for kind, rows in listed.items():
        mine = [row for row in rows if row.get("project_id") == project and not _machinery(kind, row)]
        told = [(_label(row), _told(_only(row, known and known[kind]), names, kind)) for row in mine]
        result[kind] = dict(sorted(told)) if kind not in ("rule", "share") else sorted(map(repr, told))
    routers = {row["id"]: row["name"] for row in listed["router"] if row["project_id"] == project}
    result["interface"] = sorted(
        (routers[row["device_id"]], address["ip_address"])
        for row in listed["port"]
        if row["device_owner"].startswith("network:router_interface") and row["device_id"] in routers
        for address in row["fixed_ips"]
    )
    return result


def _only(value: Any, known: set[str] | None) -> Any:
    if isinstance(value, list):
        return [_only(each, known) for each in value]
    if not isinstance(value, dict) or known is None:
        return value
    return {name: _only(each, known) for name, each in value.items() if name in known}


def _machinery(kind: str, row: dict[str, Any]) -> bool:
    """Ports of routers are shown as interfaces; shares with all follow from attributes, but for these."""
    if kind == "share" and row["target_tenant"] == "*":
        return row["object_type"] not in ("security_group", "address_group")
    return kind == "port" and row["device_owner"].startswith("network:")


def _label(row: dict[str, Any]) -> str:
    return str(
        row.get("name")
        or row.get("floating_ip_address")
        or row.get("mac_address")
        or row.get("security_group_id", "")[:0]
    )


def _told(value: Any, names: dict[str, str], kind: str) -> Any:
    if isinstance(value, list):
        return sorted((_told(each, names, kind) for each in value), key=repr)
    if not isinstance(value, dict):
        return names.get(value, value) if isinstance(value, str) else value
    told = {
        name: _told(each, names, kind)
        for name, each in value.items()
        if name not in OWN and each not in (None, "", [], {})
    }
    if kind == "router" and "external_gateway_info" in value:
        told.pop("qos_policy_id", None)  # newer releases say it twice
    if value.get("provider:network_type") == "vlan":
        told["VLAN"] = value["provider:segmentation_id"]
    if kind == "rule":
        told["group"] = names[value["security_group_id"]]
    if kind == "port" and str(value.get("device_owner", "")).startswith("keepalived:"):
        told["device"] = value["device_id"]
    if "target_tenant" in value and value["target_tenant"] == "*":
        told["target_tenant"] = "*"
    return told
