"""What needs something comes after it."""

from collections import defaultdict
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from pumphouse.errors import UsageError
from pumphouse.kinds import KINDS
from pumphouse.model import Item


class Mentions:
    """What an item comes after: its references, and the roles that its owner needs to make it.

    A floating IP also comes after the subnets of its network, one of which has to hold its address.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._roles: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._subnets: dict[str, list[str]] = defaultdict(list)
        items = tuple(items)
        for item in items:
            if item.kind == "subnet":
                self._subnets[item.fields["network_id"]].append(item.key)
        members = defaultdict(list)
        for item in items:
            if item.kind == "group_membership":
                members[item.fields["group_id"]].append(item)
        for item in items:
            if item.kind != "role_assignment":
                continue
            project = item.project_id or ""
            self._roles[item.fields.get("user_id", ""), project].append(item.key)
            for membership in members[item.fields.get("group_id", "")]:
                self._roles[membership.fields["user_id"], project] += [item.key, membership.key]

    def of(self, item: Item) -> tuple[str, ...]:
        """Keys of all that it mentions, whether selected or not."""
        kind = KINDS[item.kind]
        owner = (item.fields.get("user_id") or "", item.project_id or "")
        roles = self._roles[owner] if kind.acts_in_project else []
        subnets = self._subnets[item.fields["floating_network_id"]] if item.kind == "floating_ip" else []
        return (*kind.needs(item, weak=True), *roles, *subnets)


def order(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items sorted by their needs; among equals by kind and name, so that plans read alike.

    :raises UsageError: when resources need each other in a circle; names them.
    """
    rank = {name: index for index, name in enumerate(KINDS)}
    by_key = {i.key: i for i in sorted(items, key=lambda i: (rank[i.kind], i.name, i.id))}
    mentions = Mentions(by_key.values())
    graph = {key: [n for n in mentions.of(i) if n in by_key and n != key] for key, i in by_key.items()}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise UsageError(f"these resources need each other: {circle}") from None
    result: list[Item] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda k: (rank[by_key[k].kind], by_key[k].name, k))
        result += [by_key[key] for key in ready]
        sorter.done(*ready)
    return tuple(result)
