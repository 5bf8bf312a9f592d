"""What makes an application of servers: networks, server groups and volumes they have in common."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from pumphouse.inventory import Inventory
from pumphouse.model import Item, make_key

JOINTS = ("network", "server_group", "volume")


def connected(source: Inventory, seeds: Iterable[Item], excluded: frozenset[str]) -> dict[str, str]:
    """The servers that hang together with what is selected, directly or over other servers.

    :param excluded: keys of what the operator left out; nothing hangs together over it.
    :return: key of a server that is not selected itself → why it comes along, as the shortest chain.
    """
    at: dict[str, list[Item]] = defaultdict(list)
    for server in source.of("server"):
        if server.key not in excluded:
            for joint in _joints(source, server):
                at[joint].append(server)
    seeds = tuple(seeds)
    whys = {item.key: "" for item in seeds if item.kind == "server"}
    todo: deque[tuple[str, Item | None]] = deque(
        (joint, item) for item in seeds if item.kind == "server" for joint in _joints(source, item)
    )
    todo += ((item.key, None) for item in seeds if item.kind in JOINTS)
    seen: set[str] = set(excluded)
    while todo:
        joint, via = todo.popleft()
        if joint in seen:
            continue
        seen.add(joint)
        for server in at[joint]:
            if server.key not in whys:
                whys[server.key] = _why(source, joint, via, whys)
                todo += ((further, server) for further in _joints(source, server))
    return {key: why for key, why in whys.items() if why}


def applications(source: Inventory) -> tuple[frozenset[str], ...]:
    """Keys of all servers, those that hang together in one set."""
    waiting, found = {item.key: item for item in source.of("server")}, list[frozenset[str]]()
    at: dict[str, list[Item]] = defaultdict(list)
    for server in waiting.values():
        for joint in _joints(source, server):
            at[joint].append(server)
    while waiting:
        todo = [waiting.popitem()[1]]
        members = set[str]()
        while todo:
            server = todo.pop()
            members.add(server.key)
            others = (other for joint in _joints(source, server) for other in at.pop(joint, ()))
            todo += (other for other in others if waiting.pop(other.key, None))
        found.append(frozenset(members))
    return tuple(found)


def _joints(source: Inventory, server: Item) -> Iterator[str]:
    """Keys of what a server may have in common with others; what every project uses makes no application."""
    for port in server.fields["ports"]:
        item = source.get("port", port)
        network = source.get("network", item.fields["network_id"]) if item else None
        if network and not network.fields.get("shared") and not network.fields.get("router:external"):
            yield network.key
    if server.fields["server_group_id"]:
        yield make_key("server_group", server.fields["server_group_id"])
    for volume in server.fields["volumes"]:
        yield make_key("volume", volume["volume_id"])


def _why(source: Inventory, joint: str, via: Item | None, whys: dict[str, str]) -> str:
    kind, _, identifier = joint.partition(":")
    what = f"{kind.replace('_', ' ')} {source.name_of(kind, identifier)}"
    if via is None:
        return f"uses {what}"
    further = f", which {whys[via.key]}" if whys[via.key] else ""
    return f"shares {what} with {via.name}{further}"
