"""Nova servers: read whole, made again around their ports and disks."""

from collections.abc import Iterator
from typing import Any

from pumphouse.errors import CloudError
from pumphouse.model import Fields, Item
from pumphouse.policy import Policy
from pumphouse.ports import Clock, Cloud
from pumphouse.resource import Api, Found, Kind, Lookup, Ref
from pumphouse.server_body import (
    DISK_CONFIG,
    ROOT_DEVICE,
    SHELVED,
    Context,
    details,
    server_item,
)

# States that can be brought back, and the action that leads there from ACTIVE.
STATES = {
    "ACTIVE": None,
    "SHUTOFF": "os-stop",
    "PAUSED": "pause",
    "SUSPENDED": "suspend",
    "SHELVED": "shelve",
    "SHELVED_OFFLOADED": "shelve",
}
IMAGE_MARK = "pumphouse_source_server"  # property of the image that its root disk became
MARK = "pumphouse-source="  # tag while the server is being made, followed by the source's id
PLAIN = ("name", "metadata", "key_name", "user_data", "availability_zone", "accessIPv4", "accessIPv6")


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
        "accessIPv4",
        "accessIPv6",
        DISK_CONFIG,
        "server_group_id",
        "availability_zone",
        "scheduler_hints",
        "ports",
        "nic_tags",
        "volumes",
    )
    compared = ("status", "locked")
    secret = ("user_data",)  # may hold passwords
    identity = ("name", "project_id")
    payload = True
    moves = True
    acts_in_project = True
    reads_after = ("flavor", "user", "keypair", "port", "volume", "server_group", "image")
    notes = {
        "user_id": "kept when the user was made by Pumphouse, else the administrator's",
        "hostname": "from microversion 2.90 of the destination (with dots: 2.94); follows from the name before",
        "key_name": "carried as long as the user has that keypair",
        "scheduler_hints": "from microversion 2.100 of the source, which shows them; not those that name servers",
        "nic_tags": "of the NICs, in their order; from microversion 2.70 of the source, which shows them",
        "volumes": "in their order, with `delete_on_termination`, tag and device name; the hypervisor of the "
        "destination may choose other names",
        "status": "ACTIVE, SHUTOFF, PAUSED, SUSPENDED and SHELVED (also offloaded) are brought back; others are "
        "blocked",
        "locked": "carried, with its reason from microversion 2.73; by the owner or the administrator, as it was",
    }
    chosen = {
        "availability_zone": "`policy.availability_zones`; the zone a server is pinned to is told from microversion "
        "2.96, and is kept where the policy says nothing; before, the destination chooses then",
        "image": "becomes the captured root disk, kept as a hidden private image of the project; with "
        "`policy.boot_root: volume` a volume is made of it, and the image goes",
        "host": "`policy.hosts`, else chosen by the destination",
        "user_data": "carried, unless `policy.user_data` is `drop`",
    }
    lost = {
        "id": "Nova gives a new one, so cloud-init runs once more",
        "memory": "no API reads it: a paused or suspended server arrives booted from its disk, then paused or "
        "suspended",
        "ephemeral disks, swap": "no API reads them: blocked, unless the loss is accepted; then they arrive empty",
        "trusted_image_certificates": "they vouch for an image that the captured disk no longer is",
        "tag of the root disk": "no API shows it for a server that boots from an image",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Of every project; joined with the ports and groups that name the server, and what only it tells."""
        context = Context(found)
        bodies = list(cloud.pages("compute", "/servers/detail", "servers", all_tenants="1"))
        for body, more in zip(bodies, details(cloud, bodies), strict=True):
            yield server_item(body, more, context)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set."""
        fields["tags"] = sorted(fields.get("tags") or ())
        return fields

    def target(self, item: Item, lookup: Lookup) -> dict[str, Any]:
        """Without a key that its user no longer has: Nova would refuse its name."""
        want = super().target(item, lookup)
        return {**want, "key_name": None} if item.observed["key_gone"] else want

    def decide(self, want: dict[str, Any], item: Item, policy: Policy) -> dict[str, Any]:
        """Zone, host, user data, and whether its root disk becomes a volume."""
        zone = want["availability_zone"]
        kept = zone if item.observed["zone_pinned"] else None
        want["availability_zone"] = policy.availability_zones.get(zone, kept) if zone else None
        want["host"] = policy.hosts.get(item.observed["host"] or "")
        if policy.user_data == "drop":
            want["user_data"] = None
        if policy.boot_root == "volume" and item.observed["image_id"]:
            keep = not policy.boot_root_delete
            want["root_volume"] = {"volume_type": policy.boot_root_type, "keep": keep}
        return want

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """``want['image_id']`` is the captured root disk, None when the root is a volume.

        When it becomes one, Nova makes it of the image, with ``want['root_volume']['size']`` GiB.
        """
        body = {name: want[name] for name in PLAIN if want.get(name)}
        body |= {
            "description": want["description"],
            "flavorRef": want["flavor_id"],
            "networks": _nics(want) or "none",
            "config_drive": want["config_drive"],
            DISK_CONFIG: want[DISK_CONFIG],
            "tags": [MARK + item.id],
            "block_device_mapping_v2": _devices(want, item.observed["root_device_name"]),
        }
        if want["image_id"] and not want.get("root_volume"):
            body["imageRef"] = want["image_id"]
        if want.get("host"):
            body["hypervisor_hostname"] = want["host"]
        if want.get("hostname") and cloud.supports("compute", "2.94" if "." in want["hostname"] else "2.90"):
            body["hostname"] = want["hostname"]
        hints = dict(want.get("scheduler_hints") or {})
        if want.get("server_group_id"):
            hints["group"] = want["server_group_id"]
        request: dict[str, Any] = {"server": body}
        if hints:
            request["os:scheduler_hints"] = hints
        return str(cloud.post("compute", "/servers", request)["server"]["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """The tags of the source, without our mark, which Cinder took from the image too. A root volume that is to
        outlive its server does so from now on only: an interrupted run leaves none behind."""
        cloud.put("compute", f"/servers/{identifier}/tags", {"tags": want["tags"]})
        root = root_volume(cloud, identifier) if want.get("root_volume") else None
        if root is None:
            return
        volume = cloud.get("block-storage", f"/volumes/{root}")["volume"]
        if IMAGE_MARK in (volume.get("volume_image_metadata") or {}):
            body = {"os-unset_image_metadata": {"key": IMAGE_MARK}}
            cloud.post("block-storage", f"/volumes/{root}/action", body)
        if want["root_volume"]["keep"]:
            delete_with_server(cloud, identifier, root, False)

    def compare(self, want: Fields, have: Fields) -> Iterator[tuple[str, Any, Any]]:
        """Old releases cannot tell every field: what one side does not show is not compared.

        Names of devices are the hypervisor's to choose (libvirt ignores those asked for); their order is not.
        Whether a shelved server leaves its host is the cloud's (``shelved_offload_time``).
        """
        known = {n: v for n, v in want.items() if v is not None and n not in ("host", "root_volume")}
        if want.get("root_volume"):
            have = {**have, "volumes": [v for v in have["volumes"] if v["boot_index"] != 0]}
        if have.get("scheduler_hints") is None:
            known.pop("scheduler_hints", None)
        if want.get("status") in SHELVED and have.get("status") in SHELVED:
            known["status"] = have["status"]
        for name, wanted, found in super().compare(known, have):
            if name != "volumes" or _in_place(wanted) != _in_place(found):
                yield name, wanted, found


def _in_place(volumes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in volume.items() if name != "device"} for volume in volumes]


def _nics(want: dict[str, Any]) -> list[dict[str, str]]:
    """Tags can be given from microversion 2.42."""
    tags = want.get("nic_tags") or [None] * len(want["ports"])
    return [
        {"port": port, "tag": tag} if tag else {"port": port}
        for port, tag in zip(want["ports"], tags, strict=True)
    ]


def _devices(want: dict[str, Any], root_device: str | None) -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = []
    if want["image_id"]:
        devices.append(_root(want["image_id"], want.get("root_volume"), root_device))
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
        if volume.get("tag"):
            device["tag"] = volume["tag"]
        devices.append(device)
    return devices


def _root(image: str, volume: dict[str, Any] | None, device: str | None) -> dict[str, Any]:
    root: dict[str, Any] = {"uuid": image, "source_type": "image", "destination_type": "local"}
    if volume:
        root |= {"destination_type": "volume", "volume_size": volume["size"]}
        if volume["volume_type"]:
            root["volume_type"] = volume["volume_type"]
    if device:
        root["device_name"] = device
    return {**root, "boot_index": 0, "delete_on_termination": True}


def root_volume(cloud: Cloud, identifier: str) -> str | None:
    """Id of the volume that a server boots from; None when it boots from an image, or is gone."""
    answer = cloud.find("compute", f"/servers/{identifier}")
    if answer is None or answer["server"].get("image"):
        return None
    attached = cloud.get("compute", f"/servers/{identifier}/os-volume_attachments")["volumeAttachments"]
    device = answer["server"].get(ROOT_DEVICE)
    return next((str(a["volumeId"]) for a in attached if a["device"] == device), None)


def delete_with_server(cloud: Cloud, identifier: str, volume: str, value: bool) -> None:
    """Whether a volume goes with its server; can be changed from microversion 2.85."""
    body = {"volumeAttachment": {"volumeId": volume, "delete_on_termination": value}}
    cloud.put("compute", f"/servers/{identifier}/os-volume_attachments/{volume}", body)


def act(cloud: Cloud, identifier: str, action: str, value: Any = None) -> Any:
    """An action of the servers API, e.g. ``os-stop``."""
    return cloud.post("compute", f"/servers/{identifier}/action", {action: value})


def like(status: str) -> tuple[str, ...]:
    """The states that are as good as this one: a shelved server leaves its host when its cloud says so."""
    return SHELVED if status in SHELVED else (status,)


def wait(cloud: Cloud, clock: Clock, identifier: str, status: str, timeout: float, also: str = "") -> Any:
    """Wait until a server has a status, or one as good, or ``also``, and no task is under way: its body.
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
        return body if body["status"] in (*like(status), also) and not busy else None

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
