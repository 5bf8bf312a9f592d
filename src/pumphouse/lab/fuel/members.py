"""Nodes come, are assigned to environments and taken out again."""

from http import HTTPStatus
from typing import Any

from pumphouse.lab.fuel import disks, interfaces
from pumphouse.lab.fuel.answers import Failure
from pumphouse.lab.fuel.releases import OLD_ROLES
from pumphouse.lab.fuel.state import Cluster, Node, State

ROLES = (*OLD_ROLES[:4], "cinder-block-device", *OLD_ROLES[4:], "virt", "compute-vmware", "ironic")
STATUSES = ("ready", "discover", "provisioning", "provisioned", "deploying", "error", "removing", "stopped")
FIELDS = (
    "name",
    "hostname",
    "roles",
    "pending_roles",
    "pending_addition",
    "pending_deletion",
    "online",
    "status",
)
NOT_A_LIST = (
    "u'{0}' is not of type 'array'\n\nFailed validating 'type' in schema['items']['properties']['roles']:\n"
    "    {{'items': {{'type': 'string'}}, 'type': 'array'}}\n\nOn instance[0]['roles']:\n    u'{0}'"
)
OBJECT = "<nailgun.db.sqlalchemy.models.node.Node object at 0x7f0000000000>"


def register(state: State, body: dict[str, Any]) -> Node:
    """``POST /nodes``: an agent tells of a machine for the first time."""
    mac = body["mac"].lower()
    if state.by_mac({mac}):
        raise Failure(HTTPStatus.CONFLICT, f"Node with mac {mac} already exists - doing nothing")
    if body.get("status") != "discover":
        raise Failure(HTTPStatus.FORBIDDEN, "Only bootstrap nodes are allowed to be registered.")
    id = state.next("node")
    node = Node(id, mac, body["meta"], body.get("ip", ""), f"Untitled ({mac[-5:]})", f"node-{id}")
    node.checksum = body.get("agent_checksum", "")
    node.about = {name: body.get(name) for name in ("manufacturer", "platform_name", "os_platform")}
    interfaces.register(state, node)
    state.nodes[id] = node
    return node


def report(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """``PUT /nodes/agent``: an agent reports again. What failed stays failed."""
    node = state.by_mac({body["mac"].lower()})
    if node is None:
        raise Failure(HTTPStatus.BAD_REQUEST, "Invalid MAC is specified")
    node.online = True
    if body.get("status") == "discover" and node.status not in ("error", "provisioning", "discover"):
        node.status = "discover"
    cached = body.get("agent_checksum", "") == node.checksum and node.status == "discover"
    return {"id": node.id, "cached": True} if cached else {"id": node.id}


def update(state: State, node: Node, body: dict[str, Any]) -> None:
    """``PUT /nodes/N``."""
    if "status" in body and body["status"] not in STATUSES:
        raise Failure(HTTPStatus.BAD_REQUEST, f"Invalid status {body['status']}")
    if body.get("hostname", node.hostname) != node.hostname and node.status != "discover":
        words = "Node hostname may be changed only before provisioning."
        raise Failure(HTTPStatus.FORBIDDEN, words)
    if "cluster_id" in body and body["cluster_id"] not in (None, node.cluster):
        old = not state.release.runs_all
        status = HTTPStatus.INTERNAL_SERVER_ERROR if old else HTTPStatus.BAD_REQUEST
        raise Failure(status, "Changing cluster on the fly is not allowed", bare=True)
    for name in FIELDS:
        if name in body:
            setattr(node, name, body[name])
    if "cluster_id" in body and body["cluster_id"] is None:
        _leave(node)


def assign(state: State, cluster: Cluster, asked: list[dict[str, Any]]) -> None:
    """``POST /clusters/N/assignment``."""
    for each in asked:
        if not isinstance(each["roles"], list):
            raise Failure(HTTPStatus.BAD_REQUEST, NOT_A_LIST.format(each["roles"]))
    for node, each in zip(_found(state, asked), asked, strict=True):
        _check_roles(state, cluster, each["roles"])
        again = node.cluster == cluster.id and state.release.runs_all
        if node.cluster is not None and not again:
            _taken(state)
    for node, each in zip(_found(state, asked), asked, strict=True):
        node.cluster, node.pending_roles, node.pending_addition = cluster.id, list(each["roles"]), True
        disks.lay_out(node)
        interfaces.connect(node, cluster)


def unassign(state: State, cluster: Cluster, asked: list[dict[str, Any]]) -> None:
    """``POST /clusters/N/unassignment``: at once when nothing was written yet."""
    nodes = _found(state, asked)
    if strangers := [node.id for node in nodes if node.cluster != cluster.id]:
        raise Failure(
            HTTPStatus.BAD_REQUEST, f"Nodes {strangers} are not members of environment {cluster.id}."
        )
    for node in nodes:
        if node.pending_deletion and not state.release.runs_all:
            words = f"Can't unassign nodes with ids {OBJECT} if they not assigned."
            raise Failure(HTTPStatus.BAD_REQUEST, words)
    for node in nodes:
        if node.status == "discover":
            _leave(node)
            node.pending_addition = not state.release.runs_all and node.pending_addition
        else:
            node.pending_deletion = True


def _leave(node: Node) -> None:
    node.cluster, node.pending_roles, node.roles, node.layout = None, [], [], {}
    interfaces.connect(node, None)


def _found(state: State, asked: list[dict[str, Any]]) -> list[Node]:
    if unknown := [str(each["id"]) for each in asked if each["id"] not in state.nodes]:
        raise Failure(HTTPStatus.BAD_REQUEST, f"Nodes with ids {', '.join(unknown)} were not found.")
    return [state.nodes[each["id"]] for each in asked]


def _check_roles(state: State, cluster: Cluster, roles: list[str]) -> None:
    if unknown := sorted(set(roles) - set(ROLES)):
        where = f"environment {cluster.id}"
        if not state.release.has_roles:
            where = f"{state.release.openstack[0]} release"
        raise Failure(HTTPStatus.BAD_REQUEST, f"{', '.join(unknown)} are not valid roles for node in {where}")
    if {"controller", "compute"} <= set(roles):
        words = 'Role "controller" in conflict with role compute'
        if state.release.runs_all:
            words = "Role 'controller' in conflict with role 'compute'."
        raise Failure(HTTPStatus.BAD_REQUEST, words)


def _taken(state: State) -> None:
    if state.release.runs_all:
        raise Failure(HTTPStatus.BAD_REQUEST, "Changing cluster on the fly is not allowed", bare=True)
    words = f"Nodes with ids {OBJECT} already assigned to environments."
    raise Failure(
        HTTPStatus.BAD_REQUEST, f"{words} Nodes must be unassigned before they can be assigned again."
    )
