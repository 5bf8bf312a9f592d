"""Interfaces of a node: which networks are on which, and what Fuel minds when that is changed."""

from http import HTTPStatus
from typing import Any, NoReturn

from pumphouse.lab.fuel.answers import Failure
from pumphouse.lab.fuel.state import ADMIN, Cluster, Node, State

BOND = ("type", "name", "slaves", "mode", "bond_properties", "attributes")
NO_NAME = (
    'Traceback (most recent call last):\n  File "nailgun/api/v1/validators/network.py", line 661, in <dictcomp>\n'
    "    interfaces_by_name = {iface['name']: iface for iface in interfaces}\nKeyError: 'name'\n"
)


def register(state: State, node: Node) -> None:
    """Those that the agent has told of."""
    node.interfaces = [
        {
            "id": state.next("interface"),
            "type": "ether",
            "name": each["name"],
            "mac": each["mac"],
            "assigned_networks": [],
        }
        for each in node.meta.get("interfaces", [])
    ]


def connect(node: Node, cluster: Cluster | None) -> None:
    """The default: public on the second, everything else on the first; nothing without an environment."""
    ethers = [each for each in node.interfaces if each["type"] == "ether"]
    node.interfaces = ethers
    for each in ethers:
        each["assigned_networks"] = []
    if cluster and ethers:
        public = ethers[min(1, len(ethers) - 1)]
        for network in cluster.all_networks:
            chosen = public if network["name"] == "public" else ethers[0]
            chosen["assigned_networks"].append(network)


def shown(state: State, node: Node) -> list[dict[str, Any]]:
    """``GET /nodes/N/interfaces``."""
    reported = {each["name"]: each for each in node.meta.get("interfaces", [])}
    return [
        _ether(state, each, reported[each["name"]], node) if each["type"] == "ether" else each
        for each in node.interfaces
    ]


def change(state: State, node: Node, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``PUT /nodes/N/interfaces``."""
    if state.release.runs_all and any("name" not in each for each in asked):
        raise Failure(HTTPStatus.INTERNAL_SERVER_ERROR, NO_NAME)
    open_in = ("discover", "ready", "stopped") if state.release.runs_all else ("discover", "error")
    if node.status not in open_in:
        _refuse(node, "Interfaces configuration can't be changed after or during deployment.")
    cluster = state.clusters.get(node.cluster or 0)
    known = {network["id"]: network for network in (cluster.all_networks if cluster else [])}
    _check_interfaces(node, asked)
    _check_networks(state, node, asked, known)
    _check_admin(state, node, asked)
    own = {each["id"]: each for each in node.interfaces if each["type"] == "ether"}
    for each in asked:
        if each["type"] == "ether":
            own[each["id"]]["assigned_networks"] = [
                known[network["id"]] for network in each["assigned_networks"]
            ]
    bonds = [
        {key: each[key] for key in (*BOND, "assigned_networks") if key in each}
        for each in asked
        if each["type"] == "bond"
    ]
    node.interfaces = [*own.values(), *bonds]
    return shown(state, node)


def _check_interfaces(node: Node, asked: list[dict[str, Any]]) -> None:
    own = {each.get("id") for each in node.interfaces}
    for each in asked:
        if "type" not in each:
            _refuse(node, "each interface must have a type")
        if each["type"] == "ether" and each.get("id") not in own:
            _refuse(node, f"there is no interface with ID '{each.get('id')}' in DB")


def _check_networks(state: State, node: Node, asked: list[dict[str, Any]], known: dict[int, Any]) -> None:
    seen: set[int] = set()
    for each in asked:
        for network in each["assigned_networks"]:
            if network["id"] in seen:
                where = f"second occurrence is in interface '{each.get('id', each.get('name'))}'"
                _refuse(
                    node, f"there is a duplicated network '{network['id']}' in assigned networks ({where})"
                )
            seen.add(network["id"])
    if unknown := seen - set(known):
        ids = ",".join(str(id) for id in unknown)
        if not state.release.has_roles:
            raise Failure(HTTPStatus.BAD_REQUEST, f"Network '{ids}' doesn't exist for node {node.id}")
        _refuse(
            node, f"networks with IDs '{ids}' cannot be used because they are not in node group 'default'"
        )
    if missing := set(known) - seen:
        ids = ",".join(str(id) for id in sorted(missing))
        _refuse(node, f"{ids if state.release.has_roles else repr(ids)} network(s) are left unassigned")


def _check_admin(state: State, node: Node, asked: list[dict[str, Any]]) -> None:
    if not state.release.has_roles:
        return
    starts = {each["name"] for each in node.meta["interfaces"] if each.get("pxe")}
    for each in asked:
        named = ADMIN["name"] in [network.get("name") for network in each["assigned_networks"]]
        parts = {slave["name"] for slave in each.get("slaves", ())} | {each.get("name")}
        if named and each.get("name") and not parts & starts:
            _refuse(node, f"admin network can not be assigned to non-pxe interface {each['name']}")


def _ether(state: State, kept: dict[str, Any], reported: dict[str, Any], node: Node) -> dict[str, Any]:
    told = {**kept, "state": "up"}
    told |= {name: reported.get(name) for name in ("driver", "bus_info", "max_speed", "current_speed")}
    modes = reported.get("offloading_modes", [])
    if state.release.runs_all:
        values = {
            "offloading": {"disable": {"value": False}, "modes": {"value": {}}},
            "mtu": {"value": {"value": None}},
        }
        meta = {"offloading_modes": modes, "sriov": {"available": False}, "dpdk": {"available": False}}
        told |= {"attributes": values if node.cluster else {}, "meta": meta}
    else:
        told["interface_properties"] = {"mtu": None, "disable_offloading": False}
    if state.release.has_roles:
        told["pxe"] = bool(reported.get("pxe"))
        told |= {} if state.release.runs_all else {"offloading_modes": modes}
    return told


def _refuse(node: Node, words: str) -> NoReturn:
    raise Failure(HTTPStatus.BAD_REQUEST, f"Node '{node.id}': {words}")
