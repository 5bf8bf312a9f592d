"""Disks and interfaces of a node, made like an example; nothing here asks Fuel. Sizes in MiB."""

from collections.abc import Iterable, Mapping
from typing import Any

from pumphouse.errors import Refused

Body = dict[str, Any]
Disks = Mapping[str, Mapping[str, int]]  # disk → volume → MiB
Networks = Mapping[str, tuple[str, ...]]  # interface → names of networks
SYSTEM, ADMIN, BOND = "os", "fuelweb_admin", "bond"
BOND_KEYS = ("type", "name", "slaves", "mode", "bond_properties", "attributes")


def disks_of(bodies: Iterable[Body]) -> Disks:
    """The layout of a node's disks, by their names: ids may differ between machines of the same kind."""
    return {disk["name"]: {v["name"]: v["size"] for v in disk["volumes"]} for disk in bodies}


def networks_of(bodies: Iterable[Body]) -> Networks:
    """The networks on a node's interfaces, by name: ids differ between environments."""
    return {each["name"]: tuple(n["name"] for n in each["assigned_networks"]) for each in bodies}


def lay_out(wanted: Disks, disks: list[Body], volumes: list[Body]) -> list[Body]:
    """The disks of a machine as another one's.

    Sizes are kept; where a disk is smaller, all but the system shrink. A disk that the other has not keeps what
    Fuel gave it, but for the system.

    :param disks: as Fuel lists them for the machine, once it is assigned.
    :param volumes: that its roles need, with ``min_size``.
    :returns: the body that Fuel takes.
    :raises Refused: when the system's disk is missing, or a volume would be smaller than Fuel allows.
    """
    names = {volume["name"] for volume in volumes}
    systems = [name for name, sizes in wanted.items() if sizes.get(SYSTEM, 0)]
    if missing := [name for name in systems if name not in {disk["name"] for disk in disks}]:
        raise Refused(
            f"the machine has no disk {missing[0]}, where the operating system of the example is",
            "Say in 'disks' of the deployment how the machine is laid out.",
        )
    body = []
    for disk in disks:
        own = {v["name"]: v["size"] for v in disk["volumes"]}
        if disk["name"] in wanted:
            given = wanted[disk["name"]]
            own = _fitted({name: given.get(name, 0) for name in own if name in names}, disk["size"])
        elif systems:
            own[SYSTEM] = 0
        sizes = [{"name": name, "size": size} for name, size in own.items()]
        body.append({"id": disk["id"], "size": disk["size"], "volumes": sizes})
    for volume in volumes:
        total = sum(v["size"] for disk in body for v in disk["volumes"] if v["name"] == volume["name"])
        if total < volume["min_size"]:
            raise Refused(
                f"the machine's disks leave {total} MiB for volume {volume['name']!r}, "
                f"and Fuel wants {volume['min_size']}",
                "Say in 'disks' of the deployment how the machine is laid out.",
            )
    return body


def _fitted(sizes: dict[str, int], room: int) -> dict[str, int]:
    """The same, in less room where there is less; the system's volume keeps its size."""
    if sum(sizes.values()) <= room:
        return sizes
    rest = sum(size for name, size in sizes.items() if name != SYSTEM)
    left = max(0, room - sizes.get(SYSTEM, 0))
    return {n: min(size, room) if n == SYSTEM else size * left // max(rest, 1) for n, size in sizes.items()}


def connect(wanted: Networks, bonds: list[Body], interfaces: list[Body], boots_from: str) -> list[Body]:
    """The networks on a machine's interfaces as on another one's.

    Which networks there are is for Fuel to say: it differs between roles, environments and releases. One that the
    other has not stays where Fuel put it.

    :param bonds: of the other; made on the machine as well.
    :param interfaces: as Fuel lists them for the machine, once it is assigned.
    :param boots_from: name of the interface that it starts from.
    :returns: the whole list, as Fuel takes it.
    :raises Refused: when an interface is missing, or the network that it starts from would leave its interface.
    """
    own = {n["name"]: n for each in interfaces for n in each["assigned_networks"]}
    places = {name: each["name"] for each in interfaces for name in _names(each)}
    places |= {n: name for name, networks in wanted.items() for n in networks if n in own}
    ethers = [each for each in interfaces if each["type"] != BOND]
    made = [{key: bond[key] for key in BOND_KEYS if key in bond} for bond in bonds]
    slaves = {bond["name"]: [slave["name"] for slave in bond["slaves"]] for bond in made}
    there = {each["name"] for each in ethers}
    used = [
        *(name for name in places.values() if name not in slaves),
        *(part for parts in slaves.values() for part in parts),
    ]
    if missing := sorted(set(used) - there):
        raise Refused(
            f"the machine has no interface {missing[0]}, which the example uses; it has {', '.join(sorted(there))}",
            "Say in 'interfaces' of the deployment which networks are on which.",
        )
    admin = places.get(ADMIN, boots_from)
    if boots_from not in slaves.get(admin, [admin]):
        raise Refused(
            f"the machine starts from {boots_from}, and the example has {ADMIN} on {admin}",
            f"Say in 'interfaces' of the deployment which networks are on which, {ADMIN} on {boots_from}.",
        )

    def on(name: str) -> list[Body]:
        return [own[network] for network, place in places.items() if place == name]

    return [{**each, "assigned_networks": on(each["name"])} for each in (*ethers, *made)]


def _names(interface: Body) -> tuple[str, ...]:
    return tuple(network["name"] for network in interface["assigned_networks"])


def starts_from(node: Body, interfaces: list[Body]) -> str:
    """The interface that a machine starts from: as its agent says, else where Fuel put the network for it."""
    told = [each["name"] for each in node["meta"].get("interfaces", ()) if each.get("pxe")]
    return str(told[0] if told else next(each["name"] for each in interfaces if ADMIN in _names(each)))
