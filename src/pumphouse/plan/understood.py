"""The source's network resources as the destination's network service can take them."""

from dataclasses import replace
from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Item, NetworkFacts
from pumphouse.network_resource import NetworkKind
from pumphouse.policy import Policy

ZONE_HINTS = "availability_zone_hints"
ROUTER_MODE = ("distributed", "ha")


def understood(source: Inventory, there: NetworkFacts | None, policy: Policy) -> Inventory:
    """The source without what the destination does not know; items remember what was left out, and why.

    ``observed`` gets ``left_out`` (field → why) and ``no_extension`` (alias).
    """
    if there is None:
        return source
    return Inventory(source.role, (_item(item, there, policy) for item in source), source.network)


def _item(item: Item, there: NetworkFacts, policy: Policy) -> Item:
    kind = KINDS[item.kind]
    if not isinstance(kind, NetworkKind):
        return item
    seen: dict[str, Any] = {}
    if kind.extension and kind.extension not in there.extensions:
        seen["no_extension"] = kind.extension
    fields = dict(item.fields)
    if policy.router_mode == "destination":
        fields = {name: value for name, value in fields.items() if name not in ROUTER_MODE}
    left_out = {
        path: f"has no extension {alias!r}"
        for path, alias in kind.extensions.items()
        if alias not in there.extensions and _drop(fields, path)
    }
    if fields.get(ZONE_HINTS):
        fields[ZONE_HINTS] = _zones(item, there, policy, left_out)
    if left_out:
        seen["left_out"] = left_out
    return replace(item, fields=fields, observed={**item.observed, **seen})


def _drop(fields: dict[str, Any], path: str) -> bool:
    """Leave a field out; whether it said anything."""
    name, _, inner = path.partition(".")
    if not inner:
        return bool(fields.pop(name, None))
    holder: dict[str, Any] = dict(fields.get(name) or {})
    said = bool(holder.pop(inner, None))
    if fields.get(name):
        fields[name] = holder
    return said


def _zones(item: Item, there: NetworkFacts, policy: Policy, left_out: dict[str, str]) -> list[str]:
    """Neutron refuses a zone that none of its agents is in."""
    known = {name for resource, name in there.zones if resource == item.kind}
    hints = list(item.fields[ZONE_HINTS])
    kept = [zone for zone in hints if policy.network_availability_zones.get(zone, zone) in known]
    if kept != hints:
        gone = ", ".join(zone for zone in hints if zone not in kept)
        left_out[ZONE_HINTS] = f"has no availability zone {gone} for a {item.kind}"
    return kept
