"""A whole cloud by ids, to compare it with itself at another time; read by plain openstacksdk."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

ROOT_MARK = "pumphouse_source_server"
#: What changes by itself, or by looking at it.
VOLATILE = {
    "updated_at",
    "updated",
    "revision_number",
    "links",
    "timestamp",
    "progress",
    "hostId",
    "attached_at",
}
#: Microversions that Zed and all younger releases know; see ``lower_versions``.
VERSIONS = {"compute": "2.93", "block_storage": "3.70"}
QUOTAS = {
    "compute": ("compute", "/os-quota-sets/{}", "quota_set"),
    "volume": ("block_storage", "/os-quota-sets/{}", "quota_set"),
    "network": ("network", "/quotas/{}", "quota"),
}

Objects = dict[str, dict[str, Any]]


def lower_versions(*clouds: Any) -> None:
    """Speak no younger microversions than each cloud knows."""
    for service, spoken in list(VERSIONS.items()):
        known = (getattr(cloud, service).get_endpoint_data().max_microversion for cloud in clouds)
        lowest = min(tuple(map(int, spoken.split("."))), *map(tuple, known))
        VERSIONS[service] = ".".join(map(str, lowest))


def get(cloud: Any, service: str, path: str) -> dict[str, Any]:
    """The body of a GET, at the microversions that both clouds know."""
    answer = getattr(cloud, service).get(path, microversion=VERSIONS.get(service))
    answer.raise_for_status()
    return answer.json()


def every(cloud: Any, service: str, path: str, key: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        page = get(cloud, service, following)
        found += page[key]
        following = next((e["href"] for e in page.get(f"{key}_links", []) if e["rel"] == "next"), None)
        if page.get("next"):
            following = page["next"].removeprefix("/v2")
    return found


# A whole cloud, by ids


def inventory(cloud: Any) -> dict[str, Objects]:
    """Everything in a cloud: kind → id → object, without what changes by itself."""
    everything: dict[str, Objects] = {}
    for part in (_identity, _compute, _images, _volumes, _networks):
        for kind, rows in part(cloud).items():
            everything[kind] = _by(rows, "id")
    projects = everything["project"]
    for name, (service, path, key) in QUOTAS.items():
        rows = (_limits(get(cloud, service, path.format(each))[key]) | {"id": each} for each in projects)
        everything[f"{name} quota"] = _by(rows, "id")
    return everything


def changes(before: dict[str, Objects], after: dict[str, Objects]) -> list[str]:
    """What differs between two inventories of one cloud, a line each."""
    lines = []
    for kind in sorted(before | after):
        old, new = before.get(kind, {}), after.get(kind, {})
        lines += [f"{kind} {label(new[each])}: appeared" for each in new.keys() - old.keys()]
        lines += [f"{kind} {label(old[each])}: gone" for each in old.keys() - new.keys()]
        for each in old.keys() & new.keys():
            about = f"{kind} {label(old[each])}"
            lines += [f"{about}: {line}" for line in _differing(old[each], new[each])]
    return sorted(lines)


def _differing(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for field in sorted(old | new):
        if old.get(field) != new.get(field):
            yield f"{field}: {old.get(field)!r} → {new.get(field)!r}"


def label(row: dict[str, Any]) -> str:
    return f"{row.get('name') or row.get('floating_ip_address') or ''} ({row['id']})"


def _by(rows: Iterable[dict[str, Any]], key: str) -> Objects:
    """Rows by key; two rows with one key are a duplicate, which nothing here may have."""
    found: Objects = {}
    for row in rows:
        assert row[key] not in found, f"twice: {row[key]}"
        found[row[key]] = settled(row)
    return found


def settled(value: Any) -> Any:
    """Without volatile fields, and with lists in an order of their own."""
    if isinstance(value, dict):
        return {name: settled(each) for name, each in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        return sorted((settled(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def _limits(quota: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in quota.items() if isinstance(value, int)}


def _identity(cloud: Any) -> dict[str, list[dict[str, Any]]]:
    kinds = {
        "domain": "domains",
        "project": "projects",
        "user": "users",
        "role": "roles",
        "group": "groups",
        "credential": "credentials",
    }
    rows = {kind: every(cloud, "identity", f"/{path}", path) for kind, path in kinds.items()}
    rows["role assignment"] = [
        {"id": json.dumps(settled(each), sort_keys=True)}
        for each in every(cloud, "identity", "/role_assignments", "role_assignments")
    ]
    rows["application credential"] = [
        each
        for user in rows["user"]
        for each in every(
            cloud, "identity", f"/users/{user['id']}/application_credentials", "application_credentials"
        )
    ]
    return rows


def _compute(cloud: Any) -> dict[str, list[dict[str, Any]]]:
    flavors = every(cloud, "compute", "/flavors/detail?is_public=None", "flavors")
    for flavor in flavors:
        if not flavor["os-flavor-access:is_public"]:
            path = f"/flavors/{flavor['id']}/os-flavor-access"
            flavor["access"] = [each["tenant_id"] for each in every(cloud, "compute", path, "flavor_access")]
    keypairs = [
        each["keypair"] | {"id": f"{user['id']}/{each['keypair']['name']}"}
        for user in every(cloud, "identity", "/users", "users")
        for each in every(cloud, "compute", f"/os-keypairs?user_id={user['id']}", "keypairs")
    ]
    servers = every(cloud, "compute", "/servers/detail?all_tenants=1", "servers")
    for server in servers:
        path = f"/servers/{server['id']}/os-volume_attachments"
        server["volume_attachments"] = every(cloud, "compute", path, "volumeAttachments")
    groups = every(cloud, "compute", "/os-server-groups?all_projects=True", "server_groups")
    return {"flavor": flavors, "keypair": keypairs, "server": servers, "server group": groups}


def _images(cloud: Any) -> dict[str, list[dict[str, Any]]]:
    images = [
        each
        for query in ("&visibility=all", "&visibility=all&os_hidden=true")
        for each in every(cloud, "image", f"/images?limit=100{query}", "images")
    ]
    for image in images:
        shared = image["visibility"] == "shared"
        path = f"/images/{image['id']}/members"
        image["members"] = every(cloud, "image", path, "members") if shared else []
    return {"image": images}


def _volumes(cloud: Any) -> dict[str, list[dict[str, Any]]]:
    def listed(path: str, key: str) -> list[dict[str, Any]]:
        return every(cloud, "block_storage", path, key)

    return {
        "volume": listed("/volumes/detail?all_tenants=1", "volumes"),
        "snapshot": listed("/snapshots/detail?all_tenants=1", "snapshots"),
        "volume type": listed("/types?is_public=None", "volume_types"),
        "volume transfer": listed("/volume-transfers/detail?all_tenants=1", "transfers"),
    }


def _networks(cloud: Any) -> dict[str, list[dict[str, Any]]]:
    kinds = {
        "network": "networks",
        "subnet": "subnets",
        "router": "routers",
        "port": "ports",
        "floating ip": "floatingips",
        "security group": "security-groups",
        "rbac policy": "rbac-policies",
        "subnet pool": "subnetpools",
        "address scope": "address-scopes",
        "address group": "address-groups",
        "qos policy": "qos/policies",
        "trunk": "trunks",
    }
    return {
        kind: every(cloud, "network", f"/{path}", path.rpartition("/")[2].replace("-", "_"))
        for kind, path in kinds.items()
    }


def traces(everything: dict[str, Objects]) -> list[str]:
    """What Pumphouse left in a cloud, except the hidden private images that its servers were started from."""
    found = [
        f"{kind} {label(row)}"
        for kind, rows in everything.items()
        for row in rows.values()
        if "pumphouse" in json.dumps(_told(row)).lower() and not is_kept_root(row, everything)
    ]
    admin = next(each["id"] for each in everything["user"].values() if each["name"] == "admin")
    home = next(each["id"] for each in everything["project"].values() if each["name"] == "admin")
    assignments = map(json.loads, everything["role assignment"])
    granted = [each for each in assignments if each.get("user", {}).get("id") == admin]
    found += [
        f"role assignment of admin: {each['scope']}"
        for each in granted
        if each["scope"].get("project", {}).get("id", home) != home
    ]
    return found


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Without what the lab's own drivers say of themselves, why a moved server is locked, and what its snapshots
    inherit from the image it was started from.
    """
    own = ("binding:", "locked_reason", *([ROOT_MARK] if "instance_uuid" in row else ()))
    return {name: value for name, value in row.items() if not name.startswith(own)}


def is_kept_root(image: dict[str, Any], everything: dict[str, Objects]) -> bool:
    """Whether this is the root disk of a moved server, kept as its image the way it has to be."""
    servers = everything["server"].values()
    return ROOT_MARK in image and any(
        image["os_hidden"]
        and image["visibility"] == "private"
        and image["owner"] == server["tenant_id"]
        and image["name"].startswith(server["name"])
        and server["image"]
        and server["image"]["id"] == image["id"]
        for server in servers
    )
