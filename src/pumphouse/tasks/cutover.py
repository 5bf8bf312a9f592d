"""The cutover of one workload, action by action; each can be repeated, and has its undoing beside it."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext

from pumphouse.errors import CloudError, Overlimit
from pumphouse.kinds import KINDS, floating_ip, server
from pumphouse.model import Item, Step
from pumphouse.plan.changes import remembered
from pumphouse.plan.select import answers_for
from pumphouse.ports import Cloud
from pumphouse.tasks.disks import undo_volume
from pumphouse.tasks.ensure import activate
from pumphouse.tasks.roots import root_key, undo_root
from pumphouse.tasks.run import Run

GIB = 1 << 30
LOCKED = "moved to another cloud by Pumphouse"


# --- stop ---------------------------------------------------------------------------------------
def stop(run: Run, step: Step) -> None:
    """Take the server out of service at the source, for good until rollback; its state is noted first."""
    item, ledger, cloud = run.item(step.key), run.ports.ledger, run.ports.source
    with run.say(step, "stop"):
        row = run.row(step.key)
        if row is None or "status" not in row.data:
            if row is None or row.state not in ("created",):
                ledger.intend(step.key, step.kind, step.name)
            ledger.note(step.key, status=item.observed["status"], locked=item.observed["locked"])
        if _status(run, item.id) == "ACTIVE":
            server.act(cloud, item.id, "os-stop")
            server.wait(cloud, run.ports.clock, item.id, "SHUTOFF", run.policy.timeouts.server)
            run.ports.publish("source.stopped", step.key)
        _lock(run, item)


def drop_outdated(run: Run, steps: Sequence[Step], volumes: Iterable[Step]) -> None:
    """What was copied is worthless once somebody has started one of the servers again at the source.

    :param volumes: of these servers.
    :raises CloudError: when one of them has a counterpart already, which goes with the rest of the workload then.
    """
    rows = [row for step in steps if (row := run.row(step.key)) and "status" in row.data]
    again = [row for row in rows if _status(run, row.source_id) == "ACTIVE"]
    if not again:
        return
    for row in rows:
        if row.state == "created" or row.data.get("creating"):
            raise CloudError(
                f"server {again[0].name!r} ({again[0].source_id}) was started again at the source while there was a "
                f"counterpart of {row.name!r}, which was removed",
                "Run the same command to move it anew.",
            )
    for volume in volumes:
        undo_volume(run, volume.key)
    for row in rows:
        undo_root(run, f"image:root-{row.source_id}")
        run.temporaries.drop(row.key)


def _status(run: Run, identifier: str) -> str:
    return str(run.ports.source.get("compute", f"/servers/{identifier}")["server"]["status"])


def _lock(run: Run, item: Item) -> None:
    """So that its users do not start it beside its counterpart; administrators still can."""
    if not run.policy_of(item.key).lock_source or item.observed["locked"]:
        return
    run.ports.ledger.note(item.key, locked_by_us=True)
    reason = {"locked_reason": LOCKED} if run.ports.source.supports("compute", "2.73") else None
    server.act(run.ports.source, item.id, "lock", reason)


def restart(run: Run, key: str) -> None:
    """Give the server back to the source, in the state it was found in."""
    row = run.row(key)
    if row is None or "status" not in row.data:
        return
    cloud, identifier = run.ports.source, row.source_id
    if cloud.find("compute", f"/servers/{identifier}") is None:
        return
    if row.data.get("locked_by_us"):
        server.act(cloud, identifier, "unlock")
    if row.data["status"] == "ACTIVE" and _status(run, identifier) == "SHUTOFF":
        server.act(cloud, identifier, "os-start")
        server.wait(cloud, run.ports.clock, identifier, "ACTIVE", run.policy.timeouts.server)
        run.ports.publish("source.started", key)


# --- server -------------------------------------------------------------------------------------
def create_server(run: Run, step: Step) -> None:
    """Make the server around its ports and disks, and point its floating IPs at it."""
    item, ledger, cloud = run.item(step.key), run.ports.ledger, run.ports.destination
    with run.say(step, "create_server"):
        row = run.row(step.key)
        identifier = row.destination_id if row and row.state == "created" else None
        if identifier is None and row and row.data.get("creating"):
            identifier = server.find_marked(cloud, item.id)
        if identifier is None:
            as_volume = bool(run.want(item).get("root_volume"))
            ledger.note(step.key, creating=True, root_volume=as_volume)
            identifier = run.actors.perform(item, lambda actor, own: _create(run, item, actor, own))
        ledger.created(step.key, identifier)
        # A run that was killed after it had settled the server left it in the state it was found in.
        settled, timeout = str(row.data.get("status") if row else ""), run.policy.timeouts.server
        server.wait(cloud, run.ports.clock, identifier, "ACTIVE", timeout, also=settled)
        for address in _floating_ips(run, item):
            activate(run, address)
    stopped = row.data.get("status") if row else None
    if stopped == "ACTIVE":
        run.ports.publish("destination.up", step.key)


def _create(run: Run, item: Item, actor: Cloud, own: bool) -> str:
    want = run.want(item)
    root = run.row(root_key(item))
    want["image_id"] = root.destination_id if root else None
    if want.get("root_volume"):
        want["root_volume"]["size"] = _gigabytes(run, item, want["image_id"])
    lent = run.actors.lend_keypair(item, run.source) if want["key_name"] and not own else nullcontext()
    try:
        with lent:
            return KINDS["server"].create(actor, want, item)
    except Overlimit as error:
        raise Overlimit(
            error.message, "Raise the project's quota in the destination.", error.status
        ) from None


def _gigabytes(run: Run, item: Item, image: str) -> int:
    """Size of a volume that holds a root disk; a flavor without one leaves it to the image."""
    body = run.ports.destination.get("image", f"/images/{image}")
    data = -(-int(body.get("virtual_size") or body["size"]) // GIB)
    return max(int(item.observed["root_gb"]), int(body["min_disk"]), data, 1)


def _floating_ips(run: Run, item: Item) -> list[Step]:
    ports = set(item.fields["ports"])
    return [
        step
        for step in run.plan.steps
        if step.kind == "floating_ip" and ports.intersection(answers_for(run.item(step.key)))
    ]


def undo_server(run: Run, key: str) -> None:
    """Remove the server in the destination; its ports stay, as they were before it."""
    row = run.row(key)
    if row is None or row.how != "created":
        return
    cloud = run.ports.destination
    identifier = row.destination_id
    if identifier is None and row.data.get("creating"):
        identifier = server.find_marked(cloud, row.source_id)
    if identifier:
        if (body := cloud.find("compute", f"/servers/{identifier}")) and body["server"].get("locked"):
            server.act(cloud, identifier, "unlock")
        root = server.root_volume(cloud, identifier) if row.data.get("root_volume") else None
        if root and cloud.supports("compute", "2.85"):
            server.delete_with_server(cloud, identifier, root, True)
        cloud.delete("compute", f"/servers/{identifier}")
        server.wait_gone(cloud, run.ports.clock, identifier, run.policy.timeouts.server)


def release_addresses(run: Run, step: Step) -> None:
    """Take the floating IPs off the ports again: the source answers for them from now on."""
    for address in _floating_ips(run, run.item(step.key)):
        row = run.row(address.key)
        if row and row.how == "created" and row.data.get("held") is False and row.destination_id:
            want = run.want(run.item(address.key))
            floating_ip.FloatingIp().release(run.ports.destination, row.destination_id, want)
            run.ports.ledger.note(address.key, held=True)


# --- afterwards ---------------------------------------------------------------------------------
def settle(run: Run, step: Step) -> None:
    """Tags, and the state the server was found in."""
    item, cloud = run.item(step.key), run.ports.destination
    row = run.row(step.key)
    assert row is not None and row.destination_id is not None
    with run.say(step, "settle"):
        KINDS["server"].finish(cloud, row.destination_id, run.want(item), item)
        _bring_to(run, item, row.destination_id, str(row.data["status"]))
        if row.data["locked"]:
            _lock_again(run, item, row.destination_id)


def _bring_to(run: Run, item: Item, identifier: str, wanted: str) -> None:
    """As its owner: the image that shelving makes belongs to whoever asks for it."""
    cloud, action, timeout = run.ports.destination, server.STATES[wanted], run.policy.timeouts.server
    status = cloud.get("compute", f"/servers/{identifier}")["server"]["status"]
    if action and status not in server.like(wanted):
        run.actors.perform(item, lambda actor, _: server.act(actor, identifier, action), makes=False)
        status = server.wait(cloud, run.ports.clock, identifier, wanted, timeout)["status"]
    if wanted == "SHELVED_OFFLOADED" and status == "SHELVED":
        server.act(cloud, identifier, "shelveOffload")
        server.wait(cloud, run.ports.clock, identifier, wanted, timeout)


def _lock_again(run: Run, item: Item, identifier: str) -> None:
    """By whom it was: an owner may unlock only what an owner has locked."""
    reason = item.observed["locked_reason"]
    told = run.ports.destination.supports("compute", "2.73")
    value = {"locked_reason": reason} if reason and told else None
    if item.observed["locked_by"] == "owner":
        run.actors.perform(item, lambda actor, _: server.act(actor, identifier, "lock", value), makes=False)
    else:
        server.act(run.ports.destination, identifier, "lock", value)


def close(run: Run, servers: Iterable[Step], volumes: Iterable[Step]) -> None:
    """The workload has arrived: nothing temporary of it is left, and all of it is done in one moment.

    A run that is killed before undoes, or goes on with, all of it; after, nothing is left to do.
    """
    servers = tuple(servers)
    for step in servers:
        with run.say(step, "cleanup"):
            run.temporaries.drop(step.key)
            root, row = run.row(root_key(run.item(step.key))), run.row(step.key)
            if root and root.destination_id and row and row.data.get("root_volume"):
                KINDS["image"].delete(run.ports.destination, root.destination_id)
            want = run.want(run.item(step.key))
            run.ports.ledger.note(step.key, carried=remembered(KINDS["server"], want))
    run.ports.ledger.done(*(step.key for step in (*servers, *volumes)))


def undo_workload(run: Run, servers: Sequence[str], volumes: Iterable[str]) -> None:
    """Everything of a cutover undone; the destination goes down before the source comes up.

    :param servers: keys. :param volumes: keys.
    """
    for key in servers:
        undo_server(run, key)
    for volume in volumes:
        undo_volume(run, volume)
    for key in servers:
        undo_root(run, f"image:root-{key.partition(':')[2]}")
        run.temporaries.drop(key)
    for key in servers:
        restart(run, key)
        run.ports.ledger.forget(key)
