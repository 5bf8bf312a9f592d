"""Rules about what changed since it was carried over."""

from collections.abc import Iterator
from contextlib import suppress

from pumphouse.errors import Missing
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Row
from pumphouse.plan.changes import KNOWN, Changes, changes, moved_away
from pumphouse.plan.inforce import wanted
from pumphouse.plan.revoked import gone
from pumphouse.plan.rules.view import NOTE, WARN, Found, View, rule, said


@rule("changed-on-both-sides", WARN)
def _both(view: View) -> Found:
    """Fields that were changed at the source and, differently, in the destination since they were carried."""
    for item, found in _changed(view, away=False):
        if found.both:
            yield (
                item.key,
                f"{said(item)}: {', '.join(found.both)} changed at the source and in the destination since it was "
                "carried over: left as it is",
                "Set it in the destination to what it should be.",
            )


@rule("changed-for-good", WARN)
def _fixed(view: View) -> Found:
    """Fields that were changed at the source since they were carried, and that no API changes afterwards."""
    for item, found in _changed(view, away=False):
        if found.fixed:
            yield (
                item.key,
                f"{said(item)}: {', '.join(found.fixed)} changed at the source since it was carried over, and cannot "
                "be changed in the destination",
                "Leave it, or roll back what uses it and remove it in the destination: it is then made anew.",
            )


@rule("changed-after-move", NOTE)
def _moved(view: View) -> Found:
    """What moved already, and was changed at the source afterwards."""
    for item, found in _changed(view, away=True):
        if found.here:
            yield (
                item.key,
                f"{said(item)} has moved; {', '.join(found.here)} changed at the source since, and is not carried over",
                "Change it in the destination, where it lives now.",
            )


@rule("gone-at-source", WARN)
def _gone(view: View) -> Found:
    """What was carried over and has been deleted at the source since."""
    counterparts = {(s.kind, s.destination_id) for s in view.steps if s.destination_id}
    removed = {s.key for s in view.steps if s.action is Action.REMOVE}
    for there, row in gone(view.source, view.destination, view.rows.values(), counterparts):
        if row.key not in removed:
            yield (
                row.key,
                f"{row.kind.replace('_', ' ')} {row.name!r} ({row.source_id}) was deleted at the source since it was "
                f"carried over; its counterpart {there.id} stays",
                "Remove it in the destination if nothing needs it there.",
            )


def _changed(view: View, *, away: bool) -> Iterator[tuple[Item, Changes]]:
    """What was carried before, with its changes.

    :param away: of what lives in the destination by now, or of all else.
    """
    steps = {s.key: s for s in view.steps}

    def lookup(kind: str, identifier: str) -> str | None:
        if (names := view.policy.names_of(kind)) is not None:
            return names.get(identifier)
        key = f"{kind}:{identifier}"
        return steps[key].destination_id if key in steps else _counterpart(view.rows.get(key))

    for step in view.steps:
        item, row = view.source.by_key(step.key), view.rows.get(step.key)
        there = view.destination.get(step.kind, step.destination_id)
        if item is None or row is None or there is None or step.action not in (Action.REUSE, Action.UPDATE):
            continue
        kind = KINDS[step.kind]
        if "carried" in row.data and moved_away(item, kind, view.rows, view.source) is away:
            with suppress(Missing):  # what it refers to has vanished there, and is made anew
                want = wanted(item, lookup, view.source, view.policy)
                yield item, changes(kind, row, want, there.fields)


def _counterpart(row: Row | None) -> str | None:
    return row.destination_id if row and row.state in KNOWN else None
