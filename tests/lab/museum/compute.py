"""Compute: a server in each state that can be brought back, one that wears everything, odd flavors."""

import base64
import json
import pathlib
import time
from typing import Any

from clouds import VERSIONS, get
from disks import MIB, checksum

from museum.hall import Hall

#: The one of this name in the destination is another: the source's gets the name that policy gives it.
CLASH, CLASH_THERE = "museum.clash", "museum.clash-old"
POLICY = {"flavors": {CLASH: CLASH_THERE}, "availability_zones": {"nova": "nova"}}
PREFIX = "exhibit-"
#: Server → what becomes of it, and the state in which it waits to be moved.
STATES = {
    "paused": (["pause"], "PAUSED"),
    "suspended": (["suspend"], "SUSPENDED"),
    "shelved": (["shelve"], "SHELVED_OFFLOADED"),
    "volume": (["os-stop"], "SHUTOFF"),
    "locked-by-owner": (["lock"], "ACTIVE"),
    "locked-by-admin": (["lock"], "ACTIVE"),
}
FLAVORS = {
    "museum.gone": {"ram": 128, "vcpus": 1, "disk": 1, "extra_specs": {"hw:mem_page_size": "small"}},
    "museum.no-disk": {"ram": 64, "vcpus": 1, "disk": 0, "is_public": False},
    CLASH: {"ram": 96, "vcpus": 2, "disk": 1, "extra_specs": {"quota:cpu_shares": "1024"}},
}
# What a server can wear → since which microversion.
SINCE = {"hostname": "2.90", "trusted_image_certificates": "2.63"}


def build(hall: Hall) -> None:
    admin, tenant = hall.admin, hall.tenant
    image = _image(hall)
    flavors = {name: _flavor(admin, name, **more) for name, more in FLAVORS.items()}
    _flavor(hall.look("destination"), CLASH, ram=999, vcpus=9, disk=9)
    network = tenant.network.create_network(name=f"{PREFIX}compute")
    tenant.network.create_subnet(
        name=f"{PREFIX}compute", network_id=network.id, ip_version=4, cidr="10.77.0.0/24"
    )
    tenant.compute.create_keypair(name=f"{PREFIX}key")
    root = _from_image(image)
    admin.compute.flavor_add_tenant_access(flavors["museum.no-disk"], hall.project)
    apart = {"os:scheduler_hints": {"group": _group(hall)}}
    made = {
        "dressed": _server(tenant, "dressed", flavors[CLASH], root, apart, **_dress(hall, network)),
        "gone": _server(tenant, "gone", flavors["museum.gone"], root, apart, networks="none"),
    }
    for name in STATES:
        volume = {"uuid": image, "source_type": "image", "destination_type": "volume", "volume_size": 1}
        disk = {**volume, "boot_index": 0, "delete_on_termination": True} if "volume" in name else root
        flavor = flavors["museum.no-disk"] if "volume" in name else flavors[CLASH]
        made[name] = _server(tenant, name, flavor, disk, networks="none")
    for server in made.values():
        _wait(admin, server, "ACTIVE")
        _write(hall, server)
    for name, (actions, status) in STATES.items():
        who = admin if name == "locked-by-admin" else tenant
        for action in actions:
            _act(who, made[name], action, {"locked_reason": "handle with care"} if action == "lock" else None)
        _wait(admin, made[name], status)
    admin.compute.delete_flavor(flavors["museum.gone"])


def _image(hall: Hall) -> str:
    images = hall.tenant.image
    made = images.create_image(
        name=f"{PREFIX}base", disk_format="raw", container_format="bare", min_disk=1, allow_duplicates=True,
        data=b"museum" * 1000, validate_checksum=False,
    )  # fmt: skip
    return str(made.id)


def _group(hall: Hall) -> str:
    """Two of it may share a host, where the release knows such rules; the destination has one host."""
    policy: dict[str, Any] = {"policies": ["soft-anti-affinity"]}
    if hall.speaks("compute", "2.64"):
        policy = {"policy": "anti-affinity", "rules": {"max_server_per_host": 2}}
    answer = hall.tenant.compute.post(
        "/os-server-groups",
        json={"server_group": {"name": f"{PREFIX}apart", **policy}},
        microversion=VERSIONS["compute"],
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["server_group"]["id"])


