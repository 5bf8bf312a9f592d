"""Rules about servers."""

from typing import Any

from pumphouse.kinds.server import STATES
from pumphouse.model import Action, Item
from pumphouse.plan.inforce import decided
from pumphouse.plan.owner import owner_is_kept
from pumphouse.plan.rules.view import BLOCK, NOTE, WARN, Found, View, rule, said
from pumphouse.server_body import SHELVED

REMEDIES = {  # how to get out of a state that cannot be brought back, at the source
    "RESCUE": "openstack server unrescue ID",
    "VERIFY_RESIZE": "openstack server resize confirm ID (or: revert)",
    "ERROR": "openstack server set --state active ID, once what failed is repaired",
}


@rule("server-state", BLOCK)
def _server_state(view: View) -> Found:
    """A server is in a state that cannot be brought back in the destination, or is busy."""
    for item in view.to_do("server"):
        status, task = item.observed["status"], item.observed["task_state"]
        if status not in STATES:
            why = f": {item.observed['fault']}" if item.observed["fault"] else ""
            way = REMEDIES.get(status, "").replace("ID", item.id)
            remedy = (
                f"At the source: {way}; or exclude it." if way else "Wait until it is done, or exclude it."
            )
            yield item.key, f"{said(item)} is in status {status}{why}", remedy
        elif task and not view.started(item):
            yield item.key, f"{said(item)} is busy ({task})", "Wait for it, then plan again."


@rule("server-memory", WARN)
def _memory(view: View) -> Found:
    """A server is paused or suspended: what is in its memory cannot be carried."""
    for item in view.to_do("server"):
        status = item.observed["status"]
        if status in ("PAUSED", "SUSPENDED"):
            yield (
                item.key,
                f"{said(item)} is {status}: its memory stays behind; it arrives booted from its disk as after a power "
                f"cut, then {status.lower()} again",
                "Resume and shut it down at the source first, if its guest has unsaved work. The original keeps its "
                "memory until 'commit'.",
            )


@rule("server-shelve-image", BLOCK)
def _shelve_image(view: View) -> Found:
    """A shelved server's root disk is an image of its own, which cannot be told."""
    for item in view.to_do("server"):
        count = len(item.observed["shelve_images"])
        if item.observed["status"] in SHELVED and item.observed["image_id"] and count != 1:
            yield (
                item.key,
                f"{said(item)} is shelved, and {count} images may be its root disk ('...-shelved')",
                "Unshelve it, or remove the images of this name that are not its own.",
            )


@rule("server-shelved-volumes", BLOCK)
def _shelved_volumes(view: View) -> Found:
    """A shelved server has volumes: Cinder keeps them reserved, and copies none of those (no call allows it)."""
    for item in view.to_do("server"):
        if item.observed["status"] in SHELVED and item.fields["volumes"]:
            yield (
                item.key,
                f"{said(item)} is shelved, and has {len(item.fields['volumes'])} volume(s), which cannot be copied "
                "while it is",
                f"At the source: openstack server unshelve {item.id}, then stop it; or exclude it.",
            )


@rule("server-local-disks", BLOCK, acceptable=True)
def _local_disks(view: View) -> Found:
    """A server has ephemeral disks or swap, which no API can read: they arrive empty."""
    for item in view.to_do("server"):
        disks = [
            f"{item.observed[n]} {unit} {word}"
            for n, unit, word in (("ephemeral_gb", "GiB", "ephemeral disk"), ("swap_mb", "MiB", "swap"))
            if item.observed[n]
        ]
        if disks:
            yield (
                item.key,
                f"{said(item)} has {' and '.join(disks)}, which no API can read: the server gets them empty",
                ("Copy what is on it to a volume inside the guest, or accept the loss."),
            )


@rule("server-flavor-gone", BLOCK)
def _flavor_gone(view: View) -> Found:
    """A server's flavor was deleted, and the source is too old to tell what it was like (before Pike)."""
    for item in view.to_do("server"):
        if item.fields["flavor_id"] is None:
            yield (
                item.key,
                f"{said(item)}: its flavor {item.observed['flavor_name']!r} was deleted",
                ("Make a flavor of this name again at the source, or resize the server."),
            )


@rule("server-flavor-changed", WARN)
def _flavor_changed(view: View) -> Found:
    """The extra specs of a flavor were changed since its server was made."""
    for item in view.to_do("server"):
        flavor = view.source.get("flavor", item.fields["flavor_id"])
        specs = item.observed["flavor"].get("extra_specs")
        if flavor and specs is not None and specs != flavor.fields["extra_specs"]:
            yield (
                item.key,
                f"{said(item)} was made with other extra specs of flavor {flavor.name!r} than this has now, and gets "
                "the present ones",
                "Nothing to do, unless the guest depends on the old ones; they are in 'openstack server show'.",
            )


@rule("server-zone", BLOCK)
def _zone(view: View) -> Found:
    """The availability zone that a server goes to has no host in the destination."""
    zones = {host.zone for host in view.hosts or ()} - {""}
    applied = (decided(item, view.source, view.policy) for item in view.to_do("aggregate"))
    zones |= {str(aggregate["availability_zone"]) for aggregate in applied if zones and aggregate["hosts"]}
    for item in view.to_do("server"):
        zone = _decided(view, item)["availability_zone"]
        if zone and zones and zone not in zones:
            yield (
                item.key,
                f"{said(item)} goes to availability zone {zone!r}, where the destination has no host",
                f"Name one that has under policy.availability_zones: {', '.join(sorted(zones))}.",
            )


