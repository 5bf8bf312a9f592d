"""Nova servers: read whole, made again around their ports and disks."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pumphouse.errors import CloudError
from pumphouse.model import Fields, Item
from pumphouse.ports import Clock, Cloud
from pumphouse.resource import Api, Found, Kind, Lookup, Ref

USER_DATA = "OS-EXT-SRV-ATTR:user_data"
HOSTNAME = "OS-EXT-SRV-ATTR:hostname"
DISK_CONFIG = "OS-DCF:diskConfig"
ATTACHED = "os-extended-volumes:volumes_attached"
# States that can be brought back, and the action that leads there from ACTIVE.
STATES = {"ACTIVE": None, "SHUTOFF": "os-stop", "PAUSED": "pause", "SUSPENDED": "suspend"}
MARK = "pumphouse-source="  # tag while the server is being made, followed by the source's id


class Server(Kind):
    """Belongs to the project and user that make it."""

    name = "server"
    api = Api("compute", "/servers", "server", "servers")
    refs = (
        Ref("flavor", "flavor_id"),
        Ref("project", "project_id"),
        Ref("user", "user_id"),
        Ref("server_group", "server_group_id"),
        Ref("port", "ports.*"),
        Ref("volume", "volumes.*.volume_id"),
    )
    portable = (
        "name",
        "description",
        "project_id",
        "user_id",
        "flavor_id",
        "metadata",
        "key_name",
        "user_data",
        "config_drive",
        "hostname",
        "tags",
        DISK_CONFIG,
        "server_group_id",
        "ports",
        "volumes",
    )
    compared = ("status", "locked")
    secret = ("user_data",)  # may hold passwords
    identity = ("name", "project_id")
    payload = True
    moves = True
    acts_in_project = True
    reads_after = ("flavor", "user", "keypair", "port", "volume", "server_group")
    notes = {
        "image": "becomes the captured root disk, kept as a hidden private image of the project",
        "user_id": "kept when the user was made by Pumphouse, else the administrator's",
        "hostname": "from microversion 2.90 of the destination; follows from the name before",
        "key_name": "carried as long as the user has that keypair",
        "status": "ACTIVE, SHUTOFF, PAUSED and SUSPENDED are brought back; others are blocked",
        "locked": "carried, with its reason from microversion 2.73",
    }
    lost = {
        "id": "Nova gives a new one, so cloud-init runs once more",
        "availability_zone": "chosen by the destination",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Of every project; joined with the ports, volumes and groups that name the server."""
        context = _Context(found)
        for body in cloud.pages("compute", "/servers/detail", "servers", all_tenants="1"):
            yield _item(body, context)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set."""
        fields["tags"] = sorted(fields.get("tags") or ())
        return fields

    def target(self, item: Item, lookup: Lookup) -> dict[str, Any]:
        """Without a key that its user no longer has: Nova would refuse its name."""
        want = super().target(item, lookup)
        return {**want, "key_name": None} if item.observed["key_gone"] else want

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """``want['image_id']`` is the captured root disk, None when the root is a volume."""
        body = {name: want[name] for name in ("name", "metadata", "key_name", "user_data") if want.get(name)}
        body |= {
            "description": want["description"],
            "flavorRef": want["flavor_id"],
            "networks": [{"port": port} for port in want["ports"]] or "none",
            "config_drive": want["config_drive"],
            DISK_CONFIG: want[DISK_CONFIG],
            "tags": [MARK + item.id],
            "block_device_mapping_v2": _devices(want),
        }
        if want["image_id"]:
            body["imageRef"] = want["image_id"]
        if want.get("hostname") and cloud.supports("compute", "2.90"):
            body["hostname"] = want["hostname"]
        request: dict[str, Any] = {"server": body}
        if want.get("server_group_id"):
            request["os:scheduler_hints"] = {"group": want["server_group_id"]}
        return str(cloud.post("compute", "/servers", request)["server"]["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """The tags of the source, without our mark."""
        cloud.put("compute", f"/servers/{identifier}/tags", {"tags": want["tags"]})

    def compare(self, want: Fields, have: Fields) -> Iterator[tuple[str, Any, Any]]:
        """Old releases cannot tell every field: what the source did not show is not compared."""
        yield from super().compare({n: v for n, v in want.items() if v is not None}, have)


class _Context:
    """What other kinds say about servers."""

    def __init__(self, found: Found) -> None:
        self.flavors = {f.name: f for f in found["flavor"]}
        self.flavor_ids = {f.id: f for f in found["flavor"]}
        self.users = {u.id for u in found["user"]}
        self.keypairs = {k.id for k in found["keypair"]}
        self.ports: dict[str, list[Item]] = defaultdict(list)
        for port in found["port"]:
            self.ports[port.observed["device_id"]].append(port)
        self.devices = {
            (attachment["server_id"], volume.id): attachment["device"]
            for volume in found["volume"]
            for attachment in volume.observed["attachments"]
        }
        self.groups = {
            member: group.id for group in found["server_group"] for member in group.observed["members"]
        }


def _item(body: dict[str, Any], context: _Context) -> Item:
    embedded, key = body["flavor"], body.get("key_name")
    flavor = context.flavors.get(embedded.get("original_name", "")) or context.flavor_ids.get(
        embedded.get("id", "")
    )
    fields = {
        "name": body["name"],
        "description": body.get("description"),
        "project_id": body["tenant_id"],
        "user_id": body["user_id"] if body["user_id"] in context.users else None,
        "flavor_id": flavor.id if flavor else None,
        "metadata": body["metadata"],
        "key_name": key,
        "user_data": body.get(USER_DATA),
        "config_drive": bool(body.get("config_drive")),
        "hostname": body.get(HOSTNAME),
        "tags": sorted(body.get("tags") or ()),
        DISK_CONFIG: body.get(DISK_CONFIG, "MANUAL"),
        "server_group_id": context.groups.get(body["id"]),
        "ports": [port.id for port in _in_order(context.ports[body["id"]], body)],
        "volumes": _volumes(body, context),
    }
    size = flavor.fields if flavor else {}
    observed = {
        "status": body["status"],
        "image_id": (body.get("image") or {}).get("id"),
        "flavor_name": embedded.get("original_name") or (flavor.name if flavor else embedded.get("id")),
        "key_gone": key if key and f"{body['user_id']}/{key}" not in context.keypairs else "",
        "host": body.get("OS-EXT-SRV-ATTR:host"),
        "availability_zone": body.get("OS-EXT-AZ:availability_zone"),
        "task_state": body.get("OS-EXT-STS:task_state"),
        "locked": body.get("locked", False),
        "locked_reason": body.get("locked_reason"),
        "vcpus": embedded.get("vcpus", size.get("vcpus", 0)),
        "ram_mb": embedded.get("ram", size.get("ram", 0)),
        "root_gb": embedded.get("disk", size.get("disk", 0)),
        "ephemeral_gb": embedded.get("ephemeral", size.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        "swap_mb": int(embedded.get("swap", size.get("swap", 0)) or 0),
        "networks": sorted(body.get("addresses") or ()),
        "fault": (body.get("fault") or {}).get("message", ""),
    }
    return Item("server", body["id"], body["name"], body["tenant_id"], fields, observed)


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


def _volumes(body: dict[str, Any], context: _Context) -> list[dict[str, Any]]:
    """Attached volumes in the order of their devices; the root one first when the server boots from it."""
    root = body.get("OS-EXT-SRV-ATTR:root_device_name") or "/dev/vda"
    boots = not (body.get("image") or {}).get("id")
    volumes = []
    for attached in body.get(ATTACHED) or ():
        device = context.devices.get((body["id"], attached["id"]), "")
        volumes.append(
            {
                "volume_id": attached["id"],
                "device": device,
                "boot_index": 0 if boots and device == root else -1,
                "delete_on_termination": attached.get("delete_on_termination", False),
            }
        )
    return sorted(volumes, key=lambda v: (v["boot_index"] != 0, len(v["device"]), v["device"]))


def _devices(want: dict[str, Any]) -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = []
    if want["image_id"]:
        devices.append(
            {
                "uuid": want["image_id"],
                "source_type": "image",
                "destination_type": "local",
                "boot_index": 0,
                "delete_on_termination": True,
            }
        )
    for volume in want["volumes"]:
        device = {
            "uuid": volume["volume_id"],
            "source_type": "volume",
            "destination_type": "volume",
            "boot_index": volume["boot_index"],
            "delete_on_termination": volume["delete_on_termination"],
        }
        if volume["device"]:
            device["device_name"] = volume["device"]
        devices.append(device)
    return devices


def act(cloud: Cloud, identifier: str, action: str, value: Any = None) -> Any:
    """An action of the servers API, e.g. ``os-stop``."""
    return cloud.post("compute", f"/servers/{identifier}/action", {action: value})


def wait(cloud: Cloud, clock: Clock, identifier: str, status: str, timeout: float) -> dict[str, Any]:
    """Wait until a server has a status and no task is under way.

    :raises CloudError: when it ends in ERROR, with the reason Nova gives.
    """

    def poll() -> dict[str, Any] | None:
        body: dict[str, Any] = cloud.get("compute", f"/servers/{identifier}")["server"]
        if body["status"] == "ERROR" and status != "ERROR":
            fault = (body.get("fault") or {}).get("message", "no reason given")
            raise CloudError(
                f"{cloud.role}: server {body['name']!r} ({identifier}) is in ERROR: {fault}",
                f"See 'openstack server event list {identifier}' in the {cloud.role}.",
            )
        busy = body.get("OS-EXT-STS:task_state")
        return body if body["status"] == status and not busy else None

    return clock.wait(f"{cloud.role} server {identifier} to be {status}", timeout, poll)


def wait_gone(cloud: Cloud, clock: Clock, identifier: str, timeout: float) -> None:
    """Wait until a server is no longer there."""

    def poll() -> bool | None:
        return None if cloud.find("compute", f"/servers/{identifier}") else True

    clock.wait(f"{cloud.role} server {identifier} to be deleted", timeout, poll)


def find_marked(cloud: Cloud, source_id: str) -> str | None:
    """The server of an interrupted run, by its mark."""
    query = {"all_tenants": "1", "tags": MARK + source_id}
    for body in cloud.pages("compute", "/servers/detail", "servers", **query):
        return str(body["id"])
    return None
