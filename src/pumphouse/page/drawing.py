"""The picture: hosts as boxes, servers as tiles, and what is on its way between the clouds."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pumphouse.model import HostStatus, Picture, ServerStatus
from pumphouse.page.signs import Sign, Signs
from pumphouse.report import units
from pumphouse.report.board import Workload

ROLES = ("source", "destination")
STATES = ("running", "stopped", "failed", "moving", "moved")
NOWHERE = "on no host"
FEW, MANY = 120, 700  # tiles with names; tiles with two letters; above that they are small


@dataclass(frozen=True)
class Filter:
    """What is shown; empty is everything.

    :param text: part of the name of a server.
    """

    project: str = ""
    host: str = ""
    state: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return any((self.project, self.host, self.state, self.text))


@dataclass(frozen=True)
class Tile:
    """A server.

    :param key: the same wherever it is: of the original at the source.
    :param state: one of :data:`STATES`.
    :param rests: whether the server itself is elsewhere: on its way, or, of an original, in the destination.
    :param words: everything about it, for who cannot see it.
    """

    id: str
    key: str
    name: str
    sign: Sign
    cloud: str
    host: str
    state: str
    rests: bool
    words: str


@dataclass(frozen=True)
class Box:
    """A host.

    :param key: of its machine, the same in both clouds.
    :param remark: what is out of the ordinary, e.g. ``down``.
    :param hidden: how many of its servers the filter leaves out.
    """

    key: str
    name: str
    cloud: str
    remark: str
    vcpus: tuple[int, int] | None
    memory: tuple[int, int] | None
    tiles: tuple[Tile, ...]
    hidden: int


@dataclass(frozen=True)
class Side:
    """A cloud."""

    role: str
    label: str
    hosts: int
    boxes: tuple[Box, ...]
    servers: int
    vcpus: tuple[int, int] | None
    memory: tuple[int, int] | None


@dataclass(frozen=True)
class Passing:
    """A server, or a volume, that is on its way.

    :param percent: of the data at work; None when there is none.
    :param down_since: since when it is without service, in seconds since the epoch; None when it is not.
    """

    key: str
    migration: str
    name: str
    sign: Sign | None
    phase: str
    percent: int | None
    amount: str
    down_since: float | None


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn.

    :param size: ``few``, ``many`` or ``crowd``.
    :param legend: signs of the projects with the number of their servers.
    """

    at: float
    sides: tuple[Side, ...]
    size: str
    shown: int
    legend: tuple[tuple[Sign, int], ...]


def draw(
    picture: Picture,
    moving: Mapping[str, Workload],
    signs: Signs,
    wanted: Filter,
    machines: Mapping[str, str],
) -> Scene:
    """Lay the picture out.

    :param moving: workloads on their way, by key.
    :param machines: name of the machine at the source by the name its host has in the destination.
    """
    known = signs.of(server.project for server in picture.servers)
    tiles: dict[tuple[str, str], list[Tile]] = defaultdict(list)
    hidden: Counter[tuple[str, str]] = Counter()
    for server in sorted(picture.servers, key=lambda s: (s.project.casefold(), natural(s.name), s.id)):
        tile = _tile(server, known[server.project], moving)
        place = server.cloud, server.host or NOWHERE
        if _shown(tile, wanted):
            tiles[place].append(tile)
        else:
            hidden[place] += 1
    sides = tuple(_side(picture, role, tiles, hidden, wanted, machines) for role in ROLES)
    shown = sum(len(box.tiles) for side in sides for box in side.boxes)
    own = Counter(server.project for server in picture.servers if not _is_original(server))
    size = "few" if shown <= FEW else "many" if shown <= MANY else "crowd"
    return Scene(picture.at, sides, size, shown, tuple((known[name], own[name]) for name in known))


