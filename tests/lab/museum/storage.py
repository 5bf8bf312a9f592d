"""Block storage: volumes with all their attributes, and their snapshots, contents compared by the files themselves."""

import pathlib
import random
import time
from typing import Any

from clouds import every
from disks import checksum

from museum.hall import Hall

MIB = 1 << 20
POLICY: dict[str, Any] = {"create_volume_types": True}
TYPE, QOS = "museum-gold", "museum-qos"
FLAVOR = "keeper"
FIRMWARE = {"hw_firmware_type": "uefi", "hw_machine_type": "q35", "hw_disk_bus": "scsi"}


# --- building -----------------------------------------------------------------------------------
def provide(cloud: Any) -> None:
    """QoS specs, which are never carried."""
    body = {"name": QOS, "consumer": "front-end", "total_iops_sec": "500"}
    cloud.block_storage.post("/qos-specs", json={"qos_specs": body}).raise_for_status()


def build(hall: Hall) -> None:
    """Volumes without a server, and two servers with theirs."""
    archive = _volume(hall, "archive", "slow", description="seven years of it", metadata={"shelf": "B2"})
    _written(hall, archive, "first")
    _snapshot(hall, archive, "january", "before the move", {"keep": "yes"})
    hall.tenant.block_storage.extend_volume(archive, 2)
    _wait(hall, archive)
    _written(hall, archive, "second")
    _snapshot(hall, archive, "february", "", {})
    _written(hall, archive, "third")
    _type(hall)
    sealed = _volume(hall, "sealed", TYPE)
    _written(hall, sealed, "for ever")
    hall.tenant.block_storage.set_volume_readonly(sealed, True)
    _keeper(hall)


def _keeper(hall: Hall) -> None:
    """A server that boots from a volume and has a disk; both with a past."""
    admin = hall.admin
    flavor = admin.compute.create_flavor(name=FLAVOR, ram=64, vcpus=1, disk=0)
    root = _volume(hall, "keeper-root", "fast")
    _written(hall, root, "system")
    hall.tenant.block_storage.set_volume_bootable_status(root, True)
    hall.tenant.block_storage.set_volume_image_metadata(root, **FIRMWARE)
    disk = _volume(hall, "keeper-disk", "fast", metadata={"of": "keeper"})
    _written(hall, disk, "old")
    _server(hall, "keeper", flavor.id, root, disk)
    _snapshot(hall, root, "system as installed", "kept", {})
    _snapshot(hall, disk, "monday", "in use", {"day": "1"})
    _written(hall, disk, "new")


def _type(hall: Hall) -> None:
    """A private type with extra specs, and with QoS specs that both clouds have."""
    cinder = hall.admin.block_storage
    made = cinder.create_type(name=TYPE, description="shining", is_public=False)
    cinder.update_type_extra_specs(
        made, **{"volume_backend_name": "slow", "museum:finish": "matt", "multiattach": "<is> True"}
    )
    cinder.add_type_access(made, hall.project)
    (qos,) = (each["id"] for each in every(hall.admin, "block_storage", "/qos-specs", "qos_specs"))
    cinder.get(f"/qos-specs/{qos}/associate?vol_type_id={made.id}").raise_for_status()


def _volume(hall: Hall, name: str, kind: str, **more: Any) -> Any:
    made = hall.tenant.block_storage.create_volume(name=name, size=1, volume_type=kind, **more)
    return _wait(hall, made)


def _wait(hall: Hall, volume: Any, status: str = "available") -> Any:
    return until(lambda: hall.tenant.block_storage.get_volume(volume.id), status)


def until(look: Any, status: str) -> Any:
    """The object, once it has this status."""
    deadline = time.monotonic() + 60
    while (found := look()).status != status:
        assert not found.status.lower().startswith("error") and time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


def clear(cloud: Any, *names: str) -> None:
    """Delete volumes of the administrator's project, by their names, with their snapshots."""
    cinder = cloud.block_storage
    for volume in cinder.volumes():
        if volume.name in names:
            cinder.delete_volume(volume.id, cascade=True)
    deadline = time.monotonic() + 60
    while any(volume.name in names for volume in cinder.volumes()):
        assert time.monotonic() < deadline, names
        time.sleep(0.3)


def _written(hall: Hall, volume: Any, content: str) -> None:
    write_bytes(volume_file(hall.lab, "source", volume.id), content)


