"""One project by names instead of ids, to compare it with its copy in the other cloud."""

import base64
import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from clouds import QUOTAS, ROOT_MARK, Objects, settled

IMAGE_OWN = {
    *("id", "name", "status", "visibility", "protected", "os_hidden", "min_disk", "min_ram", "disk_format"),
    *(
        "container_format",
        "tags",
        "size",
        "virtual_size",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "owner",
    ),
    *("created_at", "updated_at", "self", "file", "schema", "stores", "locations", "direct_url"),
}
QUOTA_KINDS = tuple(f"{quota} quota" for quota in QUOTAS)
#: What arrives equal whatever else does; who may use images and flavors depends on what other projects arrive.
KINDS = (
    *("project", "user", "role", "role assignment", "keypair", "flavor", "image", *QUOTA_KINDS),
    *("network", "subnet", "router", "security group", "port", "floating ip"),
    *("volume", "snapshot", "server group", "server"),
)


class Names:
    """Names of the things of one cloud, by id."""

    def __init__(self, everything: dict[str, Objects]) -> None:
        self._everything = everything

    def __call__(self, kind: str, identifier: str | None) -> str | None:
        """The name; the address of a floating IP, the MAC of a port."""
        if not identifier:
            return None
        row = self._everything[kind][identifier]
        return row["mac_address"] if kind == "port" else row["name"]


def portrait(everything: dict[str, Objects], project: str, files: pathlib.Path) -> dict[str, Any]:
    """All there is of a project, with names instead of ids: kind → name → what must be equal in both clouds.

    :param everything: the inventory of its cloud.
    :param files: the directory in which the cloud's services keep their data.
    """
    name = Names(everything)
    row = named(everything, "project", project)
    own = {
        kind: [each for each in rows.values() if _owner(each) == row["id"]]
        for kind, rows in everything.items()
    }
    shown = _shown_identity(row, everything, name)
    shown |= _shown_network(own, everything, name)
    shown |= _shown_compute(own, everything, name, files)
    shown |= _shown_storage(own, name)
    shown["volume"] = _named((volume_label(each, name), _volume(each, name)) for each in own["volume"])
    for quota in QUOTAS:
        limits = everything[f"{quota} quota"][row["id"]].items()
        shown[f"{quota} quota"] = {limit: value for limit, value in limits if limit != "id"}
    return shown


def differences(original: dict[str, Any], copy: dict[str, Any], *kinds: str) -> list[str]:
    """What differs between the portraits of a project in both clouds, a line each."""
    lines: list[str] = []
    for kind in kinds or KINDS:
        here, there = original[kind], copy[kind]
        if kind in QUOTA_KINDS:  # the destination may know other limits
            common = here.keys() & there.keys()
            here, there = ({limit: side[limit] for limit in common} for side in (here, there))
        lines += _differing(kind, here, there)
    return lines


def _differing(path: str, here: Any, there: Any) -> Iterator[str]:
    if isinstance(here, dict) and isinstance(there, dict):
        for name in sorted(here | there):
            yield from _differing(f"{path}: {name}", here.get(name), there.get(name))
    elif here != there:
        yield f"{path}: {here!r} → {there!r}"


def named(everything: dict[str, Objects], kind: str, name: str) -> dict[str, Any]:
    """The only thing of a kind that has this name."""
    (found,) = (each for each in everything[kind].values() if each["name"] == name)
    return found


def _owner(row: dict[str, Any]) -> str | None:
    for field in ("project_id", "tenant_id", "os-vol-tenant-attr:tenant_id", "owner"):
        if row.get(field):
            return str(row[field])
    return None


