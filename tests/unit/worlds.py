"""Small clouds as values: one function per kind, with everything a listing would hold."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Action, HostRoom, Item, Plan, Problem, Row, Selection, Step
from pumphouse.plan import World, make_plan
from pumphouse.policy import Policy

ADMIN = "admin"
ROOMY = (HostRoom("host-1", 64, 65536, 1000, "nova"), HostRoom("host-2", 64, 65536, 1000, "nova"))


def item(
    kind: str, id_: str, name: str, project: str | None, fields: dict[str, Any], **observed: Any
) -> Item:
    """An item, normalised as a listing's would be."""
    return Item(kind, id_, name, project, KINDS[kind].normalise(fields), observed)


def changed(what: Item, *, observed: Mapping[str, Any] | None = None, **fields: Any) -> Item:
    """The same item with other fields, or other observations."""
    return replace(what, fields={**what.fields, **fields}, observed={**what.observed, **(observed or {})})


def domain(id_: str = "default", name: str = "Default") -> Item:
    return item("domain", id_, name, None, {"name": name, "description": "", "enabled": True})


def project(id_: str, name: str = "", parent: str | None = None, **fields: Any) -> Item:
    name = name or id_
    values = {"name": name, "description": "", "enabled": True, "domain_id": "default", "tags": []}
    if parent:
        values["parent_id"] = parent
    return item("project", id_, name, id_, {**values, **fields})


def role(id_: str, name: str = "") -> Item:
    return item("role", id_, name or id_, None, {"name": name or id_, "description": ""})


def user(id_: str, name: str = "", **fields: Any) -> Item:
    values = {"name": name or id_, "domain_id": "default", "enabled": True}
    return item("user", id_, name or id_, None, {**values, **fields}, password_expires_at=None)


def assignment(role_: str, user_: str | None, project_: str | None, group_: str | None = None) -> Item:
    values = {"role_id": role_, "user_id": user_, "group_id": group_, "project_id": project_}
    fields = {name: value for name, value in values.items() if value is not None}
    who = user_ or f"group:{group_}"
    return item(
        *("role_assignment", f"{role_}/{who}/{project_}", f"{role_} for {who}", project_),
        {**fields, "inherited": False},
        members=[],
    )


def keypair(user_: str, name: str) -> Item:
    fields = {"name": name, "user_id": user_, "public_key": f"ssh-rsa AAAA {name}", "type": "ssh"}
    return item("keypair", f"{user_}/{name}", name, None, fields)


def flavor(id_: str, name: str = "", *, public: bool = True, **fields: Any) -> Item:
    values = {
        "name": name or id_,
        "ram": 512,
        "vcpus": 1,
        "disk": 1,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "swap": 0,
        "rxtx_factor": 1.0,
        "os-flavor-access:is_public": public,
        "extra_specs": {},
    }
    return item("flavor", id_, name or id_, None, {**values, **fields})


def flavor_access(flavor_: str, project_: str) -> Item:
    fields = {"flavor_id": flavor_, "project_id": project_}
    return item("flavor_access", f"{flavor_}/{project_}", f"{flavor_} for {project_}", project_, fields)


def quota(service: str, project_: str, **limits: int) -> Item:
    fields = {"project_id": project_, "limits": limits}
    return item(f"{service}_quota", project_, project_, project_, fields)


def network(id_: str, project_: str, name: str = "", *, external: bool = False, **fields: Any) -> Item:
    values = {
        "name": name or id_,
        "description": "",
        "project_id": project_,
        "admin_state_up": True,
        "shared": False,
        "router:external": external,
        "port_security_enabled": True,
        "mtu": 1450,
        "tags": [],
    }
    return item("network", id_, name or id_, project_, {**values, **fields}, status="ACTIVE")


def subnet(id_: str, network_: str, project_: str, cidr: str = "10.0.0.0/24", **fields: Any) -> Item:
    values = {
        "name": id_,
        "description": "",
        "network_id": network_,
        "project_id": project_,
        "ip_version": 4,
        "cidr": cidr,
        "gateway_ip": cidr.rsplit(".", 1)[0] + ".1",
        "enable_dhcp": True,
        "allocation_pools": [],
        "dns_nameservers": [],
        "host_routes": [],
        "tags": [],
    }
    return item("subnet", id_, id_, project_, {**values, **fields})


