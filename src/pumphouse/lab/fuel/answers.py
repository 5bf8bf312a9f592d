"""How a Fuel master shows what it has: each release in its own way."""

import json
from typing import Any

from pumphouse.lab.fuel.state import Cluster, Node, State, Task

SORTING = {"sort": [{"roles": "asc"}], "sort_by_labels": [], "search": "", "view_mode": "standard"}
CIDRS = {
    "public": ("172.16.0.0/24", None),
    "management": ("192.168.0.0/24", 101),
    "storage": ("192.168.1.0/24", 102),
}


class Failure(Exception):
    """An answer that is an error.

    :param bare: whether the text is all, without JSON around it.
    """

    def __init__(self, status: int, message: str, *, bare: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.body = message if bare else json.dumps({"message": message, "errors": []})


def version(state: State) -> dict[str, Any]:
    """``GET /version``."""
    release = state.release
    told: dict[str, Any] = {"release": release.version, "api": "1", "auth_required": True}
    if release.has_pending:
        return told | {"feature_groups": ["experimental", "advanced"]}
    builds = {f"{part}_sha": "Unknown build" for part in ("nailgun", "astute", "ostf", "fuellib")}
    return told | builds | {"feature_groups": ["experimental"], "release_versions": {}}


def openstack_release(state: State) -> dict[str, Any]:
    """The only entry of ``GET /releases``."""
    name, number = state.release.openstack
    about = {"id": 2, "name": name, "version": number, "operating_system": "Ubuntu", "state": "available"}
    return about | {"is_deployable": True}


def cluster(state: State, shown: Cluster) -> dict[str, Any]:
    """An environment."""
    release = state.release
    told: dict[str, Any] = {
        "id": shown.id,
        "name": shown.name,
        "status": shown.status,
        "mode": "ha_compact",
        "release_id": shown.release_id,
        "net_provider": "neutron",
        "fuel_version": release.version,
        "is_customized": False,
    }
    if release.has_pending:
        # from 9.2 on what is deployed may be changed again
        locked = shown.status != "new" and not release.runs_all
        told |= {
            "is_locked": locked,
            "components": [],
            "ui_settings": SORTING | {"filter": {}, "filter_by_labels": {}},
        }
    else:
        told["grouping"] = "roles"
    return told if release.runs_all else told | {"pending_release_id": None}


def node(state: State, shown: Node) -> dict[str, Any]:
    """A node."""
    release = state.release
    names = {"hostname": shown.hostname, "labels": {}} if release.has_roles else {}
    return {
        **names,
        **shown.about,
        "id": shown.id,
        "name": shown.name,
        "status": shown.status,
        "progress": shown.progress,
        "online": shown.online,
        "error_type": shown.error_type,
        "cluster": shown.cluster,
        "group_id": shown.cluster,
        "roles": shown.roles,
        "pending_roles": shown.pending_roles,
        "pending_addition": shown.pending_addition,
        "pending_deletion": shown.pending_deletion,
        "mac": shown.mac,
        "ip": shown.ip,
        "fqdn": shown.fqdn if release.has_roles or shown.provisioned else None,
        "kernel_params": None,
        "meta": shown.meta,
        "network_data": list(_network_data(shown)),
    }


def _network_data(shown: Node) -> list[dict[str, Any]]:
    told = []
    for interface in shown.interfaces:
        for network in interface["assigned_networks"]:
            cidr, vlan = CIDRS.get(network["name"], (None, None))
            told.append({"name": network["name"], "cidr": cidr, "vlan": vlan, "dev": interface["name"]})
    return told


def task(state: State, shown: Task) -> dict[str, Any]:
    """A task."""
    told: dict[str, Any] = {
        "id": shown.id,
        "uuid": shown.uuid,
        "name": shown.name,
        "cluster": shown.cluster,
        "status": shown.status,
        "progress": shown.progress,
        "message": shown.message,
        "result": {},
    }
    if not state.release.runs_all:
        return told
    times = {"time_start": shown.started, "time_end": shown.ended}
    graph = "default" if shown.name == "deployment" else None
    return told | times | {"parent_id": shown.parent, "dry_run": False, "graph_type": graph}
