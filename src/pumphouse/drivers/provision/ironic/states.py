"""Where a node stands, from Ironic's body of it."""

from collections.abc import Mapping
from typing import Any

from pumphouse.model import Node, NodeState

Body = Mapping[str, Any]
MARK = "pumphouse"  # in a node's ``extra``: what we have done with it
FREE = ("manageable", "available")
CLEANING = ("cleaning", "clean wait", "clean hold")
DEPLOYING = ("deploying", "wait call-back", "deploy hold")
INSPECTING = ("inspecting", "inspect wait")
DELETING = ("deleting",)
CLEAN_FAILED, DEPLOY_FAILED, INSPECT_FAILED, ERROR = (
    "clean failed",
    "deploy failed",
    "inspect failed",
    "error",
)

FAILED = (CLEAN_FAILED, DEPLOY_FAILED, INSPECT_FAILED, ERROR)


def enrolled(body: Body) -> bool:
    """Whether we told Ironic of it."""
    return bool(body["extra"].get(MARK, {}).get("enrolled"))


def assigned(body: Body) -> bool:
    """Whether we chose it for the cloud."""
    return bool(body["extra"].get(MARK, {}).get("assigned"))


def held(body: Body) -> str:
    """Why an operator keeps Ironic off it; empty when nobody does. What failed is held by Ironic itself."""
    if not body["maintenance"] or body.get("fault"):
        return ""
    return f"it is in maintenance: {body.get('maintenance_reason') or 'no reason is given'}"


def node(body: Body, macs: tuple[str, ...]) -> Node:
    """The node as Pumphouse speaks of it."""
    state = body["provision_state"]
    words = held(body) or body.get("last_error") or ""
    said = f"{state}: {' '.join(words.split())}" if words else state
    name = body["name"] or body["uuid"]
    return Node(body["uuid"], name, _state(body), macs, progress=percent(body), message=said[:300])


def _state(body: Body) -> NodeState:
    state, ours = body["provision_state"], assigned(body)
    if state in FREE:
        if ours:
            return NodeState.ASSIGNED
        return NodeState.OFFLINE if held(body) else NodeState.FREE
    if state in (*CLEANING, CLEAN_FAILED, *DELETING, ERROR):
        if not ours:
            return NodeState.OFFLINE
        return NodeState.FAILED if state in (CLEAN_FAILED, ERROR) else NodeState.DEPLOYING
    known = dict.fromkeys(DEPLOYING, NodeState.DEPLOYING)
    known |= {DEPLOY_FAILED: NodeState.FAILED, "active": NodeState.DEPLOYED}
    if state in known:
        return known[state] if ours else NodeState.ELSEWHERE
    return NodeState.OFFLINE


def percent(body: Body) -> int | None:
    """How many of the steps under way are done."""
    info = body.get("driver_internal_info") or {}
    for kind, states in (("clean", CLEANING), ("deploy", DEPLOYING)):
        steps, index = info.get(f"{kind}_steps"), info.get(f"{kind}_step_index")
        if body["provision_state"] in states and steps and index is not None:
            return int(100 * index / len(steps))
    return None


def doing(body: Body) -> str:
    """What is under way, in Ironic's words."""
    step = (body.get("clean_step") or body.get("deploy_step") or {}).get("step")
    return f"{body['provision_state']}: {step}" if step else str(body["provision_state"])