def group(id_: str, project_: str, name: str = "") -> Item:
    fields = {"name": name or id_, "description": "", "project_id": project_, "stateful": True, "tags": []}
    return item("security_group", id_, name or id_, project_, fields)


def group_rules(group_: str, project_: str, *rules: dict[str, Any]) -> Item:
    fields = {"security_group_id": group_, "project_id": project_, "rules": [rule(**r) for r in rules]}
    return item("security_group_rules", group_, group_, project_, fields)


def rule(**values: Any) -> dict[str, Any]:
    """A rule of a security group, as Neutron shows it."""
    return {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "description": "",
        **values,
    }


def router(id_: str, project_: str, gateway: dict[str, Any] | None = None, **fields: Any) -> Item:
    values = {
        "name": id_,
        "description": "",
        "project_id": project_,
        "admin_state_up": True,
        "external_gateway_info": gateway,
        "tags": [],
    }
    return item("router", id_, id_, project_, {**values, **fields}, status="ACTIVE")


def interfaces(router_: str, project_: str, *addresses: tuple[str, str, str]) -> Item:
    """``(network, subnet, address)`` for each interface."""
    found = [{"network_id": n, "subnet_id": s, "ip_address": a} for n, s, a in addresses]
    fields = {"router_id": router_, "project_id": project_, "interfaces": found, "routes": []}
    return item("router_interfaces", router_, router_, project_, fields)


