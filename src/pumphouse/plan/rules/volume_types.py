"""Rules about volume types."""

from collections.abc import Iterator

from pumphouse.model import Action, Item
from pumphouse.plan.rules.view import BLOCK, WARN, Found, View, rule, said

BACKEND = "volume_backend_name"  # an extra spec that names the deployer's own storage


@rule("volume-type-differs", WARN)
def _differs(view: View) -> Found:
    """Volume types of the destination that promise something else than those of the source."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        there = view.destination.get("volume_type", step.destination_id)
        if step.kind == "volume_type" and step.action is Action.REUSE and item and there:
            found = ", ".join(_differences(view, item, there))
            if found:
                yield (
                    item.key,
                    f"volume type {item.name!r} is {there.name!r} in the destination, which differs: {found}",
                    "Align the destination's, or map it to another by policy.volume_types.",
                )


def _differences(view: View, item: Item, there: Item) -> Iterator[str]:
    ours, theirs = item.fields.get("extra_specs", {}), there.fields.get("extra_specs", {})
    for name in sorted({*ours, *theirs} - {BACKEND}):
        if ours.get(name) != theirs.get(name):
            yield f"{name} {theirs.get(name, 'not set')!r} instead of {ours.get(name, 'not set')!r}"
    if _qos(view, item, "source") != _qos(view, there, "destination"):
        yield f"QoS specs {there.fields.get('qos_specs') or 'none'!r} instead of {item.fields['qos_specs'] or 'none'!r}"
    if item.fields.get("encryption") != there.fields.get("encryption"):
        yield "encryption"


def _qos(view: View, kind: Item, role: str) -> tuple[object, object] | None:
    """Consumer and keys of a type's QoS specs, whatever they are called."""
    inventory = view.source if role == view.source.role else view.destination
    name = kind.fields.get("qos_specs")
    found = next((q for q in inventory.of("volume_qos") if name and q.name == name), None)
    return (found.fields["consumer"], found.fields["specs"]) if found else None


@rule("volume-type-qos", BLOCK)
def _no_qos(view: View) -> Found:
    """Volume types to be made whose QoS specs the destination does not have."""
    for item in view.to_do("volume_type"):
        name = item.fields.get("qos_specs")
        wanted = next((q for q in view.source.of("volume_qos") if name and q.name == name), None)
        there = [q.fields for q in view.destination.of("volume_qos") if q.name == name]
        if wanted and wanted.fields not in there:
            keys = " ".join(f"--property {n}={v}" for n, v in sorted(wanted.fields["specs"].items()))
            yield (
                item.key,
                f"{said(item)} needs QoS specs {name!r}, "
                + ("which are others in the destination" if there else "which the destination does not have"),
                f"'openstack volume qos create --consumer {wanted.fields['consumer']} {keys} {name}' there.",
            )


@rule("volume-type-backend", BLOCK)
def _no_backend(view: View) -> Found:
    """Volume types to be made that name storage which the destination does not have."""
    known = {pool.observed["volume_backend_name"] for pool in view.destination.of("volume_pool")}
    for item in view.to_do("volume_type"):
        wanted = item.fields.get("extra_specs", {}).get(BACKEND)
        if wanted and wanted not in known:
            yield (
                item.key,
                f"{said(item)} asks for storage {wanted!r}, which no pool of the destination is called",
                "Map the type to one of the destination by policy.volume_types.",
            )