def _flavor(cloud: Any, name: str, extra_specs: dict[str, str] | None = None, **body: Any) -> Any:
    flavor = cloud.compute.create_flavor(name=name, **body)
    if extra_specs:
        cloud.compute.create_flavor_extra_specs(flavor, extra_specs)
    return flavor.id


def _from_image(image: str) -> dict[str, Any]:
    disk = {
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
    }
    return {"uuid": image, **disk, "device_name": "/dev/sda", "imageRef": image}


def _server(
    cloud: Any, name: str, flavor: str, disk: dict[str, Any], hints: dict[str, Any] | None = None, **more: Any
) -> str:
    ref = {"imageRef": disk["imageRef"]} if "imageRef" in disk else {}
    disk = {key: value for key, value in disk.items() if key != "imageRef"}
    disks = [disk, *more.pop("disks", ())]
    body = {"name": PREFIX + name, "flavorRef": flavor, **ref, "block_device_mapping_v2": disks, **more}
    request = {"server": body, **(hints or {})}
    answer = cloud.compute.post("/servers", json=request, microversion=VERSIONS["compute"])
    assert answer.status_code == 202, answer.text
    return str(answer.json()["server"]["id"])


def _dress(hall: Hall, network: Any) -> dict[str, Any]:
    """Whatever a server of this release can wear; the ports are given against the order of their addresses."""
    tenant = hall.tenant
    ports = [
        tenant.network.create_port(
            network_id=network.id, name=f"{PREFIX}nic-{n}", fixed_ips=[{"ip_address": f"10.77.0.{9 - n}"}]
        )
        for n in range(3)
    ]
    volumes = [tenant.block_storage.create_volume(name=f"{PREFIX}disk-{n}", size=1) for n in range(2)]
    for volume in volumes:
        tenant.block_storage.wait_for_status(volume, "available", interval=1, wait=120)
    kinds = {"source_type": "volume", "destination_type": "volume", "boot_index": -1}
    worn = {
        "networks": [
            {"port": port.id, **({"tag": "storage"} if n == 1 else {})} for n, port in enumerate(ports)
        ],
        "disks": [
            {"uuid": volume.id, **kinds, "delete_on_termination": bool(n), "tag": f"disk-{n}"}
            for n, volume in enumerate(volumes)
        ],
        "description": "wears everything",
        "metadata": {"wing": "compute"},
        "tags": ["bronze", "marble"],
        "key_name": f"{PREFIX}key",
        "user_data": base64.b64encode(b"#!/bin/sh\n").decode(),
        "config_drive": True,
        "hostname": "exhibit-host",
        "accessIPv4": "192.0.2.77",
        "accessIPv6": "2001:db8::77",
        "OS-DCF:diskConfig": "AUTO",
        "availability_zone": "nova",
        "trusted_image_certificates": ["674736e3-f25c-405c-8362-bbf991e0ce0a"],
    }
    new = {name for name, version in SINCE.items() if not hall.speaks("compute", version)}
    return {name: value for name, value in worn.items() if name not in new}


def _act(cloud: Any, server: str, action: str, value: Any = None) -> None:
    answer = cloud.compute.post(
        f"/servers/{server}/action", json={action: value}, microversion=VERSIONS["compute"]
    )
    assert answer.status_code < 300, answer.text


def _wait(cloud: Any, server: str, status: str) -> dict[str, Any]:
    for _ in range(240):
        body: dict[str, Any] = get(cloud, "compute", f"/servers/{server}")["server"]
        if body["status"] == status and not body["OS-EXT-STS:task_state"]:
            return body
        assert body["status"] != "ERROR", body
        time.sleep(0.5)
    raise AssertionError(f"{body['name']} is {body['status']}, not {status}")


def _write(hall: Hall, server: str) -> None:
    """Data of its own on the root disk of a server that has one."""
    file = hall.lab.files("source") / "instances" / server / "disk"
    if file.exists():
        with file.open("r+b") as disk:
            disk.seek(MIB)
            disk.write(server.encode() * 1000)


# --- portrait -----------------------------------------------------------------------------------
SHOWN = (
    *("status", "locked", "locked_reason", "description", "metadata", "tags", "key_name", "accessIPv4"),
    *("accessIPv6", "config_drive", "OS-DCF:diskConfig", "OS-EXT-SRV-ATTR:hostname"),
    *("OS-EXT-SRV-ATTR:user_data", "OS-EXT-SRV-ATTR:root_device_name", "OS-EXT-AZ:availability_zone"),
)
FLAVOR = ("ram", "vcpus", "disk", "ephemeral", "swap", "extra_specs")


