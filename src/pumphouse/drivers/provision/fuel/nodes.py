"""Nodes in Fuel's words, as machines of the port."""

from collections.abc import Mapping
from typing import Any

from pumphouse.model import Node, NodeState

Body = dict[str, Any]
WORKED_ON = ("provisioning", "provisioned", "deploying")
MEMBERS = {"ready": NodeState.DEPLOYED, **dict.fromkeys(WORKED_ON, NodeState.DEPLOYING)}
MARKED = "it is marked to be removed from its environment"


def macs(node: Body) -> tuple[str, ...]:
    """All addresses of a node."""
    told = [each.get("mac") for each in node["meta"].get("interfaces", ())]
    return tuple(dict.fromkeys(mac.lower() for mac in (*told, node["mac"]) if mac))


def as_node(node: Body, environment: int, names: Mapping[int, str]) -> Node:
    """A node as the port tells of machines.

    :param environment: the cloud's.
    :param names: of all environments, by id.
    """
    state, message = _state(node, environment, names)
    busy = state is NodeState.DEPLOYING
    return Node(
        str(node["id"]),
        node["name"],
        state,
        macs(node),
        node.get("fqdn") or "",
        node["progress"] if busy else None,
        message,
    )


def _state(node: Body, environment: int, names: Mapping[int, str]) -> tuple[NodeState, str]:
    status, cluster = node["status"], node["cluster"]
    if cluster is None:
        return _unassigned(node)
    if cluster != environment:
        return NodeState.ELSEWHERE, f"{status} in environment {names.get(cluster, cluster)!r}"
    if node["pending_deletion"]:
        return NodeState.FAILED, MARKED
    if status == "discover":
        return NodeState.ASSIGNED, "" if node["online"] else "it does not report"
    if status in MEMBERS:
        return MEMBERS[status], status
    return NodeState.FAILED, f"{status} {node.get('error_type') or ''}".strip()


def _unassigned(node: Body) -> tuple[NodeState, str]:
    """Free is only what runs the bootstrap system: an agent of a system that was not wiped tells another status."""
    if node["status"] == "discover" and node["online"]:
        return NodeState.FREE, ""
    if node["status"] == "discover":
        return NodeState.OFFLINE, "it does not report"
    return NodeState.OFFLINE, f"in no environment, but {node['status']}: delete it in Fuel, it registers anew"
