"""Rules about flavors."""

from pumphouse.model import Item
from pumphouse.plan.rules.view import BLOCK, NOTE, Found, View, rule, said
from pumphouse.server_body import DELETED


@rule("flavor-deleted", NOTE)
def _flavor_deleted(view: View) -> Found:
    """A flavor was deleted at the source, and is made again for the servers that have it."""
    for item in view.to_do("flavor"):
        if item.id.startswith(DELETED):
            yield (
                item.key,
                f"{said(item)} was deleted at the source: it is made again, private",
                "Nothing to do; it can be deleted there again afterwards.",
            )


@rule("flavor-twice", BLOCK)
def _flavor_twice(view: View) -> Found:
    """Two flavors would have one name in the destination: one that was deleted, and its successor."""
    names: dict[str, Item] = {}
    for step in view.steps:
        item = view.source.by_key(step.key)
        if item is None or item.kind != "flavor":
            continue
        name = view.policy.flavors.get(item.id) or view.policy.flavors.get(item.name) or item.name
        other = names.setdefault(name, item)
        if other is not item:
            gone = next((i for i in (item, other) if i.id.startswith(DELETED)), item)
            yield (
                gone.key,
                f"flavors {other.id} and {item.id} would both be named {name!r} in the destination",
                f"Give one another name, e.g. policy: flavors: {{{gone.id}: {name}-old}}.",
            )
