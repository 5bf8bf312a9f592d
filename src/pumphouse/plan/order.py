"""What needs something comes after it."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from pumphouse.errors import UsageError
from pumphouse.kinds import KINDS
from pumphouse.model import Item


def order(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items sorted by their needs; among equals by kind and name, so that plans read alike.

    :raises UsageError: when resources need each other in a circle; names them.
    """
    rank = {name: index for index, name in enumerate(KINDS)}
    by_key = {i.key: i for i in sorted(items, key=lambda i: (rank[i.kind], i.name, i.id))}
    graph = {
        key: [n for n in KINDS[i.kind].needs(i, weak=True) if n in by_key and n != key]
        for key, i in by_key.items()
    }
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
