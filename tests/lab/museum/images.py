"""Images in all their states and formats, metadata definitions, keypairs, and limits in all corners."""

import hashlib
import pathlib
import random
import struct
from typing import Any

from clouds import VERSIONS, every, get

from museum.hall import CURATOR, PROJECT, Hall

POLICY: dict[str, Any] = {}
MIB = 1 << 20
MENTIONS = ("kernel_id", "ramdisk_id", "base_image_ref")
KEYS = pathlib.Path(__file__).parent / "keys"
OWN = {
    "created_at",
    "updated_at",
    "file",
    "schema",
    "self",
    "virtual_size",
    "stores",
    "direct_url",
    "id",
    "owner",
}
# All wings fit: limits below what is used are refused by the plan.
COMPUTE = {"instances": 23, "cores": -1, "ram": 34567, "key_pairs": 11, "server_groups": 4}
USER_COMPUTE = {"instances": 19}
VOLUME = {"volumes": 77, "gigabytes": -1, "volumes_fast": 5, "gigabytes_slow": 50, "backups": 0}
NETWORK = {"network": 17, "port": -1, "rbac_policy": 33, "security_group_rule": 123, "floatingip": 5}


def build(hall: Hall) -> None:
    made: dict[str, str] = {}
    for name, body, data in _images():
        mapped = {key: made.get(value, value) if key in MENTIONS else value for key, value in body.items()}
        made[name] = make_image(hall.admin, {"owner": hall.project, "name": name, **mapped}, data)
    image = hall.admin.image
    image.post(f"/images/{made['deactivated']}/actions/deactivate").raise_for_status()
    patch(image, made["protected"], [{"op": "replace", "path": "/protected", "value": True}])
    image.post("/metadefs/namespaces", json={**NAMESPACE, "owner": hall.project}).raise_for_status()
    compute = hall.admin.compute
    odd = "odd name @home.example" if hall.speaks("compute", "2.92") else "odd name"
    for name in (odd, "no-server"):
        pair = {
            "name": name,
            "type": "ssh",
            "public_key": (KEYS / "ssh.pub").read_text(),
            "user_id": hall.user,
        }
        compute.post(
            "/os-keypairs", json={"keypair": pair}, microversion=VERSIONS["compute"]
        ).raise_for_status()
    pair = {
        "name": "x509",
        "type": "x509",
        "public_key": (KEYS / "x509.pem").read_text(),
        "user_id": hall.user,
    }
    compute.post("/os-keypairs", json={"keypair": pair}, microversion=VERSIONS["compute"]).raise_for_status()
    for service, path, one, limits in (
        ("compute", f"/os-quota-sets/{hall.project}", "quota_set", COMPUTE),
        ("compute", f"/os-quota-sets/{hall.project}?user_id={hall.user}", "quota_set", USER_COMPUTE),
        ("block_storage", f"/os-quota-sets/{hall.project}", "quota_set", VOLUME),
        ("network", f"/quotas/{hall.project}", "quota", NETWORK),
    ):
        getattr(hall.admin, service).put(path, json={one: limits}).raise_for_status()


def portrait(hall: Hall, side: str) -> dict[str, dict[str, Any]]:
    cloud, project = hall.look(side), hall.project_in(side)
    user = cloud.identity.find_user(CURATOR).id
    names = {name for name, *_ in _images()}
    listed = [
        each
        for query in ("", "&visibility=community", "&os_hidden=true")
        for each in every(cloud, "image", f"/images?limit=100{query}", "images")
        if each["owner"] == project and each["name"] in names
    ]
    by_id = {each["id"]: each["name"] for each in listed}
    pairs = every(cloud, "compute", f"/os-keypairs?user_id={user}", "keypairs")
    limits = {
        "compute": get(cloud, "compute", f"/os-quota-sets/{project}")["quota_set"],
        "compute of the curator": get(cloud, "compute", f"/os-quota-sets/{project}?user_id={user}")[
            "quota_set"
        ],
        "volume": get(cloud, "block_storage", f"/os-quota-sets/{project}")["quota_set"],
        "network": get(cloud, "network", f"/quotas/{project}")["quota"],
    }
    known = ({*COMPUTE}, {*USER_COMPUTE}, {*VOLUME}, {*NETWORK})
    return {
        "image": {each["name"]: image_facts(cloud, each, by_id, project) for each in listed},
        "metadef namespace": {NAMESPACE["namespace"]: _namespace(cloud, project)},
        "keypair": {
            each["keypair"]["name"]: {n: each["keypair"][n] for n in ("type", "public_key", "fingerprint")}
            for each in pairs
        },
        "quota": {
            name: {limit: found[limit] for limit in sorted(mine)}
            for (name, found), mine in zip(limits.items(), known, strict=True)
        },
    }


def make_image(cloud: Any, body: dict[str, Any], data: bytes | None) -> str:
    """An image with this data, or without any when it is None."""
    answer = cloud.image.post("/images", json=body)
    answer.raise_for_status()
    identifier = str(answer.json()["id"])
    if data is not None:
        upload(cloud.image, identifier, data)
    return identifier


def upload(image: Any, identifier: str, data: bytes) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    image.put(f"/images/{identifier}/file", data=data, headers=headers).raise_for_status()


