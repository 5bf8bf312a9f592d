"""Rules about images and their members, quotas, and the host aggregates that servers count on."""

from collections import defaultdict
from collections.abc import Mapping

from pumphouse.kinds import KINDS
from pumphouse.kinds.aggregate import TENANT_FILTER
from pumphouse.kinds.image import OF_MOVED, OF_SHELVED
from pumphouse.model import Action, Item
from pumphouse.plan.rules.view import BLOCK, NOTE, WARN, Found, View, rule, said

ENCRYPTED = ("cinder_encryption_key_id", "os_encrypt_key_id")  # by Cinder; by the user
AGGREGATE_SPEC = "aggregate_instance_extra_specs:"


@rule("image-skipped", WARN)
def _skipped(view: View) -> Found:
    """An image of the selection that is not copied, and why."""
    for step in view.steps:
        if step.kind == "image" and step.action is Action.SKIP and step.reason not in (OF_MOVED, OF_SHELVED):
            yield (
                step.key,
                f"image {step.name!r} ({step.key.partition(':')[2]}) is not carried over: {step.reason}",
                "It stays at the source; nothing to do unless somebody needs it.",
            )


@rule("image-encrypted", BLOCK, acceptable=True)
def _encrypted(view: View) -> Found:
    """An image whose data is encrypted with a key that stays in the source's key manager."""
    for item in view.to_do("image"):
        if any(item.fields["properties"].get(name) for name in ENCRYPTED):
            yield (
                item.key,
                f"{said(item)} is encrypted: its key stays in the source, so nobody can read the copy",
                "Make a volume of it inside the source, copy it to an unencrypted one, or exclude the image.",
            )


@rule("image-signed", WARN)
def _signed(view: View) -> Found:
    """An image with a signature, whose certificate is in the source's key manager."""
    for item in view.to_do("image"):
        if item.fields["signature"]:
            yield (
                item.key,
                f"{said(item)} is signed: its certificate stays in the source's key manager",
                "Where Nova or Glance of the destination verify signatures, sign it anew there.",
            )


@rule("image-kernel-gone", WARN)
def _kernel_gone(view: View) -> Found:
    """An image that names a kernel or ramdisk which the source no longer has."""
    for item in view.to_do("image"):
        for key in item.observed.get("gone", ()):
            yield (
                item.key,
                f"{said(item)}: its kernel or ramdisk {key.partition(':')[2]} is no image of the source any more",
                "It is kept as it is: servers of this image fail to boot here as they do there.",
            )


@rule("image-stores", NOTE)
def _stores(view: View) -> Found:
    """An image with copies in several stores of Glance, or data at locations of its own."""
    for item in view.to_do("image"):
        stores = [store for store in str(item.observed.get("stores") or "").split(",") if store]
        if len(stores) > 1 or len(item.observed.get("locations") or ()) > 1:
            where = ", ".join(stores) or f"{len(item.observed['locations'])} locations"
            yield (
                item.key,
                f"{said(item)} is in several places of the source: {where}",
                "It arrives once, in the destination's default store; copy it on with the import method 'copy-image'.",
            )


@rule("image-member-left", WARN)
def _member_left(view: View) -> Found:
    """A project with which a selected image is shared, and that is not selected."""
    planned = {step.key for step in view.steps}
    for image in view.to_do("image"):
        for member in view.source.of("image_member"):
            if member.fields["image_id"] == image.id and member.key not in planned:
                name = view.source.name_of("project", member.fields["member_id"])
                yield (
                    image.key,
                    f"{said(image)} is shared with project {name!r}, which is not selected and will not see it",
                    "Select both projects in one migration, now or later; it adds the member then.",
                )