def port(
    id_: str,
    network_: str,
    project_: str,
    *,
    server_: str = "",
    ips: Iterable[tuple[str, str]] = (),
    groups: Iterable[str] = (),
    mac: str = "",
    observed: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Item:
    """``ips`` are ``(subnet, address)``."""
    values = {
        "name": id_,
        "description": "",
        "network_id": network_,
        "project_id": project_,
        "mac_address": mac or mac_of(id_),
        "fixed_ips": [{"subnet_id": s, "ip_address": a} for s, a in ips],
        "security_groups": list(groups),
        "admin_state_up": True,
        "port_security_enabled": True,
        "allowed_address_pairs": [],
        "binding:vnic_type": "normal",
        "tags": [],
    }
    seen = {"status": "ACTIVE", "device_id": server_, "device_owner": "compute:nova" if server_ else ""}
    return item("port", id_, id_, project_, {**values, **fields}, **{**seen, **(observed or {})})


def mac_of(id_: str) -> str:
    """A MAC address that follows from a name."""
    tail = f"{sum(ord(c) * 31**i for i, c in enumerate(id_)) & 0xFFFFFF:06x}"
    return f"fa:16:3e:{tail[:2]}:{tail[2:4]}:{tail[4:]}"


def floating_ip(
    id_: str, address: str, network_: str, project_: str, port_: str | None = None, **observed: Any
) -> Item:
    fields = {
        "floating_ip_address": address,
        "floating_network_id": network_,
        "project_id": project_,
        "description": "",
        "tags": [],
        "port_id": port_,
        "fixed_ip_address": "10.0.0.10" if port_ else None,
        "router_id": None,
    }
    return item("floating_ip", id_, address, project_, fields, status="ACTIVE", **observed)


def image(id_: str, owner: str, name: str = "", *, size: int = 1000, hash_: str = "", **fields: Any) -> Item:
    values = {
        "name": name or id_,
        "visibility": "private",
        "owner": owner,
        "protected": False,
        "os_hidden": False,
        "min_disk": 0,
        "min_ram": 0,
        "disk_format": "qcow2",
        "container_format": "bare",
        "tags": [],
        "properties": {},
        "signature": {},
        "block_device_mapping": [],
        "deactivated": False,
    }
    data = {"size": size, "os_hash_algo": "sha512", "os_hash_value": hash_ or f"hash {id_}"}
    values |= data
    seen = {"status": "active", **data}
    return item("image", id_, name or id_, owner, {**values, **fields}, **seen)


def image_member(image_: str, project_: str) -> Item:
    fields = {"image_id": image_, "member_id": project_, "status": "accepted"}
    return item("image_member", f"{image_}/{project_}", f"{image_} for {project_}", None, fields)


def volume_type(name: str, **fields: Any) -> Item:
    values = {
        "name": name,
        "description": "",
        "os-volume-type-access:is_public": True,
        "extra_specs": {},
        "qos_specs": "",
        "encryption": {},
    }
    return item("volume_type", name, name, None, {**values, **fields}, type_id=f"id-{name}")


def volume_type_access(kind: str, project_: str) -> Item:
    fields = {"volume_type": kind, "project_id": project_}
    return item("volume_type_access", f"{kind}/{project_}", f"{kind} for {project_}", project_, fields)


def volume_qos(name: str, **specs: str) -> Item:
    return item("volume_qos", f"id-{name}", name, None, {"name": name, "consumer": "both", "specs": specs})


def server_group(id_: str, project_: str, user_: str, policy: str = "anti-affinity", **observed: Any) -> Item:
    fields = {"name": id_, "policy": policy, "rules": {}, "project_id": project_, "user_id": user_}
    return item("server_group", id_, id_, project_, fields, **{"members": [], **observed})


def volume(
    id_: str,
    project_: str | None,
    user_: str,
    *,
    size: int = 1,
    server_: str = "",
    observed: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Item:
    values = {
        "name": id_,
        "description": "",
        "size": size,
        "volume_type": "gold",
        "project_id": project_,
        "user_id": user_,
        "metadata": {},
        "bootable": False,
        "volume_image_metadata": {},
        "readonly": False,
    }
    seen = {
        "status": "in-use" if server_ else "available",
        "size": size,
        "attachments": [{"server_id": server_, "device": "/dev/vdb"}] if server_ else [],
        "encrypted": False,
        "multiattach": False,
        "availability_zone": "nova",
    }
    return item("volume", id_, id_, project_, {**values, **fields}, **{**seen, **(observed or {})})


def volume_snapshot(
    id_: str, volume_: str, project_: str, user_: str | None = None, *, size: int = 1, **observed: Any
) -> Item:
    fields = {
        "name": id_,
        "description": "",
        "size": size,
        "volume_id": volume_,
        "project_id": project_,
        "user_id": user_,
        "metadata": {},
    }
    seen = {"status": "available", "created_at": "2020", "group_snapshot_id": None}
    return item("volume_snapshot", id_, id_, project_, fields, **{**seen, **observed})


def volume_pool(name: str, **observed: Any) -> Item:
    seen = {"volume_backend_name": name, "storage_protocol": "local", "reimage": True, "zones": ["nova"]}
    return item("volume_pool", name, name, None, {"name": name}, **{**seen, **observed})


def server(
    id_: str,
    project_: str,
    user_: str | None,
    *,
    flavor_: str | None = "small",
    ports: Iterable[str] = (),
    volumes: Iterable[str] = (),
    group_: str | None = None,
    image_: str | None = "cirros",
    observed: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Item:
    values = {
        "name": id_,
        "description": id_,
        "project_id": project_,
        "user_id": user_,
        "flavor_id": flavor_,
        "metadata": {},
        "key_name": None,
        "user_data": None,
        "config_drive": False,
        "hostname": id_,
        "tags": [],
        "accessIPv4": "",
        "accessIPv6": "",
        "OS-DCF:diskConfig": "MANUAL",
        "server_group_id": group_,
        "availability_zone": "nova",
        "scheduler_hints": None,
        "ports": list(ports),
        "nic_tags": [None for _ in ports],
        "volumes": [
            {
                "volume_id": v,
                "device": "/dev/vdb",
                "boot_index": -1,
                "delete_on_termination": False,
                "tag": None,
            }
            for v in volumes
        ],
    }
    seen = {
        "status": "ACTIVE",
        "image_id": image_,
        "shelve_images": [],
        "root_device_name": "/dev/vda",
        "flavor_name": flavor_,
        "flavor": {},
        "host": "old-1",
        "availability_zone": "nova",
        "zone_pinned": None,
        "task_state": None,
        "locked": False,
        "locked_reason": None,
        "locked_by": "",
        "trusted_certificates": [],
        "server_hints": [],
        "vcpus": 1,
        "ram_mb": 512,
        "root_gb": 1,
        "ephemeral_gb": 0,
        "swap_mb": 0,
        "networks": [],
        "key_gone": "",
        "fault": "",
    }
    return item("server", id_, id_, project_, {**values, **fields}, **{**seen, **(observed or {})})


def acme() -> list[Item]:
    """A source with one project of its own, in which there is one of everything."""
    return [
        domain(),
        project(ADMIN),
        project("acme"),
        role("member"),
        user("ann"),
        assignment("member", "ann", "acme"),
        keypair("ann", "key"),
        flavor("small"),
        flavor("secret", public=False),
        flavor_access("secret", "acme"),
        quota("compute", "acme", instances=10, cores=20, ram=51200),
        quota("volume", "acme", volumes=10, gigabytes=1000),
        quota("network", "acme", network=10, port=50),
        network("public", ADMIN, external=True),
        subnet("public-subnet", "public", ADMIN, "192.0.2.0/24"),
        network("lan", "acme"),
        subnet("lan-subnet", "lan", "acme"),
        group("web", "acme"),
        group_rules("web", "acme", {"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}),
        router("gate", "acme"),
        interfaces("gate", "acme", ("lan", "lan-subnet", "10.0.0.1")),
        port("port", "lan", "acme", server_="web-1", ips=[("lan-subnet", "10.0.0.10")], groups=["web"]),
        floating_ip("float", "192.0.2.7", "public", "acme", "port"),
        image("cirros", "acme"),
        image_member("cirros", ADMIN),
        volume_type("gold"),
        server_group("apart", "acme", "ann", members=["web-1"]),
        volume("data", "acme", "ann", server_="web-1"),
        volume("spare", "acme", "ann"),
        server("web-1", "acme", "ann", ports=["port"], volumes=["data"], group_="apart"),
    ]


def new_cloud() -> list[Item]:
    """A destination as it is when its deployer has just gone."""
    return [
        domain(),
        project("new-admin", ADMIN),
        role("new-member", "member"),
        network("new-public", "new-admin", "public", external=True, mtu=1500),
        subnet("new-public-subnet", "new-public", "new-admin", "192.0.2.0/24"),
        volume_type("gold"),
    ]


def there(what: Item, **fields: Any) -> Item:
    """The equal counterpart of an item in the destination: ids get ``new-`` in front."""

    def new(kind: str, identifier: str) -> str:
        return (
            identifier
            if kind in ("volume_type", "domain", "physical_network", "volume_type_name")
            else f"new-{identifier}"
        )

    kind = KINDS[what.kind]
    values = {**kind.target(what, new), **fields}
    owner = f"new-{what.project_id}" if what.project_id else None
    return Item(what.kind, new(what.kind, what.id), what.name, owner, values, what.observed)


def replaced(items: Iterable[Item], *others: Item) -> list[Item]:
    """The items, those of the same key replaced; new ones at the end."""
    by_key = {i.key: i for i in items}
    return list((by_key | {o.key: o for o in others}).values())


def without(items: Iterable[Item], *keys: str) -> list[Item]:
    """The items but these."""
    return [i for i in items if i.key not in keys]


def row(key: str, state: str, destination_id: str | None = None, how: str = "created", **data: Any) -> Row:
    """A row of the ledger."""
    kind, _, identifier = key.partition(":")
    return Row(key, kind, identifier, identifier, destination_id, state, how, data)


def world(
    source: Iterable[Item] | None = None,
    destination: Iterable[Item] | None = None,
    *rows: Row,
    hosts: tuple[HostRoom, ...] | None = ROOMY,
    **policy: Any,
) -> World:
    """What a plan is made from."""
    return World(
        Inventory("source", acme() if source is None else source),
        Inventory("destination", new_cloud() if destination is None else destination),
        {r.key: r for r in rows},
        Policy(**policy),
        hosts,
        {"source": ADMIN, "destination": "new-admin"},
    )


ACME = Selection("project", ("acme",))


def plan(of: World | None = None, selection: Selection = ACME) -> Plan:
    """A plan between two clouds called old and new."""
    return make_plan(selection, of or world(), ("old", "new"))


def step(key: str, of: World | None = None, selection: Selection = ACME) -> Step:
    """One step of the plan."""
    return next(s for s in plan(of, selection).steps if s.key == key)


def problems(of: World, selection: Selection = ACME) -> dict[str, list[Problem]]:
    """The problems of the plan, by rule."""
    found: dict[str, list[Problem]] = {}
    for problem in plan(of, selection).problems:
        found.setdefault(problem.rule, []).append(problem)
    return found


def bare_step(key: str, action: Action = Action.CREATE, **values: Any) -> Step:
    """A step that was not planned."""
    kind, _, identifier = key.partition(":")
    return Step(key, kind, values.pop("name", identifier), values.pop("project", ""), action, **values)
