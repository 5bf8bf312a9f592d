"""Servers that have volumes in common: they leave, arrive and go back as one."""

from collections import defaultdict
from collections.abc import Iterable

from pumphouse.model import Item


def together(servers: Iterable[Item]) -> list[tuple[Item, ...]]:
    """The servers, grouped by the volumes that they share, directly or over others; most are alone."""
    servers = tuple(servers)
    above: dict[str, str] = {}

    def top(key: str) -> str:
        while key in above:
            key = above[key]
        return key

    for server in servers:
        for volume in volume_keys(server):
            one, other = top(server.key), top(volume)
            if one != other:
                above[one] = other
    groups = defaultdict(list)
    for server in servers:
        groups[top(server.key)].append(server)
    return [tuple(group) for group in groups.values()]


def volume_keys(server: Item) -> tuple[str, ...]:
    """Keys of the volumes of a server."""
    return tuple(f"volume:{volume['volume_id']}" for volume in server.fields["volumes"])
