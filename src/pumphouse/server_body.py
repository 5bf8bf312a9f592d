"""What Nova's answers say about a server, joined with what other listings say of it."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pumphouse.model import Fields, Item, fingerprint
from pumphouse.ports import Cloud
from pumphouse.resource import Found

USER_DATA = "OS-EXT-SRV-ATTR:user_data"
HOSTNAME = "OS-EXT-SRV-ATTR:hostname"
ROOT_DEVICE = "OS-EXT-SRV-ATTR:root_device_name"
DISK_CONFIG = "OS-DCF:diskConfig"
ATTACHED = "os-extended-volumes:volumes_attached"
DELETED = "deleted-"  # begins the id of a flavor that lives on in its servers only
SHELVED = ("SHELVED", "SHELVED_OFFLOADED")
# Hints that name servers of their own cloud, and the group, which is a reference of its own.
OF_OTHER_IDS = ("group", "same_host", "different_host")
SIZES = {  # of a flavor, as a server tells them → as the flavor does
    "vcpus": "vcpus",
    "ram": "ram",
    "disk": "disk",
    "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
    "swap": "swap",
}
READERS = 6  # servers asked about at once


@dataclass(frozen=True)
class Details:
    """What Nova tells of one server only.

    :param nic_tags: by port.
    :param devices: by volume: its device and tag.
    :param locked_by: ``owner`` or ``admin``; empty when it is not locked, or Nova does not tell.
    """

    nic_tags: dict[str, str] = field(default_factory=dict)
    devices: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    locked_by: str = ""


def details(cloud: Cloud, bodies: list[dict[str, Any]]) -> Iterator[Details]:
    """Of every server, in the same order; several are asked about at once."""
    with ThreadPoolExecutor(READERS, thread_name_prefix=f"servers-{cloud.role}") as pool:
        yield from pool.map(lambda body: _details(cloud, body), bodies)


def _details(cloud: Cloud, body: dict[str, Any]) -> Details:
    """Tags of NICs and disks are told from microversion 2.70; a server may vanish while it is read."""
    path = f"/servers/{body['id']}"
    nic_tags = {}
    if body.get("addresses") and cloud.supports("compute", "2.70"):
        answer = cloud.find("compute", f"{path}/os-interface") or {"interfaceAttachments": []}
        nic_tags = {nic["port_id"]: nic["tag"] for nic in answer["interfaceAttachments"] if nic.get("tag")}
    devices = {}
    if body.get(ATTACHED):
        answer = cloud.find("compute", f"{path}/os-volume_attachments") or {"volumeAttachments": []}
        devices = {a["volumeId"]: (a.get("device") or "", a.get("tag")) for a in answer["volumeAttachments"]}
    return Details(nic_tags, devices, _locked_by(cloud, body) if body.get("locked") else "")


def _locked_by(cloud: Cloud, body: dict[str, Any]) -> str:
    """Nova does not show who locked a server, but remembers from which project (``nova.compute.api.API.lock``)."""
    answer = cloud.find("compute", f"/servers/{body['id']}/os-instance-actions") or {"instanceActions": []}
    locks = [a for a in answer["instanceActions"] if a["action"] == "lock"]
    if not locks:
        return ""
    last = max(locks, key=lambda action: str(action["start_time"]))
    return "owner" if last["project_id"] == body["tenant_id"] else "admin"


class Context:
    """What other kinds say about servers."""

    def __init__(self, found: Found) -> None:
        self.flavors = {f.name: f for f in found["flavor"]}
        self.flavor_ids = {f.id: f for f in found["flavor"]}
        self.users = {u.id for u in found["user"]}
        self.keypairs = {k.id for k in found["keypair"]}
        self.ports: dict[str, list[Item]] = defaultdict(list)
        for port in found["port"]:
            self.ports[port.observed["device_id"]].append(port)
        self.groups = {
            member: group.id for group in found["server_group"] for member in group.observed["members"]
        }
        self.shelved: dict[str, list[str]] = defaultdict(list)
        for image in found["image"]:
            if is_shelve_image(image.name, image.fields["properties"]):
                self.shelved[image.fields["properties"]["instance_uuid"]].append(image.id)


def is_shelve_image(name: str, properties: dict[str, Any]) -> bool:
    """Whether an image is the root disk of a shelved server: Nova names it so, and shows its id nowhere."""
    return name.endswith("-shelved") and "instance_uuid" in properties


def shelve_images(cloud: Cloud, identifier: str) -> list[dict[str, Any]]:
    """The images that may be the root disk of a shelved server; there is one, as a rule."""
    found = cloud.pages("image", "/images", "images", instance_uuid=identifier)
    return [image for image in found if is_shelve_image(image["name"] or "", image)]


def server_item(body: dict[str, Any], more: Details, context: Context) -> Item:
    """A server as an item."""
    flavor_id = _flavor_id(body["flavor"], context)
    flavor = context.flavor_ids.get(flavor_id or "")
    ports = [port.id for port in _in_order(context.ports[body["id"]], body)]
    hints = body.get("scheduler_hints")
    fields = {
        "name": body["name"],
        "description": body.get("description"),
        "project_id": body["tenant_id"],
        "user_id": body["user_id"] if body["user_id"] in context.users else None,
        "flavor_id": flavor_id,
        "metadata": body["metadata"],
        "key_name": body.get("key_name"),
        "user_data": body.get(USER_DATA),
        "config_drive": bool(body.get("config_drive")),
        "hostname": body.get(HOSTNAME),
        "tags": sorted(body.get("tags") or ()),
        "accessIPv4": body.get("accessIPv4") or "",
        "accessIPv6": body.get("accessIPv6") or "",
        DISK_CONFIG: body.get(DISK_CONFIG, "MANUAL"),
        "server_group_id": context.groups.get(body["id"]),
        "availability_zone": pinned_zone(body),
        "scheduler_hints": {n: v for n, v in hints.items() if n not in OF_OTHER_IDS} if hints else None,
        "ports": ports,
        "nic_tags": [more.nic_tags.get(port) for port in ports],
        "volumes": _volumes(body, more),
    }
    observed = _observed(body, more, context, flavor)
    return Item("server", body["id"], body["name"], body["tenant_id"], fields, observed)


def _observed(body: dict[str, Any], more: Details, context: Context, flavor: Item | None) -> dict[str, Any]:
    """What decisions need besides."""
    embedded, key, hints = body["flavor"], body.get("key_name"), body.get("scheduler_hints")
    return {
        "status": body["status"],
        "image_id": (body.get("image") or {}).get("id"),
        "shelve_images": context.shelved[body["id"]],
        "root_device_name": body.get(ROOT_DEVICE),
        "flavor_name": embedded.get("original_name") or (flavor.name if flavor else embedded.get("id")),
        "flavor": embedded,
        "key_gone": key if key and f"{body['user_id']}/{key}" not in context.keypairs else "",
        "host": body.get("OS-EXT-SRV-ATTR:host"),
        "availability_zone": body.get("OS-EXT-AZ:availability_zone"),
        "zone_pinned": bool(pinned_zone(body)) if "pinned_availability_zone" in body else None,
        "task_state": body.get("OS-EXT-STS:task_state"),
        "locked": body.get("locked", False),
        "locked_reason": body.get("locked_reason"),
        "locked_by": more.locked_by,
        "trusted_certificates": body.get("trusted_image_certificates") or [],
        "server_hints": sorted(set(hints or ()) & set(OF_OTHER_IDS[1:])),
        **_size(embedded, flavor.fields if flavor else {}),
        "networks": sorted(body.get("addresses") or ()),
        "fault": (body.get("fault") or {}).get("message", ""),
    }


def _size(embedded: dict[str, Any], size: Fields) -> dict[str, Any]:
    """Before microversion 2.47 a server does not tell its size, its flavor does."""
    return {
        "vcpus": embedded.get("vcpus", size.get("vcpus", 0)),
        "ram_mb": embedded.get("ram", size.get("ram", 0)),
        "root_gb": embedded.get("disk", size.get("disk", 0)),
        "ephemeral_gb": embedded.get("ephemeral", size.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        "swap_mb": int(embedded.get("swap", size.get("swap", 0)) or 0),
    }


def pinned_zone(body: dict[str, Any]) -> str | None:
    """The zone a server is pinned to, told from microversion 2.96; before that the one it is in."""
    if "pinned_availability_zone" in body:
        return body["pinned_availability_zone"] or None
    return body.get("OS-EXT-AZ:availability_zone") or None


def _flavor_id(embedded: dict[str, Any], context: Context) -> str | None:
    """From microversion 2.47 a server holds a copy of its flavor, by name; the flavor may be gone, or have
    made room for another of its name.
    """
    if "original_name" not in embedded:
        return embedded["id"] if embedded["id"] in context.flavor_ids else None
    flavor = context.flavors.get(embedded["original_name"])
    if flavor and all(int(flavor.fields.get(there) or 0) == size for there, size in _sizes(embedded)):
        return flavor.id
    return DELETED + fingerprint(embedded)[:12]


def _sizes(embedded: dict[str, Any]) -> Iterator[tuple[str, int]]:
    return ((there, int(embedded[name] or 0)) for name, there in SIZES.items() if name in embedded)


def _in_order(ports: list[Item], body: dict[str, Any]) -> list[Item]:
    """NICs in the guest's order: Nova lists the addresses in it; ports without address follow by age."""
    macs = [
        address["OS-EXT-IPS-MAC:mac_addr"]
        for addresses in (body.get("addresses") or {}).values()
        for address in addresses
    ]

    def rank(port: Item) -> tuple[int, str]:
        mac = port.fields["mac_address"]
        return macs.index(mac) if mac in macs else len(macs), port.observed.get("created_at") or ""

    return sorted(ports, key=rank)


def _volumes(body: dict[str, Any], more: Details) -> list[dict[str, Any]]:
    """Attached volumes in the order of their devices; the root one first when the server boots from it."""
    boots = not (body.get("image") or {}).get("id")
    devices = sorted((device for device, _ in more.devices.values()), key=lambda d: (len(d), d))
    root = body.get(ROOT_DEVICE) or next(iter(devices), None)
    volumes = []
    for attached in body.get(ATTACHED) or ():
        device, tag = more.devices.get(attached["id"], ("", None))
        volumes.append(
            {
                "volume_id": attached["id"],
                "device": device,
                "boot_index": 0 if boots and device == root else -1,
                "delete_on_termination": attached.get("delete_on_termination", False),
                "tag": tag,
            }
        )
    return sorted(volumes, key=lambda v: (v["boot_index"] != 0, len(v["device"]), v["device"]))
