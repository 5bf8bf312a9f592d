"""Random data on every disk, written into the files behind the source cloud, and its checksums."""

import hashlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from pumphouse.errors import LabError
from pumphouse.lab.populate.builder import MIB, Builder
from pumphouse.lab.populate.tenant import Tenant, draw

PIECES = 4
ZEROS = bytes(MIB)


def write(builder: Builder, tenants: list[Tenant], mib: int) -> list[dict[str, Any]]:
    """Write what an earlier call has not written yet; return the manifest's rows of all disks.

    The very first disk is filled from end to end, the others near their beginning: holes are cheap to copy.
    """
    known = {row["id"]: row for row in builder.before["disks"]}
    rows = [row for tenant in tenants for row in _servers(builder, tenant) + _volumes(builder, tenant)]
    done = []
    for number, row in enumerate(rows):
        if row["id"] not in known:
            _write(builder, row, mib, wide=number == 0)
        done.append(known.get(row["id"]) or row | _measured(builder.home / row["file"]))
    return done


def _servers(builder: Builder, tenant: Tenant) -> list[dict[str, Any]]:
    rows = []
    for shape in tenant.servers:
        name = tenant.named(shape.name)
        identity = builder.id("server", name, tenant.name)
        file = pathlib.Path("source", "data", "instances", identity, "disk")
        if (builder.home / file).exists():
            disk = {"kind": "server", "id": identity, "name": name, "server": name, "device": ""}
            rows.append(disk | {"project": tenant.name, "file": str(file)})
    return rows


def _volumes(builder: Builder, tenant: Tenant) -> list[dict[str, Any]]:
    cloud = builder.login(tenant, tenant.people[0])
    servers = {server.id: server.name for server in cloud.compute.servers()}
    rows = []
    for volume in cloud.block_storage.volumes():
        disk = {"kind": "volume", "id": volume.id, "name": volume.name, "server": "", "device": ""}
        for at in volume.attachments:
            disk |= {"server": servers[at["server_id"]], "device": at["device"]}
        rows.append(disk | {"project": tenant.name, "file": _volume_file(builder.home, volume.id)})
    return sorted(rows, key=lambda row: (row["server"], row["device"], row["name"]))


def _volume_file(home: pathlib.Path, identity: str) -> str:
    found = list(home.glob(f"source/data/volumes/*/volume-{identity}"))
    if len(found) != 1:
        raise LabError(
            f"volume {identity} has {len(found)} files below {home}/source/data/volumes",
            "is this the home the clouds were started from?",
        )
    return str(found[0].relative_to(home))


def _write(builder: Builder, row: dict[str, Any], mib: int, *, wide: bool) -> None:
    """Random pieces at fixed places; none is aligned with anything."""
    file = builder.home / row["file"]
    size, piece = file.stat().st_size, mib * MIB // PIECES
    numbers = draw(builder.seed, "disk", row["project"], row["server"], row["device"], row["name"])
    step = (size - piece) // (PIECES - 1) if wide else piece + 5 * MIB
    with file.open("r+b") as disk:
        for number in range(PIECES):
            disk.seek(max(0, number * step - 12_345))
            disk.write(numbers.randbytes(piece))


def _measured(file: pathlib.Path) -> dict[str, Any]:
    """Size, and the checksum of everything up to the last byte that is not zero."""
    digest, done, size = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as disk:
        for start, chunk in _chunks(disk, size):
            if data := chunk.rstrip(b"\0"):
                for _ in range((start - done) // MIB):
                    digest.update(ZEROS)
                digest.update(bytes((start - done) % MIB) + data)
                done = start + len(data)
    return {"size": size, "sha256": digest.hexdigest()}


def _chunks(disk: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """What is stored, with its offset; reading holes would fill the page cache with zeros."""
    end = 0
    while end < size:
        try:
            start = os.lseek(disk.fileno(), end, os.SEEK_DATA)
        except OSError:  # no data after this
            return
        end = os.lseek(disk.fileno(), start, os.SEEK_HOLE)
        disk.seek(start)
        while start < end:
            chunk = disk.read(min(MIB, end - start))
            yield start, chunk
            start += len(chunk)