@rule("image-foreign", NOTE)
def _foreign(view: View) -> Found:
    """An image that selected servers were made of, or that selected projects share, and that is not selected."""
    planned = {step.key for step in view.steps}
    uses: dict[str, list[str]] = defaultdict(list)
    for server in view.to_do("server"):
        uses[str(server.observed["image_id"])].append(f"server {server.name!r} was made of it")
    for member in view.source.of("image_member"):
        project = member.fields["member_id"]
        if f"project:{project}" in planned:
            name = view.source.name_of("project", project)
            uses[member.fields["image_id"]].append(f"it is shared with project {name!r}")
    for image in view.source.of("image"):
        if image.id in uses and image.key not in planned | view.selected.excluded:
            owner = view.source.name_of("project", image.project_id)
            more = f", and {len(uses[image.id]) - 1} more" if len(uses[image.id]) > 1 else ""
            yield (
                image.key,
                f"{said(image)} of project {owner!r} does not come along, though {uses[image.id][0]}{more}",
                "Servers bring their disks themselves; to have the image too, select it: 'pumphouse migrate image'.",
            )


@rule("quota-unknown", NOTE)
def _quota_unknown(view: View) -> Found:
    """Limits of the source that the destination's service does not know."""
    for kind in ("compute_quota", "user_compute_quota", "volume_quota", "network_quota"):
        known = {name for item in view.destination.of(kind) for name in item.fields["limits"]}
        lost = {name for item in view.to_do(kind) for name in _wanted(view, item)} - known
        if known and lost:
            yield (
                "",
                f"{kind.replace('_', ' ')}s: the destination knows no limits {', '.join(sorted(lost))}",
                "Nothing to do, unless it lacks a volume type: see policy.volume_types.",
            )


def _wanted(view: View, item: Item) -> dict[str, int]:
    names = view.policy.volume_types
    target = KINDS[item.kind].target(item, lambda kind, i: names.get(i) if kind == "volume_type_name" else i)
    limits: dict[str, int] = target["limits"]
    return limits


@rule("aggregate-lacking", WARN)
def _aggregate(view: View) -> Found:
    """A host aggregate that selected servers count on, by flavor or project, and whose like is not there."""
    made = {item.key for item in view.to_do("aggregate")}
    for aggregate in (a for a in view.source.of("aggregate") if a.key not in made):
        lacking = sorted(
            f"{name}={value}"
            for name, value in aggregate.fields["metadata"].items()
            if not any(
                _same(name, value, there.fields["metadata"]) for there in view.destination.of("aggregate")
            )
        )
        servers = [s for s in view.to_do("server") if _counts_on(view, s, aggregate)]
        if lacking and servers:
            zone = aggregate.fields["availability_zone"]
            options = (f" --zone {zone}" if zone else "") + "".join(f" --property {each}" for each in lacking)
            yield (
                aggregate.key,
                f"the destination has no host aggregate with {', '.join(lacking)}, like {said(aggregate)}, "
                f"which server {servers[0].name!r} counts on",
                "Set policy.aggregates: apply; or "
                f"'openstack aggregate create{options} {aggregate.name}' (projects by their ids there), and add hosts.",
            )


def _same(name: str, value: str, metadata: Mapping[str, str]) -> bool:
    """Projects have other ids in the destination."""
    return name in metadata and (name.startswith(TENANT_FILTER) or metadata[name] == value)


def _counts_on(view: View, server: Item, aggregate: Item) -> bool:
    metadata = aggregate.fields["metadata"]
    flavor = view.source.get("flavor", server.fields["flavor_id"])
    specs = flavor.fields["extra_specs"] if flavor else {}
    wanted = any(
        name.startswith(AGGREGATE_SPEC) and name.removeprefix(AGGREGATE_SPEC) in metadata for name in specs
    )
    ours = any(n.startswith(TENANT_FILTER) and server.project_id in v.split(",") for n, v in metadata.items())
    return wanted or ours


@rule("availability-zones", NOTE)
def _zones(view: View) -> Found:
    """Availability zones of selected servers that the destination does not have, and no policy maps."""
    there = {a.fields["availability_zone"] for a in view.destination.of("aggregate")}
    made = {a.fields["availability_zone"] for a in view.to_do("aggregate")}
    known = {*there, *made, *view.policy.availability_zones, None}
    for zone in sorted({a.fields["availability_zone"] for a in view.source.of("aggregate")} - known):
        servers = [s for s in view.to_do("server") if s.observed["availability_zone"] == zone]
        if servers:
            yield (
                "",
                f"the destination has no availability zone {zone!r}, in which {len(servers)} server(s) are",
                f"Map it with policy.availability_zones, or make it: 'openstack aggregate create --zone {zone} NAME'.",
            )
