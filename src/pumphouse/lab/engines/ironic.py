"""The engine ``ironic``: the released one, standing alone with HTTP basic authentication."""

import hashlib
import secrets
import sys
from pathlib import Path
from typing import Any

import bcrypt

from pumphouse.lab.environments import ensure_environment, environment_of
from pumphouse.lab.home import write_private
from pumphouse.lab.releases import Release
from pumphouse.lab.room import Room

IRONIC = Release("ironic-39", python="3.11")
USER = "operator"
HERE = Path(__file__).parent
TOOL = HERE.parent / "process" / "make_iso.py"
CONFIGURATION = HERE / "ironic.conf"
JOIN = HERE / "join_host.py"
IMAGE = b"a host of the destination".ljust(1 << 20, b"\0")


def directory(root: Path) -> Path:
    """Everything of Ironic's; goes with the machines when the lab is emptied."""
    return root / "ironic"


def prepare(room: Room) -> None:
    """Build its environment; write its configuration, an image with a kernel and a ramdisk, and the join program."""
    ensure_environment(IRONIC, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    place = directory(room.root)
    for name in ("bin", "http", "tftp", "files"):
        (place / name).mkdir(parents=True, exist_ok=True)
    password = room.home / "ironic-password"
    if not password.exists():
        write_private(password, secrets.token_urlsafe(12) + "\n")
    hashed = bcrypt.hashpw(password.read_text().strip().encode(), bcrypt.gensalt(4)).decode()
    write_private(place / "htpasswd", f"{USER}:{hashed}\n")
    for name in ("kernel", "ramdisk"):
        (place / "files" / name).write_bytes(name.encode())
    (place / "http" / "host.raw").write_bytes(IMAGE)
    values = {"place": str(place), "url": room.url("ironic")}
    write_private(place / "ironic.conf", CONFIGURATION.read_text().format(**values))
    _program(place / "bin" / "genisoimage", environment_of(IRONIC) / "bin" / "python", TOOL.read_text())
    text = JOIN.read_text().replace("{machines}", room.url("machines"))
    _program(room.home / "engine" / "join-host", Path(sys.executable), text)
    user_data = "#cloud-config\nruncmd: [[/opt/site/join-destination]]\n"
    (room.home / "engine" / "user-data").write_text(user_data)


def deployment(room: Room) -> dict[str, Any]:
    """Where it is, what it writes, and what brings the host into the cloud."""
    files = directory(room.root) / "files"
    return {
        "type": "ironic",
        "url": room.url("ironic"),
        "username": USER,
        "password_file": "ironic-password",
        "image": f"{room.url('ironic')}/images/host.raw",
        "checksum": hashlib.sha256(IMAGE).hexdigest(),
        "kernel": f"file://{files / 'kernel'}",
        "ramdisk": f"file://{files / 'ramdisk'}",
        "hostname": "node-{name}",
        "user_data": str(room.home / "engine" / "user-data"),
        "join": str(room.home / "engine" / "join-host"),
        "fields": {"properties": {"cpu_arch": "x86_64", "capabilities": "boot_mode:bios"}},
    }


def _program(path: Path, python: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!{python}\n{text}")
    path.chmod(0o755)
