"""The files behind disks, and checksums of what is in them."""

import hashlib
import os
import pathlib
from typing import Any

from clouds import Objects
from portrait import Names, named, volume_label

MIB = 1 << 20
ZEROS = bytes(MIB)


def checksum(file: pathlib.Path) -> str:
    """sha256 of the content up to the last byte that is not zero."""
    digest, done, end, size = hashlib.sha256(), 0, 0, file.stat().st_size
    with file.open("rb") as disk:
        while end < size:
            try:
                start = os.lseek(disk.fileno(), end, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                break
            end = os.lseek(disk.fileno(), start, os.SEEK_HOLE)
            disk.seek(start)
            for at in range(start, end, MIB):
                data = disk.read(min(MIB, end - at)).rstrip(b"\0")
                if data:
                    for _ in range((at - done) // MIB):
                        digest.update(ZEROS)
                    digest.update(bytes((at - done) % MIB) + data)
                    done = at + len(data)
    return digest.hexdigest()


def wrong_disks(
    everything: dict[str, Objects], files: pathlib.Path, disks: list[dict[str, Any]]
) -> list[str]:
    """Which disks of the manifest do not have their content in a cloud."""
    return [
        f"{disk['kind']} {disk['name'] or disk['server']}{disk['device']}"
        for disk in disks
        if checksum(disk_file(everything, files, disk)) != disk["sha256"]
    ]


def disk_file(everything: dict[str, Objects], files: pathlib.Path, disk: dict[str, Any]) -> pathlib.Path:
    """The file behind a disk of the manifest, in either cloud; found by the names of server and volume."""
    name = Names(everything)
    if disk["kind"] == "server":
        return files / "instances" / named(everything, "server", disk["name"])["id"] / "disk"
    wanted = disk["name"] or f"{disk['server']}:{disk['device']}"
    (volume,) = (each["id"] for each in everything["volume"].values() if volume_label(each, name) == wanted)
    (file,) = files.glob(f"volumes/*/volume-{volume}")
    return file