def write_bytes(file: pathlib.Path, content: str) -> None:
    """Bytes that follow from a word, at the beginning of a disk and at a place of the word's own."""
    with file.open("r+b") as disk:
        disk.write(random.Random(content).randbytes(MIB))
        disk.seek((3 + len(content)) * MIB)
        disk.write(random.Random(content + "!").randbytes(MIB))


def _snapshot(hall: Hall, volume: Any, name: str, description: str, metadata: dict[str, str]) -> None:
    cinder = hall.tenant.block_storage
    made = cinder.create_snapshot(
        volume_id=volume.id, name=name, description=description, metadata=metadata, is_forced=True
    )
    until(lambda: cinder.get_snapshot(made.id), "available")


def _server(hall: Hall, name: str, flavor: str, *volumes: Any) -> None:
    devices = [
        {
            "uuid": volume.id,
            "source_type": "volume",
            "destination_type": "volume",
            "boot_index": 0 if volume is volumes[0] else -1,
        }
        for volume in volumes
    ]
    compute = hall.tenant.compute
    made = compute.create_server(name=name, flavor_id=flavor, networks="none", block_device_mapping=devices)
    until(lambda: compute.get_server(made.id), "ACTIVE")


# --- looking ------------------------------------------------------------------------------------
def portrait(hall: Hall, side: str) -> dict[str, dict[str, Any]]:
    """Volumes and snapshots of the museum, by name; snapshots with their place among those of the volume."""
    cloud, project = hall.look(side), hall.project_in(side)
    servers = {
        s["id"]: s["name"] for s in every(cloud, "compute", "/servers/detail?all_tenants=1", "servers")
    }
    users = {user.id: user.name for user in cloud.identity.users()}
    volumes = {
        volume["id"]: volume
        for volume in every(cloud, "block_storage", "/volumes/detail?all_tenants=1", "volumes")
        if volume["os-vol-tenant-attr:tenant_id"] == project
    }
    snapshots = [
        snapshot
        for snapshot in every(cloud, "block_storage", "/snapshots/detail?all_tenants=1", "snapshots")
        if snapshot["volume_id"] in volumes
    ]
    snapshots.sort(key=lambda each: each["created_at"])
    return {
        "volume type": {TYPE: _type_facts(cloud, project)},
        "volume": {v["name"]: _facts(hall, side, v, servers, users) for v in volumes.values()},
        "snapshot": {
            s["name"]: {
                "of": volumes[s["volume_id"]]["name"],
                "place": [o["id"] for o in snapshots if o["volume_id"] == s["volume_id"]].index(s["id"]),
                "owner": s["os-extended-snapshot-attributes:project_id"] == project,
                **{name: s[name] for name in ("description", "metadata", "size", "status")},
                "data": checksum(volume_file(hall.lab, side, s["id"], "snapshot")),
            }
            for s in snapshots
        },
    }


def _type_facts(cloud: Any, project: str) -> dict[str, Any]:
    types = every(cloud, "block_storage", "/types?is_public=None", "volume_types")
    (found,) = (each for each in types if each["name"] == TYPE)
    access = every(
        cloud, "block_storage", f"/types/{found['id']}/os-volume-type-access", "volume_type_access"
    )
    qos = every(cloud, "block_storage", "/qos-specs", "qos_specs")
    return {
        **{name: found[name] for name in ("description", "is_public", "extra_specs")},
        "for the museum": [each["project_id"] for each in access] == [project],
        "qos": [(q["name"], q["consumer"], q["specs"]) for q in qos if q["id"] == found["qos_specs_id"]],
    }


def _facts(
    hall: Hall, side: str, volume: dict[str, Any], servers: dict[str, str], users: dict[str, str]
) -> dict[str, Any]:
    carried = ("description", "metadata", "size", "volume_type", "status", "bootable", "multiattach")
    return {
        **{name: volume[name] for name in carried},
        "owner": users[volume["user_id"]],
        "image metadata": volume.get("volume_image_metadata", {}),
        "servers": sorted((servers[a["server_id"]], a["device"]) for a in volume["attachments"]),
        "data": checksum(volume_file(hall.lab, side, volume["id"])),
    }


def volume_file(lab: Any, side: str, identifier: str, what: str = "volume") -> pathlib.Path:
    """The file behind a volume or snapshot."""
    name = f"{what}-{identifier}"
    (file,) = [*lab.files(side).glob(f"volumes/*/{name}"), *lab.home.glob(f"shared-volumes/{name}")]
    return file
