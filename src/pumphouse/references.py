"""References between resources: fields that hold the id of another one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pumphouse.errors import Missing
from pumphouse.model import Fields, Item

Lookup = Callable[[str, str], str | None]  # (kind, source id) → destination id


@dataclass(frozen=True)
class Ref:
    """A field that holds the id of another resource.

    :param kind: what it points at.
    :param path: dotted path in the fields; ``*`` stands for every element of a list.
    :param weak: carried when the other side has a counterpart, left out when not; does not pull it in.
    :param named: not a resource of ours but a name, mapped by policy (same name when policy is silent).
    :param awaited: with ``weak``: without the counterpart nothing is made yet, rather than made without it.
    """

    kind: str
    path: str
    weak: bool = False
    named: bool = False
    awaited: bool = False


def references(fields: Fields, path: str) -> Iterator[str]:
    """The ids found at a path."""
    values: list[Any] = [fields]
    for part in path.split("."):
        if part == "*":
            values = [element for value in values for element in value or ()]
        else:
            values = [value.get(part) for value in values if isinstance(value, Mapping)]
    yield from (str(value) for value in values if value)


def replace(fields: dict[str, Any], ref: Ref, lookup: Lookup, item: Item) -> None:
    """Put the ids of counterparts in the place of a reference's ids.

    :raises Missing: when a strong reference has no counterpart.
    """
    _replace(fields, ref, ref.path.split("."), lookup, item)


def _replace(node: Any, ref: Ref, path: list[str], lookup: Lookup, item: Item) -> None:
    if not node:
        return
    part, rest = path[0], path[1:]
    if part == "*":
        for index, element in enumerate(node):
            if rest:
                _replace(element, ref, rest, lookup, item)
            else:
                node[index] = _counterpart(ref, element, lookup, item)
        return
    if not node.get(part):
        return
    if rest:
        _replace(node[part], ref, rest, lookup, item)
    else:
        node[part] = _counterpart(ref, node[part], lookup, item)


def _counterpart(ref: Ref, identifier: str, lookup: Lookup, item: Item) -> str | None:
    other = lookup(ref.kind, identifier)
    if other is None and ref.named:
        return str(identifier)
    if other is None and not ref.weak:
        raise Missing(f"{item.kind} {item.name!r}: its {ref.kind} {identifier} has no counterpart yet")
    return other