def _picked(row: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {field: row[field] for field in fields}


def _named(rows: Iterable[tuple[str, dict[str, Any]]]) -> Objects:
    found: Objects = {}
    for name, row in rows:
        assert name not in found, f"twice: {name}"
        found[name] = row
    return found


def _shown_identity(row: dict[str, Any], everything: dict[str, Objects], name: Names) -> dict[str, Any]:
    assignments = map(json.loads, everything["role assignment"])
    held = [
        (each["user"]["id"], each["role"]["id"])
        for each in assignments
        if each["scope"].get("project", {}).get("id") == row["id"] and "user" in each
    ]
    people = [everything["user"][user] for user in {user for user, _ in held}]
    return {
        "project": _picked(row, "description", "enabled", "tags", "is_domain")
        | {"parent": name("project", row["parent_id"]) if row["parent_id"] != row["domain_id"] else None},
        "user": _named(
            (
                each["name"],
                _picked(each, "enabled", "email", "description", "domain_id")
                | {"home": name("project", each.get("default_project_id"))},
            )
            for each in people
        ),
        "role": {
            everything["role"][role]["name"]: everything["role"][role]["description"] for _, role in held
        },
        "role assignment": sorted((name("user", user), name("role", role)) for user, role in held),
        "keypair": {
            f"{user['name']}/{each['name']}": _picked(each, "public_key", "type", "fingerprint")
            for user in people
            for key, each in everything["keypair"].items()
            if key.startswith(user["id"])
        },
    }


def _shown_network(
    own: dict[str, list[dict[str, Any]]], everything: dict[str, Objects], name: Names
) -> dict[str, Any]:
    return {
        "network": _named((each["name"], _network(each)) for each in own["network"]),
        "subnet": _named((each["name"], _subnet(each, name)) for each in own["subnet"]),
        "router": _named((each["name"], _router(each, everything, name)) for each in own["router"]),
        "security group": _named((each["name"], _group(each, name)) for each in own["security group"]),
        "port": _named(
            (each["mac_address"], _port(each, name))
            for each in own["port"]
            if each["device_owner"].startswith("compute:") or not each["device_owner"]
        ),
        "floating ip": _named(
            (each["floating_ip_address"], _floating(each, name)) for each in own["floating ip"]
        ),
    }


def _network(row: dict[str, Any]) -> dict[str, Any]:
    fields = (
        "description",
        "shared",
        "router:external",
        "mtu",
        "admin_state_up",
        "port_security_enabled",
        "tags",
    )
    return _picked(row, *fields, "provider:network_type")


def _subnet(row: dict[str, Any], name: Names) -> dict[str, Any]:
    fields = (
        "description",
        "cidr",
        "ip_version",
        "gateway_ip",
        "enable_dhcp",
        "allocation_pools",
        "dns_nameservers",
    )
    more = ("host_routes", "ipv6_ra_mode", "ipv6_address_mode", "service_types", "tags")
    return _picked(row, *fields, *more) | {"network": name("network", row["network_id"])}


def _addresses(addresses: list[dict[str, Any]], name: Names) -> list[Any]:
    return sorted((name("subnet", each["subnet_id"]), each["ip_address"]) for each in addresses)


def _router(row: dict[str, Any], everything: dict[str, Objects], name: Names) -> dict[str, Any]:
    gateway = row["external_gateway_info"] or {}
    interfaces = [
        address
        for port in everything["port"].values()
        if port["device_id"] == row["id"] and port["device_owner"] == "network:router_interface"
        for address in port["fixed_ips"]
    ]
    return _picked(row, "description", "admin_state_up", "routes", "tags") | {
        "gateway": name("network", gateway.get("network_id")),
        "snat": gateway.get("enable_snat"),
        "gateway addresses": _addresses(gateway.get("external_fixed_ips", []), name),
        "interfaces": _addresses(interfaces, name),
    }


def _group(row: dict[str, Any], name: Names) -> dict[str, Any]:
    fields = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix")
    rules = [
        _picked(rule, *fields) | {"remote": name("security group", rule["remote_group_id"])}
        for rule in row["security_group_rules"]
    ]
    return _picked(row, "description", "stateful", "tags") | {"rules": settled(rules)}


def _port(row: dict[str, Any], name: Names) -> dict[str, Any]:
    fields = (
        "name",
        "description",
        "admin_state_up",
        "port_security_enabled",
        "allowed_address_pairs",
        "tags",
    )
    return _picked(row, *fields, "extra_dhcp_opts", "binding:vnic_type") | {
        "network": name("network", row["network_id"]),
        "addresses": _addresses(row["fixed_ips"], name),
        "groups": sorted(str(name("security group", each)) for each in row["security_groups"]),
        "server": name("server", row["device_id"]),
    }


def _floating(row: dict[str, Any], name: Names) -> dict[str, Any]:
    return _picked(row, "description", "tags", "fixed_ip_address") | {
        "network": name("network", row["floating_network_id"]),
        "router": name("router", row["router_id"]),
        "port": name("port", row["port_id"]),
    }


def _shown_compute(
    own: dict[str, list[dict[str, Any]]],
    everything: dict[str, Objects],
    name: Names,
    files: pathlib.Path,
) -> dict[str, Any]:
    used = {each["flavor"]["original_name"] for each in own["server"]}
    flavors = [each for each in everything["flavor"].values() if each["name"] in used]
    return {
        "flavor": _named((each["name"], _flavor(each)) for each in flavors),
        "flavor access": {
            each["name"]: sorted(str(name("project", project)) for project in each.get("access", []))
            for each in flavors
        },
        "server group": _named(
            (
                each["name"],
                _picked(each, "policy", "rules")
                | {"members": sorted(str(name("server", member)) for member in each["members"])},
            )
            for each in own["server group"]
        ),
        "server": _named((each["name"], _server(each, everything, name, files)) for each in own["server"]),
    }


def _flavor(row: dict[str, Any]) -> dict[str, Any]:
    fields = ("ram", "vcpus", "disk", "swap", "OS-FLV-EXT-DATA:ephemeral", "rxtx_factor", "description")
    return _picked(row, *fields, "os-flavor-access:is_public", "extra_specs")


def _server(
    row: dict[str, Any], everything: dict[str, Objects], name: Names, files: pathlib.Path
) -> dict[str, Any]:
    fields = (
        "status",
        "OS-EXT-STS:power_state",
        "OS-EXT-STS:task_state",
        "description",
        "metadata",
        "tags",
        "key_name",
    )
    plugged = json.loads((files / "instances" / row["id"] / "server.json").read_text())["ports"]
    user_data = row["OS-EXT-SRV-ATTR:user_data"]
    return _picked(
        row, *fields, "OS-EXT-SRV-ATTR:hostname", "flavor", "config_drive", "OS-DCF:diskConfig"
    ) | {
        "user": name("user", row["user_id"]),
        "user data": base64.b64decode(user_data).decode() if user_data else None,
        "boots from volume": not row["image"],
        "NICs": [name("port", port) for port in plugged],
        "disks": sorted(
            (
                each["device"],
                volume_label(everything["volume"][each["volumeId"]], name),
                each["delete_on_termination"],
            )
            for each in row["volume_attachments"]
        ),
    }


def _shown_storage(own: dict[str, list[dict[str, Any]]], name: Names) -> dict[str, Any]:
    images = [each for each in own["image"] if ROOT_MARK not in each]
    return {
        "image": _named((each["name"], _image(each)) for each in images),
        "image member": {
            each["name"]: sorted(
                (name("project", member["member_id"]), member["status"]) for member in each["members"]
            )
            for each in images
        },
        "snapshot": _named((each["name"], {}) for each in own["snapshot"]),
    }


def _image(row: dict[str, Any]) -> dict[str, Any]:
    fields = (
        "visibility",
        "protected",
        "os_hidden",
        "min_disk",
        "min_ram",
        "disk_format",
        "container_format",
    )
    extra = row.keys() - IMAGE_OWN - {"members"}
    return _picked(row, *fields, "tags", "size", "checksum", "status") | {
        "properties": {key: row[key] for key in extra if not key.startswith("os_glance")}
    }


def volume_label(row: dict[str, Any], name: Names) -> str:
    """Nova gives the volumes it makes no name: they are told by where they are."""
    at = [f"{name('server', each['server_id'])}:{each['device']}" for each in row["attachments"]]
    return row["name"] or " ".join(at)


def _volume(row: dict[str, Any], name: Names) -> dict[str, Any]:
    fields = (
        "status",
        "size",
        "description",
        "volume_type",
        "bootable",
        "metadata",
        "encrypted",
        "multiattach",
    )
    return _picked(row, *fields) | {
        "user": name("user", row["user_id"]),
        "image metadata": row.get("volume_image_metadata", {}),
        "attached": sorted(
            (name("server", each["server_id"]), each["device"]) for each in row["attachments"]
        ),
    }