def natural(name: str) -> list[tuple[int, str]]:
    """Sorts as people do: ``web2`` before ``web10``."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _is_original(server: ServerStatus) -> bool:
    """Whether it is the one at the source of a server that has moved."""
    return server.cloud == "source" and bool(server.counterpart)


def _tile(server: ServerStatus, sign: Sign, moving: Mapping[str, Workload]) -> Tile:
    key = server.counterpart if server.cloud == "destination" and server.counterpart else server.id
    passing = f"server:{key}" in moving
    rests = passing or _is_original(server)
    state = "moving" if passing else _state(server)
    where = f"on {server.host}" if server.host else NOWHERE
    said = [server.name, f"project {server.project}", server.status.lower().replace("_", " "), where]
    if passing:
        said.append("is on its way to the destination")
    elif server.counterpart:
        said.append("has moved; this is the original" if rests else "has moved here")
    return Tile(server.id, key, server.name, sign, server.cloud, server.host, state, rests, ", ".join(said))


def _state(server: ServerStatus) -> str:
    if server.counterpart:
        return "moved"
    if server.status == "ERROR":
        return "failed"
    return "running" if server.status == "ACTIVE" else "stopped"


def _shown(tile: Tile, wanted: Filter) -> bool:
    return (
        wanted.project in ("", tile.sign.project)
        and wanted.host in ("", tile.host)
        and wanted.state in ("", tile.state)
        and wanted.text.casefold() in tile.name.casefold()
    )


def _side(
    picture: Picture,
    role: str,
    tiles: Mapping[tuple[str, str], list[Tile]],
    hidden: Mapping[tuple[str, str], int],
    wanted: Filter,
    machines: Mapping[str, str],
) -> Side:
    hosts = [host for host in picture.hosts if host.cloud == role]
    names = {host.name for host in hosts}
    strays = sorted({name for cloud, name in (*tiles, *hidden) if cloud == role} - names)
    boxes = [_box(host, tiles[role, host.name], hidden[role, host.name], machines) for host in hosts]
    nobody = HostStatus("", role)
    for name in strays:
        box = _box(replace(nobody, name=name), tiles[role, name], hidden[role, name], machines)
        boxes.append(replace(box, remark="" if name == NOWHERE else "not in the list of hosts"))
    if wanted:
        boxes = [box for box in boxes if box.tiles or box.name == wanted.host]
    label = picture.source if role == "source" else picture.destination
    count = sum(server.cloud == role for server in picture.servers)
    return Side(
        role,
        label,
        len(hosts),
        tuple(boxes),
        count,
        _sum(h.vcpus for h in hosts),
        _sum(h.memory for h in hosts),
    )


def _box(host: HostStatus, tiles: list[Tile], hidden: int, machines: Mapping[str, str]) -> Box:
    remarks = [word for word in (host.state, host.status) if word in ("down", "disabled")]
    remark = ", ".join(remarks) + (f": {host.reason}" if remarks and host.reason else "")
    key = f"host:{machines.get(host.name, host.name)}"
    return Box(key, host.name, host.cloud, remark, host.vcpus, host.memory, tuple(tiles), hidden)


def _sum(pairs: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    known = [pair for pair in pairs if pair]
    return (sum(used for used, _ in known), sum(size for _, size in known)) if known else None


def passing(
    moving: Mapping[str, Mapping[str, Workload]], projects: Mapping[str, str], signs: Signs
) -> tuple[Passing, ...]:
    """What is on its way.

    :param moving: workloads by migration and key.
    :param projects: names of projects by key of a workload.
    """
    known = signs.of(projects.values())
    return tuple(
        _passing(key, migration, workload, known.get(projects.get(key, "")))
        for migration, workloads in moving.items()
        for key, workload in workloads.items()
    )


def _passing(key: str, migration: str, workload: Workload, sign: Sign | None) -> Passing:
    done, total, speed = workload.at_work
    amount = f"{units.size(done)} of {units.size(total)}" if total else ""
    if speed and done < total:
        amount += f", {units.duration((total - done) / speed)} left"
    down = workload.stopped_at if workload.downtime is None else None
    own = key.removeprefix("server:")
    percent = min(100, 100 * done // total) if total else None
    return Passing(own, migration, workload.name, sign, workload.phase, percent, amount, down)