def patch(image: Any, identifier: str, changes: list[dict[str, Any]]) -> None:
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    image.patch(f"/images/{identifier}", json=changes, headers=headers).raise_for_status()


def image_facts(cloud: Any, body: dict[str, Any], names: dict[str, str], project: str) -> dict[str, Any]:
    """Everything that is told of an image, with names instead of ids, and the hash of its data."""
    facts = {name: value for name, value in body.items() if name not in OWN}
    facts["tags"] = sorted(facts["tags"])
    for name in MENTIONS:
        if name in facts:
            facts[name] = names.get(facts[name], facts[name])
    if "owner_id" in facts:
        facts["owner_id"] = PROJECT if facts["owner_id"] == project else facts["owner_id"]
    data = cloud.image.get(f"/images/{body['id']}/file")
    data.raise_for_status()
    facts["sha256"] = hashlib.sha256(data.content).hexdigest()
    return facts | {"id": body["id"]}


def _namespace(cloud: Any, project: str) -> dict[str, Any]:
    body = get(cloud, "image", f"/metadefs/namespaces/{NAMESPACE['namespace']}")
    assert body["owner"] == project
    return bare({name: value for name, value in body.items() if name != "owner"})


def bare(value: Any) -> Any:
    """Without what is a fact of its cloud, in an order of its own."""
    if isinstance(value, dict):
        own = ("created_at", "updated_at", "self", "schema")
        return {name: bare(each) for name, each in value.items() if name not in own}
    if isinstance(value, list):
        return sorted(map(bare, value), key=str)
    return value


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def qcow2(size: int, data: bytes) -> bytes:
    """Enough of an image in this format to be taken for one."""
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, size, 0, 0, 0, 0, 0, 0, 0)
    return header.ljust(65536, b"\0") + data


def iso(data: bytes) -> bytes:
    return (bytes(32768) + b"\x01CD001\x01").ljust(65536, b"\0") + data


def _images() -> list[tuple[str, dict[str, Any], bytes]]:
    raw = {"disk_format": "raw", "container_format": "bare"}
    return [
        (
            "plain",
            {**raw, "min_disk": 3, "min_ram": 256, "tags": ["b", "a", "with space"], **PROPERTIES},
            noise(1, MIB),
        ),
        ("formatted", {"disk_format": "qcow2", "container_format": "bare"}, qcow2(4 * MIB, noise(2, MIB))),
        ("disc", {"disk_format": "iso", "container_format": "bare"}, iso(noise(3, MIB))),
        ("kernel", {"disk_format": "aki", "container_format": "aki"}, noise(4, 4096)),
        ("ramdisk", {"disk_format": "ari", "container_format": "ari"}, noise(5, 4097)),
        (
            "machine",
            {"disk_format": "ami", "container_format": "ami", "kernel_id": "kernel", "ramdisk_id": "ramdisk"},
            noise(6, 2 * MIB),
        ),
        ("layers", {"disk_format": "raw", "container_format": "docker"}, noise(7, 4096)),
        ("protected", raw, noise(8, 1)),
        ("hidden", {**raw, "os_hidden": True}, noise(9, 10)),
        ("community", {**raw, "visibility": "community"}, noise(10, 10)),
        ("public", {**raw, "visibility": "public"}, noise(11, 10)),
        ("shared", {**raw, "visibility": "shared"}, noise(12, 10)),
        ("hidden community", {**raw, "visibility": "community", "os_hidden": True}, noise(13, 10)),
        ("deactivated", {**raw, "locale": "gone"}, noise(14, MIB)),
        ("zeros at the end", raw, noise(15, 100) + bytes(MIB)),
        (
            "snapshot",
            {**raw, "image_type": "snapshot", "base_image_ref": "plain", "instance_uuid": NOBODY},
            noise(16, 10),
        ),
        (
            "gone kernel",
            {"disk_format": "ami", "container_format": "ami", "kernel_id": NOBODY},
            noise(17, 10),
        ),
    ]


NOBODY = "00000000-1111-2222-3333-444444444444"
PROPERTIES = {
    "hw_disk_bus": "scsi",
    "hw_scsi_model": "virtio-scsi",
    "hw_firmware_type": "uefi",
    "os_distro": "debian",
    "os_version": "12",
    "architecture": "x86_64",
    "owner_specified.openstack.md5": "",
    "empty": "",
    "with/slash ~ and space": "véritable",
    "long": "x" * 1000,
}
NAMESPACE: dict[str, Any] = {
    "namespace": "Museum::Labels",
    "display_name": "labels",
    "description": "what is written below the exhibits",
    "visibility": "private",
    "protected": True,
    "resource_type_associations": [
        {"name": "OS::Glance::Image", "prefix": "label_"},
        {"name": "OS::Museum::Case", "prefix": "case_", "properties_target": "image"},
    ],
    "properties": {
        "century": {
            "title": "Century",
            "type": "integer",
            "minimum": 1,
            "maximum": 21,
            "description": "when",
        },
        "school": {"title": "School", "type": "string", "enum": ["old", "new"], "default": "old"},
    },
    "objects": [
        {
            "name": "frame",
            "description": "around it",
            "required": ["wood"],
            "properties": {
                "wood": {"title": "Wood", "type": "boolean"},
                "gilt": {"title": "Gilt", "type": "string"},
            },
        }
    ],
    "tags": [{"name": "fragile"}, {"name": "heavy"}],
}
