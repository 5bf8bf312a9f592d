"""Counterparts that a person chose: what was in the destination before takes the place of a resource."""

from collections.abc import Mapping

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Item, Row
from pumphouse.resource import Lookup

MAPPED = "mapped in the plan file"
PUBLIC = ("shared", "router:external")
VISIBLE = ("public", "community")


def remembered(rows: Mapping[str, Row], destination: Inventory) -> dict[str, str]:
    """What earlier runs were told: key → id of the counterpart, as long as that is there."""
    return {
        key: row.destination_id
        for key, row in rows.items()
        if row.data.get("mapped") and row.destination_id and destination.get(row.kind, row.destination_id)
    }


def chosen(item: Item, wanted: str, destination: Inventory, lookup: Lookup) -> tuple[Item | None, str]:
    """The counterpart somebody chose by id or name.

    :param lookup: the counterparts found so far.
    :return: the counterpart, or None and why it cannot be.
    """
    kind = KINDS[item.kind]
    called = item.kind.replace("_", " ")
    if kind.moves:
        return None, f"a {called} is moved: nothing else can take its place"
    there = destination.of(item.kind)
    found = [i for i in there if i.id == wanted] or [i for i in there if i.name == wanted]
    if len(found) != 1:
        return None, f"the destination has {len(found) or 'no'} {called} {wanted!r}"
    (other,) = found
    why = _subnet(item, other, lookup) if item.kind == "subnet" else _owner(item, other, lookup)
    return (None, f"{called} {wanted!r} of the destination {why}") if why else (other, "")


def _owner(item: Item, other: Item, lookup: Lookup) -> str:
    if (
        item.kind == "project"
        or not item.project_id
        or other.project_id == lookup("project", item.project_id)
    ):
        return ""
    public = any(other.fields.get(name) for name in PUBLIC)
    return "" if public or other.fields.get("visibility") in VISIBLE else "belongs to another project"


def _subnet(item: Item, other: Item, lookup: Lookup) -> str:
    if other.fields["network_id"] != lookup("network", item.fields["network_id"]):
        return "is not in the counterpart of its network"
    cidr, wanted = other.fields["cidr"], item.fields["cidr"]
    return "" if cidr == wanted else f"is {cidr}: addresses of {wanted} do not fit"
