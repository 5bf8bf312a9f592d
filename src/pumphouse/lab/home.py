"""A lab's home directory: its settings, its files, and who may change it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pumphouse.errors import LabError
from pumphouse.lab.cloud import DESTINATION_OFFSET, HIGHEST_OFFSET, Capacity, Cloud
from pumphouse.lab.environments import environment_of
from pumphouse.lab.releases import find_release
from pumphouse.lab.room import ROOM, Machines, Room

SETTINGS_FILE = "lab.json"


@dataclass(frozen=True)
class Settings:
    """What a lab is made of; chosen by its first ``lab up`` and kept in ``lab.json``."""

    base_port: int = 15000
    releases: dict[str, str] = field(default_factory=lambda: {"source": "zed", "destination": "2026.2"})
    hosts: dict[str, int] = field(default_factory=lambda: {"source": 3, "destination": 1})
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    capacity: Capacity = field(default_factory=Capacity)
    machines: Machines | None = None

    def __str__(self) -> str:
        """In words, for the person who asked for something else."""
        host = self.capacity
        plenty = "plenty of"
        machines = self.machines and f"machines with {self.machines.bmc} and engine {self.machines.engine}"
        return (
            f"base port {self.base_port}, releases {_both(self.releases)}, hosts {_both(self.hosts)}"
            f" with {host.vcpus or plenty} vCPUs and {host.memory or plenty} MiB,"
            f" {machines or 'no machines'}"
        )


def default_home() -> Path:
    """``PUMPHOUSE_LAB_HOME``, or the user's cache."""
    return Path(os.environ.get("PUMPHOUSE_LAB_HOME") or "~/.cache/pumphouse/lab").expanduser().absolute()


@contextmanager
def only_user(home: Path) -> Iterator[None]:
    """Keep other lab commands off this home meanwhile.

    The directory itself is locked: the lock goes with the process however it ends, and leaves no file.
    """
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_settings(home: Path) -> Settings | None:
    """The settings of the lab at ``home``, None when no lab was ever started there."""
    path = home / SETTINGS_FILE
    try:
        stored = json.loads(path.read_text())
        sides = {side: stored[side] for side in ("source", "destination")}
        return Settings(
            base_port=stored["base_port"],
            releases={side: each["release"] for side, each in sides.items()},
            hosts={side: len(each["hosts"]) for side, each in sides.items()},
            password=stored["password"],
            capacity=Capacity(**stored.get("capacity", {})),
            machines=Machines(**stored["machines"]["settings"]) if stored.get("machines") else None,
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} cannot be read: {error!r}", f"delete {home} and start anew") from error


def choose_settings(home: Path, asked: dict[str, Any]) -> Settings:
    """The stored settings, or new ones made of what was asked for.

    :param asked: ``base_port``, ``source``, ``destination``, ``source_hosts``, ``destination_hosts``,
        ``host_vcpus``, ``host_memory``, ``machines``, ``bmc``, ``engine``, ``fuel_release``, ``boot_seconds``,
        ``controllers``; None where the person did not say.
    """
    stored = read_settings(home)
    base = stored or Settings()
    wanted = Settings(
        base_port=asked.get("base_port") or base.base_port,
        releases={side: find_release(asked.get(side) or base.releases[side]).name for side in base.releases},
        hosts={side: asked.get(f"{side}_hosts") or base.hosts[side] for side in base.hosts},
        password=base.password,
        capacity=Capacity(
            asked.get("host_vcpus") or base.capacity.vcpus, asked.get("host_memory") or base.capacity.memory
        ),
        machines=_machines(base.machines, asked),
    )
    if stored and wanted != stored:
        raise LabError(
            f"the lab at {home} was made with {stored}, and cannot be changed",
            f"use another --home, or run `pumphouse lab down --home {home}` and delete that directory",
        )
    if not 1024 <= wanted.base_port <= 65535 - DESTINATION_OFFSET - HIGHEST_OFFSET:
        raise LabError(
            f"base port {wanted.base_port} leaves no room for both clouds",
            f"choose one from 1024 to {65535 - DESTINATION_OFFSET - HIGHEST_OFFSET}",
        )
    return wanted


def _machines(stored: Machines | None, asked: dict[str, Any]) -> Machines | None:
    chosen = {
        name: asked[name]
        for name in ("bmc", "engine", "fuel_release", "boot_seconds", "controllers")
        if asked.get(name) is not None
    }
    if stored is None and not asked.get("machines"):
        if chosen:
            raise LabError(
                f"the lab has no machines: --{next(iter(chosen)).replace('_', '-')} says nothing",
                "Give --machines as well.",
            )
        return None
    return replace(stored or Machines(), **chosen)


def clouds_of(home: Path, settings: Settings) -> list[Cloud]:
    """Both clouds of a lab, source first."""
    return [
        Cloud(
            home=home,
            name=side,
            release=release,
            environment=environment_of(release),
            base_port=settings.base_port + (DESTINATION_OFFSET if side == "destination" else 0),
            host_count=settings.hosts[side],
            password=settings.password,
            capacity=settings.capacity,
            mortal=settings.machines is not None,
        )
        for side, release in (
            (side, find_release(settings.releases[side])) for side in ("source", "destination")
        )
    ]


def room_of(home: Path, settings: Settings) -> Room | None:
    """The room of a lab with machines."""
    if settings.machines is None:
        return None
    hosts = {cloud.name: cloud.hosts for cloud in clouds_of(home, settings)}
    return Room(home=home, name=ROOM, base_port=settings.base_port, hosts=hosts, settings=settings.machines)


def write_settings(home: Path, settings: Settings, clouds: list[Cloud]) -> None:
    """Write ``lab.json``, for later commands and for whoever wants to know where the clouds are."""
    described: dict[str, Any] = {
        "base_port": settings.base_port,
        "password": settings.password,
        "capacity": asdict(settings.capacity),
    }
    if room := room_of(home, settings):
        described["machines"] = {"settings": asdict(room.settings), "url": room.url("machines")}
        described |= {name: {"url": room.url(name)} for name in room.ports if name != room.name}
    for cloud in clouds:
        described[cloud.name] = {
            "release": cloud.release.name,
            "auth_url": cloud.auth_url,
            "hosts": list(cloud.hosts),
            "ports": cloud.ports,
            "environment": str(cloud.environment),
        }
    write_private(home / SETTINGS_FILE, json.dumps(described, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that holds a password: readable for its owner only, never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def _both(values: dict[str, Any]) -> str:
    return f"{values['source']} and {values['destination']}"