@rule("server-host", BLOCK)
def _host(view: View) -> Found:
    """The host that policy chooses for a server is not among those of the destination."""
    hosts = {host.name for host in view.hosts or ()}
    for item in view.to_do("server"):
        host = _decided(view, item)["host"]
        if host and hosts and host not in hosts:
            yield (
                item.key,
                f"{said(item)} goes to host {host!r} by policy.hosts, which the destination does not have, or not up",
                f"Name one of: {', '.join(sorted(hosts))}.",
            )


@rule("server-host-owner", WARN)
def _host_owner(view: View) -> Found:
    """Policy chooses the host of a server, which only administrators may: it belongs to the administrator's user."""
    for item in view.to_do("server"):
        host = _decided(view, item)["host"]
        if host and (view.hosts is None or host in {h.name for h in view.hosts}):
            yield (
                item.key,
                f"{said(item)} goes to host {host!r}, and will belong to the administrator's user",
                "Leave its host out of policy.hosts, if someone counts on the user of the server.",
            )


@rule("server-root-type", BLOCK)
def _root_type(view: View) -> Found:
    """Root disks become volumes of a type that the destination does not have."""
    names = {kind.name for kind in view.destination.of("volume_type")}
    for item in view.to_do("server"):
        name = (_decided(view, item).get("root_volume") or {}).get("volume_type")
        if name and name not in names:
            yield (
                item.key,
                f"{said(item)}: its root disk becomes a volume of type {name!r}, which the destination does not have",
                f"Name one of these under policy.boot_root_type: {', '.join(sorted(names))}.",
            )


def _decided(view: View, item: Item) -> dict[str, Any]:
    return decided(item, view.source, view.policy)


@rule("server-certificates", WARN)
def _certificates(view: View) -> Found:
    """A server was made with trusted image certificates."""
    for item in view.to_do("server"):
        if names := item.observed["trusted_certificates"]:
            yield (
                item.key,
                f"{said(item)} arrives without its trusted image certificates ({', '.join(names)}): its captured disk "
                "is not the image they vouched for",
                "Name the destination's certificates when the server is rebuilt there.",
            )


@rule("server-hints", WARN)
def _hints(view: View) -> Found:
    """A server was made with scheduler hints that name other servers."""
    for item in view.to_do("server"):
        if names := item.observed["server_hints"]:
            yield (
                item.key,
                f"{said(item)} arrives without its scheduler hints {' and '.join(names)}: they name servers of the "
                "source",
                "Put the servers into a server group, which is carried, if they have to stay apart or together.",
            )


@rule("server-key-gone", WARN)
def _key_gone(view: View) -> Found:
    """Servers whose keypair was deleted at the source."""
    for item in view.to_do("server"):
        if item.observed["key_gone"]:
            yield (
                item.key,
                f"{said(item)} arrives without key: its user no longer has keypair {item.observed['key_gone']!r}",
                "Nothing to do, unless the server is rebuilt and needs the key anew.",
            )


@rule("server-owner", WARN)
def _owner(view: View) -> Found:
    """Servers, volumes and server groups that cannot be made by their own user."""
    for kind in ("server_group", "volume", "server"):
        for item in view.to_do(kind):
            why = owner_is_kept(item, view.source, view.steps, view.rows, view.destination)
            if why:
                yield (
                    item.key,
                    f"{said(item)} will belong to the administrator's user: {why}",
                    ("Nothing to do, unless someone counts on the user of the server or volume."),
                )


@rule("server-new-id", NOTE)
def _new_id(view: View) -> Found:
    """Servers that get new ids, so that cloud-init takes them for new ones."""
    count = len(list(view.to_do("server")))
    if count:
        yield (
            "",
            f"{count} server(s) get new ids, so cloud-init runs its once-per-instance part again",
            ("Make sure that the user data may run twice."),
        )


@rule("server-group-hosts", BLOCK)
def _group_hosts(view: View) -> Found:
    """Anti-affinity groups with more servers than may be on the destination's hypervisors."""
    for step in view.steps:
        group = view.source.by_key(step.key)
        if step.kind != "server_group" or group is None or view.hosts is None:
            continue
        members = [s for s in view.to_do("server") if s.fields["server_group_id"] == group.id]
        per_host = int(group.fields["rules"].get("max_server_per_host", 1))
        if group.fields["policy"] == "anti-affinity" and len(members) > len(view.hosts) * per_host:
            yield (
                members[-1].key,
                (
                    f"{said(members[-1])} is in server group {group.name!r}, of whose {len(members)} servers no more "
                    f"than {per_host} may share a host; the destination has {len(view.hosts)} hypervisor(s)"
                ),
                "Add hypervisors to the destination, or move fewer of them.",
            )


@rule("port-in-use", BLOCK)
def _port_in_use(view: View) -> Found:
    """Servers whose port's counterpart is in use in the destination."""
    reused = {s.key: s.destination_id for s in view.steps if s.kind == "port" and s.action is Action.REUSE}
    for server in view.to_do("server"):
        if view.rows.get(server.key) and view.rows[server.key].destination_id:
            continue
        for port in server.fields["ports"]:
            there = view.destination.get("port", reused.get(f"port:{port}"))
            if there and there.observed["device_id"] and not view.started(server):
                yield (
                    server.key,
                    f"{said(server)}: its port's counterpart {there.id} is in use already",
                    (
                        "Was it moved with another ledger? Use that ledger, or remove the server in the destination."
                    ),
                )
