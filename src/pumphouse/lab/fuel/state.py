"""What a Fuel master remembers: nodes, environments, tasks; kept in a file."""

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pumphouse.lab.fuel.releases import Release

ADMIN = {"id": 1, "name": "fuelweb_admin"}
NETWORKS = ("public", "management", "storage", "private")
BUSY = ("running", "pending")
WORKED_ON = ("provisioning", "provisioned", "deploying")


@dataclass
class Node:
    """A machine that has reported.

    :param layout: of its disks: id of the disk → volume → MiB; empty while it is in no environment.
    :param interfaces: as in ``layout.interfaces``: what is kept of each.
    """

    id: int
    mac: str
    meta: dict[str, Any]
    ip: str = ""
    name: str = ""
    hostname: str = ""
    status: str = "discover"
    cluster: int | None = None
    roles: list[str] = field(default_factory=list)
    pending_roles: list[str] = field(default_factory=list)
    pending_addition: bool = False
    pending_deletion: bool = False
    progress: int = 0
    online: bool = True
    error_type: str | None = None
    provisioned: bool = False
    checksum: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    layout: dict[str, dict[str, int]] = field(default_factory=dict)
    interfaces: list[dict[str, Any]] = field(default_factory=list)

    @property
    def fqdn(self) -> str:
        """What its compute service is called."""
        return f"{self.hostname}.example.com"

    @property
    def macs(self) -> set[str]:
        """All its addresses."""
        return {each["mac"].lower() for each in self.meta.get("interfaces", [])} | {self.mac.lower()}


@dataclass
class Cluster:
    """An environment."""

    id: int
    name: str
    networks: list[dict[str, Any]]
    status: str = "new"
    release_id: int = 2

    @property
    def all_networks(self) -> list[dict[str, Any]]:
        """Its own, and the one that all share."""
        return [ADMIN, *self.networks]


@dataclass
class Task:
    """Work on an environment."""

    id: int
    name: str
    cluster: int
    status: str
    parent: int | None = None
    progress: int = 0
    message: str | None = None
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: str | None = None
    ended: str | None = None


class State:
    """All of it. Whoever changes it holds the ``lock``, and saves."""

    def __init__(self, release: Release, file: Path | None = None) -> None:
        self.release = release
        self.lock = threading.RLock()
        self.nodes: dict[int, Node] = {}
        self.clusters: dict[int, Cluster] = {}
        self.tasks: dict[int, Task] = {}
        self._last = {"node": 0, "cluster": 0, "task": 0, "interface": 0, "network": 1}
        self._file = file
        if file and file.exists():
            self._load(json.loads(file.read_text()))

    def next(self, what: str) -> int:
        """A number that was never given before."""
        self._last[what] = self._last[what] + 1
        return self._last[what]

    def save(self) -> None:
        """Write it down."""
        if not self._file:
            return
        with self.lock:
            kept = {
                "last": self._last,
                "nodes": [asdict(node) for node in self.nodes.values()],
                "clusters": [asdict(cluster) for cluster in self.clusters.values()],
            }
            partial = self._file.with_suffix(".part")
            partial.write_text(json.dumps(kept))
            partial.replace(self._file)

    def members(self, cluster: int | None) -> list[Node]:
        """Nodes of an environment, or of none."""
        return [node for node in self.nodes.values() if node.cluster == cluster]

    def by_mac(self, macs: set[str]) -> Node | None:
        """The node that has one of these addresses."""
        return next((node for node in self.nodes.values() if node.macs & macs), None)

    def running(self, cluster: int) -> list[Task]:
        """What works on an environment, or is about to."""
        return [task for task in self.tasks.values() if task.cluster == cluster and task.status in BUSY]

    def new_cluster(self, name: str) -> Cluster:
        """An environment without members."""
        networks = [{"id": self.next("network"), "name": network} for network in NETWORKS]
        cluster = Cluster(self.next("cluster"), name, networks)
        self.clusters[cluster.id] = cluster
        self.save()
        return cluster

    def new_task(self, name: str, cluster: int, status: str, parent: int | None = None) -> Task:
        """A task that has not begun."""
        task = Task(self.next("task"), name, cluster, status, parent)
        self.tasks[task.id] = task
        return task

    def forget_tasks(self, cluster: int) -> None:
        """Those that have ended; the next task of an environment makes them vanish."""
        self.tasks = {id: task for id, task in self.tasks.items() if task.cluster != cluster}

    def _load(self, kept: dict[str, Any]) -> None:
        """What was worked on when the process ended has failed: nobody goes on with it."""
        self._last = kept["last"]
        self.nodes = {each["id"]: Node(**each) for each in kept["nodes"]}
        for each in kept["clusters"]:
            self.clusters[each["id"]] = Cluster(**each)
        for node in self._interrupted():
            node.error_type = "provision" if node.status == "provisioning" else "deploy"
            node.status = "error"

    def _interrupted(self) -> Iterator[Node]:
        return (node for node in self.nodes.values() if node.status in WORKED_ON)
