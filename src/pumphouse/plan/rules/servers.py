"""Rules about servers."""

from pumphouse.kinds.server import STATES
from pumphouse.model import Action
from pumphouse.plan.owner import owner_is_kept
from pumphouse.plan.rules.view import BLOCK, NOTE, WARN, Found, View, rule, said


@rule("server-state", BLOCK)
def _server_state(view: View) -> Found:
    """Servers in a state from which they cannot be moved, or busy."""
    for item in view.to_do("server"):
        status, task = item.observed["status"], item.observed["task_state"]
        if status not in STATES:
            why = f": {item.observed['fault']}" if item.observed["fault"] else ""
            yield (
                item.key,
                f"{said(item)} is in status {status}{why}",
                (f"Bring it to one of {', '.join(STATES)} at the source, or exclude it."),
            )
        elif task and not view.started(item):
            yield item.key, f"{said(item)} is busy ({task})", "Wait for it, then plan again."


@rule("server-local-disks", BLOCK, acceptable=True)
def _local_disks(view: View) -> Found:
    """Servers with ephemeral or swap disks, whose data no API can read."""
    for item in view.to_do("server"):
        disks = [
            f"{item.observed[n]} {unit} {word}"
            for n, unit, word in (("ephemeral_gb", "GiB", "ephemeral disk"), ("swap_mb", "MiB", "swap"))
            if item.observed[n]
        ]
        if disks:
            yield (
                item.key,
                f"{said(item)} has {' and '.join(disks)}, which no API can read",
                ("Copy what is on it to a volume inside the guest and resize to a flavor without it."),
            )


@rule("server-flavor-gone", BLOCK)
def _flavor_gone(view: View) -> Found:
    """Servers whose flavor was deleted at the source."""
    for item in view.to_do("server"):
        if item.fields["flavor_id"] is None:
            yield (
                item.key,
                f"{said(item)}: its flavor {item.observed['flavor_name']!r} was deleted",
                ("Make a flavor of this name again at the source, or resize the server."),
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
    """Anti-affinity groups with more servers than the destination has hypervisors."""
    for step in view.steps:
        group = view.source.by_key(step.key)
        if step.kind != "server_group" or group is None or view.hosts is None:
            continue
        members = [s for s in view.to_do("server") if s.fields["server_group_id"] == group.id]
        if group.fields["policy"] == "anti-affinity" and len(members) > len(view.hosts):
            yield (
                members[-1].key,
                (
                    f"{said(members[-1])} is in server group {group.name!r}, whose {len(members)} servers must be on "
                    f"hosts of their own; the destination has {len(view.hosts)}"
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
