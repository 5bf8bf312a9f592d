"""Disks of a node: the layout that an environment gives it, and what Fuel minds when it is changed. Sizes in MiB."""

from http import HTTPStatus
from typing import Any

from pumphouse.lab.fuel.answers import Failure
from pumphouse.lab.fuel.state import Node, State

VOLUMES = {
    "os": ("Base System", 27265),
    "vm": ("Virtual Storage", 5120),
    "cinder": ("Cinder", 1536),
    "image": ("Image Storage", 5120),
}
ROLES = {"compute": ("os", "vm"), "cinder": ("os", "cinder"), "controller": ("os", "image")}
SERVICE = 500  # partitions of Fuel's own
PER_VOLUME = 64
WRONG_SIZE = (
    "{0} is not of type 'integer'\n\nFailed validating 'type' in "
    "schema['items']['properties']['volumes']['items']['properties']['size']:\n"
    "    {{'description': 'Volume size', 'type': 'integer'}}\n\n"
    "On instance[{1}]['volumes'][{2}]['size']:\n    {0}"
)


def volumes(node: Node) -> list[dict[str, Any]]:
    """``GET /nodes/N/volumes``."""
    if node.cluster is None:
        words = "Cannot calculate volumes info. Please, add node to an environment."
        raise Failure(HTTPStatus.NOT_FOUND, words)
    return [{"name": n, "label": VOLUMES[n][0], "min_size": VOLUMES[n][1]} for n in _names(node)]


def lay_out(node: Node) -> None:
    """The default: the system on the first disk, everything else for the last of its volumes."""
    names = _names(node)
    node.layout = {}
    for number, disk in enumerate(node.meta.get("disks", [])):
        first = VOLUMES["os"][1] if number == 0 else 0
        sizes = dict.fromkeys(names, 0) | {"os": first}
        sizes[names[-1]] = _size(node, disk) - first
        node.layout[disk["disk"]] = sizes


def shown(state: State, node: Node) -> list[dict[str, Any]]:
    """``GET /nodes/N/disks``."""
    return [_disk(state, node, disk) for disk in node.meta.get("disks", [])]


def change(state: State, node: Node, asked: Any) -> list[dict[str, Any]]:
    """``PUT /nodes/N/disks``: what is left out keeps its size, unknown volumes are ignored, minima not looked at."""
    if not asked:
        raise Failure(HTTPStatus.BAD_REQUEST, "Node seems not to have disks")
    for at, disk in enumerate(asked):
        for number, volume in enumerate(disk["volumes"]):
            if not isinstance(volume["size"], int):
                word = f"u{volume['size']!r}"
                raise Failure(HTTPStatus.BAD_REQUEST, WRONG_SIZE.format(word, at, number))
        if sum(volume["size"] for volume in disk["volumes"]) > disk["size"]:
            kept = {"id": disk["id"], "volumes": disk["volumes"], "size": disk["size"]}
            raise Failure(HTTPStatus.BAD_REQUEST, f"Not enough free space on disk: {_python2(kept)}")
    if len([d for d in asked for v in d["volumes"] if v["name"] == "os" and v["size"] > 0]) > 1:
        raise Failure(HTTPStatus.BAD_REQUEST, "Base system should be allocated on one disk only")
    for disk in asked:
        if disk["id"] not in node.layout:
            text = "list index out of range"
            if state.release.runs_all:
                text = "Unexpected exception, please check logs"
            raise Failure(HTTPStatus.INTERNAL_SERVER_ERROR, text, bare=True)
    for disk in asked:
        for volume in disk["volumes"]:
            if volume["name"] in node.layout[disk["id"]]:
                node.layout[disk["id"]][volume["name"]] = max(0, volume["size"])
    return shown(state, node)


def too_small(node: Node) -> str:
    """What a deployment complains about; empty when nothing."""
    for name in _names(node):
        label, least = VOLUMES[name]
        if sum(sizes.get(name, 0) for sizes in node.layout.values()) < least:
            lack = f"Node '{node.name}' has insufficient disk space"
            return f"{lack}\nVolume group '{label}' requires a minimum of {least}MB"
    return ""


def _names(node: Node) -> list[str]:
    roles = [*node.roles, *node.pending_roles]
    return list(dict.fromkeys(name for role in roles for name in ROLES.get(role, ("os",)))) or ["os"]


def _size(node: Node, disk: dict[str, Any]) -> int:
    groups = len(_names(node)) if node.cluster is not None else 0
    return int(disk["size"]) // (1 << 20) - SERVICE - PER_VOLUME * groups


def _disk(state: State, node: Node, disk: dict[str, Any]) -> dict[str, Any]:
    kept = {"keep_data": False} if state.release.has_roles else {}
    sizes = node.layout.get(disk["disk"], {})
    told = {
        "id": disk["disk"],
        "name": disk["name"],
        "size": _size(node, disk),
        "extra": disk["extra"],
        "volumes": [{"name": name, "size": size, **kept} for name, size in sizes.items()],
    }
    return told | ({"bootable": sizes.get("os", 0) > 0} if state.release.runs_all else {})


def _python2(value: Any) -> str:
    """As the Python of Fuel prints it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_python2(k)}: {_python2(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_python2, value)) + "]"
    return f"u{value!r}" if isinstance(value, str) else repr(value)
