"""Grants that were taken back at the source since they were carried over, and so are in the destination."""

from collections.abc import Iterable, Iterator, Mapping, Set

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Row, Step
from pumphouse.resource import references

BEGUN = (
    "committing"  # fact of a row that commit is about to delete at the source: the selection's fingerprint
)
REVOKED = "taken back at the source since it was carried over"


def revoked(
    steps: tuple[Step, ...], source: Inventory, destination: Inventory, rows: Mapping[str, Row]
) -> Iterator[Step]:
    """One step for each grant that Pumphouse made and the source no longer has.

    Only while the source still has all that it speaks of: what is deleted there, by commit for one, takes its grants
    with it, and those of its counterpart stay.

    :param steps: of what the plan is about.
    """
    counterparts = {(s.kind, s.destination_id) for s in steps if s.destination_id}
    originals = {(row.kind, row.destination_id): row.key for row in rows.values() if row.destination_id}
    for item, row in gone(source, destination, rows.values(), counterparts):
        if not KINDS[row.kind].grants or (row.kind, item.id) in counterparts:
            continue
        if all(source.by_key(originals.get(ref, "")) for ref in _spoken_of(item)):
            yield Step(
                key=row.key,
                kind=row.kind,
                name=row.name,
                project=destination.name_of("project", item.project_id),
                action=Action.REMOVE,
                reason=REVOKED,
                destination_id=item.id,
            )


def gone(
    source: Inventory,
    destination: Inventory,
    rows: Iterable[Row],
    counterparts: Set[tuple[str, str]],
) -> Iterator[tuple[Item, Row]]:
    """What was carried over, has been deleted at the source since, and belongs to what is planned.

    :param counterparts: kind and id in the destination of what is planned.
    """
    for row in rows:
        kept = row.how == "created" and row.state == "done" and row.kind in KINDS
        if not kept or BEGUN in row.data or row.source_id.startswith("root-") or source.by_key(row.key):
            continue
        there = destination.get(row.kind, row.destination_id)
        if there and _belongs(there, counterparts):
            yield there, row


def _belongs(there: Item, counterparts: Set[tuple[str, str]]) -> bool:
    """Whether something of the destination belongs to what is planned."""
    if ("project", str(there.project_id)) in counterparts:
        return True
    kind = KINDS[there.kind]
    owners = [
        (ref.kind, identifier)
        for ref in kind.refs
        if ref.path in kind.companion_of
        for identifier in references(there.fields, ref.path)
    ]
    return bool(owners) and all(owner in counterparts for owner in owners)


def _spoken_of(there: Item) -> Iterator[tuple[str, str]]:
    for ref in KINDS[there.kind].refs:
        if not ref.named:
            yield from ((ref.kind, identifier) for identifier in references(there.fields, ref.path))