def portrait(hall: Hall, side: str) -> dict[str, Any]:
    cloud, files = hall.look(side), hall.lab.files(side)
    query = f"/servers/detail?all_tenants=1&project_id={hall.project_in(side)}"
    bodies = get(cloud, "compute", query)["servers"]
    users = {user.id: user.name for user in cloud.identity.users()}
    servers = {
        body["name"]: _shown(cloud, files, side, body, users)
        for body in bodies
        if body["name"].startswith(PREFIX)
    }
    return {
        "server": servers,
        "server group": _groups(cloud, {body["id"]: body["name"] for body in bodies}, users),
        "flavor": _flavors(hall, side),
    }


def _shown(
    cloud: Any, files: pathlib.Path, side: str, body: dict[str, Any], users: dict[str, str]
) -> dict[str, Any]:
    path = f"/servers/{body['id']}"
    tags = {
        nic["port_id"]: nic.get("tag")
        for nic in get(cloud, "compute", f"{path}/os-interface")["interfaceAttachments"]
    }
    attached = get(cloud, "compute", f"{path}/os-volume_attachments")["volumeAttachments"]
    names = {volume.id: volume.name for volume in cloud.block_storage.volumes(all_projects=True)}
    record = files / "instances" / body["id"] / "server.json"
    plugged = json.loads(record.read_text())["ports"] if record.exists() else []
    ports = {port: cloud.network.get_port(port).name for port in plugged}
    flavor = {name: body["flavor"][name] for name in FLAVOR}
    flavor_name = body["flavor"]["original_name"]
    return {name: body[name] for name in SHOWN if name in body} | {
        "owner": users[body["user_id"]],
        "flavor": (CLASH_THERE if side == "source" and flavor_name == CLASH else flavor_name, flavor),
        "NICs": [(ports[port], tags[port]) for port in plugged],
        "disks": sorted(
            (a["device"], names[a["volumeId"]], a["tag"], a["delete_on_termination"]) for a in attached
        ),
        "root": _root(cloud, files, body),
        "locked by": _locker(cloud, body) if body["locked"] else None,
    }


def _groups(cloud: Any, servers: dict[str, str], users: dict[str, str]) -> dict[str, Any]:
    groups = get(cloud, "compute", "/os-server-groups?all_projects=True")["server_groups"]
    return {
        each["name"]: {
            **{name: each[name] for name in ("policy", "policies", "rules") if name in each},
            "owner": users[each["user_id"]],
            "members": sorted(servers[member] for member in each["members"]),
        }
        for each in groups
        if each["name"].startswith(PREFIX)
    }


def _root(cloud: Any, files: pathlib.Path, body: dict[str, Any]) -> str | None:
    """The content of the root disk: a file, or the image that a shelved server is."""
    if not body["image"]:
        return None
    if body["status"] != "SHELVED_OFFLOADED":
        return checksum(files / "instances" / body["id"] / "disk")
    (image,) = cloud.image.images(name=f"{body['name']}-shelved")
    return checksum(files / "images" / image.id)


def _locker(cloud: Any, body: dict[str, Any]) -> str:
    actions = get(cloud, "compute", f"/servers/{body['id']}/os-instance-actions")
    (lock,) = [a for a in actions["instanceActions"] if a["action"] == "lock"]
    return "its owner" if lock["project_id"] == body["tenant_id"] else "an administrator"


def _flavors(hall: Hall, side: str) -> dict[str, Any]:
    """Those that are still there, under the names they have in the destination; a deleted one is told by its server."""
    compute, project = hall.look(side).compute, hall.project_in(side)
    every = {flavor.name: flavor for flavor in compute.flavors(get_extra_specs=True, is_public=None)}
    found = {}
    for name, before in ((CLASH_THERE, CLASH), ("museum.no-disk", "museum.no-disk")):
        flavor = every.get(name) or every[before]
        access = () if flavor.is_public else compute.get_flavor_access(flavor)
        ours = [each["tenant_id"] == project for each in access]
        found[name] = (flavor.ram, flavor.vcpus, flavor.disk, flavor.is_public, flavor.extra_specs, ours)
    return found
