"""What changed since a resource was carried over: at the source, in the destination, or on both sides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.model import Fields, Item, Row
from pumphouse.plan.select import part_of
from pumphouse.resource import Kind

KNOWN = ("created", "done", "reused", "committed")


@dataclass(frozen=True)
class Changes:
    """Names as :meth:`pumphouse.resource.Kind.compare` gives them.

    :param carry: changed at the source, and not in the destination: they can be carried over again.
    :param fixed: changed at the source, and no API changes them.
    :param both: changed on both sides, differently: nobody can decide that but a person.
    :param there: changed in the destination only: its users' own affair.
    """

    carry: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    there: tuple[str, ...] = ()

    @property
    def here(self) -> tuple[str, ...]:
        """All that changed at the source and differs in the destination."""
        return (*self.carry, *self.fixed, *self.both)


def changes(kind: Kind, row: Row, want: Fields, have: Fields) -> Changes:
    """What changed since the row was written; nothing for what Pumphouse did not make.

    :param want: the source's fields now, with references of the destination.
    :param have: the counterpart's fields now.
    """
    known = row.data.get("carried")
    if row.how != "created" or known is None:
        return Changes()
    ignored = {*kind.secret, *(kind.held if row.data.get("held") else ())}
    want, known, have = filled(kind, want, known, have)

    def differing(one: Fields, other: Fields) -> set[str]:
        return {name for name, *_ in kind.compare(one, other)} - ignored

    still, here, there = differing(want, have), differing(want, known), differing(known, have)
    begun = set(row.data.get("updating") or ()) & still  # by an interrupted update of ours
    changed = (here & still) - begun
    both = changed & there
    fixed = (changed - both) & {*kind.fixed, kind.project_field}
    carry = (changed - both - fixed) | begun
    own = (there & still) - here - begun
    return Changes(*(tuple(sorted(names)) for names in (carry, fixed, both, own)))


def filled(kind: Kind, *each: Fields) -> tuple[dict[str, Any], ...]:
    """The fields, each with what any of the others has: a field that is left out is one that says nothing."""
    nothing = {name: kind.emptied.get(name) for fields in each for name in fields}
    return tuple({**nothing, **fields} for fields in each)


def remembered(kind: Kind, want: Fields) -> dict[str, Any]:
    """What the ledger keeps of the fields as they were carried."""
    return {name: value for name, value in want.items() if name not in kind.secret}


def brought_up(known: Fields, want: Fields, names: Iterable[str]) -> dict[str, Any]:
    """What was carried, with these names as they are wanted; a comparison may name parts of a field."""
    now = dict(known)
    for name in names:
        if name in want:
            now[name] = want[name]
        else:
            parts = {field: v for field, v in want.items() if isinstance(v, Mapping) and name in v}
            now |= {field: {**now[field], name: value[name]} for field, value in parts.items()}
    return now


def moved_away(item: Item, kind: Kind, rows: Mapping[str, Row], source: Inventory) -> bool:
    """Whether it lives in the destination by now: what moved does, with the ports and addresses of servers."""
    moved = {row.source_id for row in rows.values() if row.kind == "server" and row.state in KNOWN}
    return kind.moves or part_of(item, moved, source)
