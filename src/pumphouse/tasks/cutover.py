"""The cutover of one workload, action by action; each can be repeated, and has its undoing beside it."""

from contextlib import nullcontext
from typing import Any

from pumphouse.errors import CloudError, Overlimit
from pumphouse.kinds import KINDS, floating_ip, server
from pumphouse.kinds.image import MARK
from pumphouse.model import Item, Step
from pumphouse.plan.changes import remembered
from pumphouse.plan.select import answers_for
from pumphouse.ports import Cloud
from pumphouse.tasks.capture import capture_server
from pumphouse.tasks.disks import undo_volume
from pumphouse.tasks.ensure import activate, fill
from pumphouse.tasks.run import Run, Told

# Facts about the capture, not about the disk: they would mislead in the new image.
OF_THE_CAPTURE = (
    "instance_uuid",
    "image_location",
    "image_state",
    "image_type",
    "base_image_ref",
    "boot_roles",
    "locked_reason",
)
OF_OTHER_IDS = ("user_id", "owner_id", "owner_user_name", "owner_project_name")
GIB = 1 << 30
LOCKED = "moved to another cloud by Pumphouse"


def root_key(item: Item) -> str:
    """Key of the image that a server's captured root disk becomes."""
    return f"image:root-{item.id}"


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
        status = cloud.get("compute", f"/servers/{item.id}")["server"]["status"]
        if status == "ACTIVE":
            _refuse_twice(row, step)
            run.temporaries.drop(step.key, cloud.role)  # captured before somebody started it again
            server.act(cloud, item.id, "os-stop")
            server.wait(cloud, run.ports.clock, item.id, "SHUTOFF", run.policy.timeouts.server)
            run.ports.publish("source.stopped", step.key)
        _lock(run, item)


def _refuse_twice(row: Any, step: Step) -> None:
    if row and row.state == "created":
        raise CloudError(
            f"server {step.name!r} ({step.key.partition(':')[2]}) was started again at the source while its "
            f"counterpart {row.destination_id} exists",
            f"Decide which one lives: 'pumphouse rollback server {step.key.partition(':')[2]}' removes the new one.",
        )


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
    status = cloud.get("compute", f"/servers/{identifier}")["server"]["status"]
    if row.data["status"] == "ACTIVE" and status == "SHUTOFF":
        server.act(cloud, identifier, "os-start")
        server.wait(cloud, run.ports.clock, identifier, "ACTIVE", run.policy.timeouts.server)
        run.ports.publish("source.started", key)


# --- root disk ----------------------------------------------------------------------------------
def move_root(run: Run, step: Step) -> None:
    """Capture the root disk of an image-booted server and copy it into an image of its project."""
    item = run.item(step.key)
    if not item.observed["image_id"]:
        return
    key = root_key(item)
    part = Step(key, "image", f"{item.name} root disk", step.project, step.action)
    row = run.row(key)
    if row and row.state == "done" and run.ports.destination.find("image", f"/images/{row.destination_id}"):
        return
    with Told(run, part, "capture", step.key):
        captured = capture_server(run, "source", item.id, step.key, item.id)
    with Told(run, part, "transfer", step.key):
        identifier = row.destination_id if row else None
        if identifier is None or run.ports.destination.find("image", f"/images/{identifier}") is None:
            identifier = _create_root_image(run, item, captured, key)
        fill(run, part, captured["id"], identifier, step.key)
        run.ports.ledger.done(key)
    run.temporaries.drop(step.key, "source")


def _create_root_image(run: Run, item: Item, captured: dict[str, Any], key: str) -> str:
    """Nova needs it as long as the server lives (rebuild, resize): private, hidden, the project's own."""
    properties = {
        name: value
        for name, value in KINDS["image"].item(captured).fields["properties"].items()  # type: ignore[union-attr]
        if name not in OF_THE_CAPTURE and name not in OF_OTHER_IDS
    }
    cloud = run.ports.destination
    found = list(cloud.pages("image", "/images", "images", os_hidden="true", **{MARK: item.id}))
    if found:
        identifier = str(found[0]["id"])
    else:
        run.ports.ledger.intend(key, "image", f"{item.name} root disk")
        body = {
            **properties,
            MARK: item.id,
            "name": f"{item.name} root disk",
            "owner": run.lookup("project", item.project_id or ""),
            "visibility": "private",
            "os_hidden": True,
            "disk_format": captured["disk_format"],
            "container_format": captured["container_format"],
            "min_disk": captured["min_disk"],
            "min_ram": captured["min_ram"],
        }
        identifier = str(cloud.post("image", "/images", body)["id"])
    run.ports.ledger.created(key, identifier)
    return identifier


def undo_root(run: Run, key: str) -> None:
    """Remove the image made for a server."""
    row = run.row(key)
    if row and row.how == "created":
        if row.destination_id:
            KINDS["image"].delete(run.ports.destination, row.destination_id)
        run.ports.ledger.forget(key)


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


def close(run: Run, step: Step) -> None:
    """The workload has arrived: nothing temporary of it is left."""
    with run.say(step, "cleanup"):
        run.temporaries.drop(step.key)
        root, row = run.row(root_key(run.item(step.key))), run.row(step.key)
        if root and root.destination_id and row and row.data.get("root_volume"):
            KINDS["image"].delete(run.ports.destination, root.destination_id)
        run.ports.ledger.note(step.key, carried=remembered(KINDS["server"], run.want(run.item(step.key))))
        run.ports.ledger.done(step.key)


def undo_workload(run: Run, key: str, volumes: tuple[str, ...]) -> None:
    """Everything of a server's cutover undone; the destination goes down before the source comes up."""
    row = run.row(key)
    undo_server(run, key)
    for volume in volumes:
        undo_volume(run, volume)
    if row:
        undo_root(run, f"image:root-{row.source_id}")
    run.temporaries.drop(key)
    restart(run, key)
    run.ports.ledger.forget(key)
