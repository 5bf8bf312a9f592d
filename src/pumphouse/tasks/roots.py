"""The root disk of an image-booted server: captured, and copied into an image of its project."""

from typing import Any

from pumphouse.kinds import KINDS
from pumphouse.kinds.image import MARK
from pumphouse.model import Item, Step
from pumphouse.tasks.capture import capture_server
from pumphouse.tasks.ensure import fill
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


def root_key(item: Item) -> str:
    """Key of the image that a server's captured root disk becomes."""
    return f"image:root-{item.id}"


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
