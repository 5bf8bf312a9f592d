"""What a volume of the destination holds: made of an image, changed to another, read back."""

from typing import Any

from pumphouse.errors import Mismatch
from pumphouse.kinds import KINDS, volume
from pumphouse.model import Item
from pumphouse.ports import About, Cloud
from pumphouse.tasks.run import Run
from pumphouse.tasks.temporaries import PREFIX


def temporary_image(run: Run, item: Item, captured: dict[str, Any], label: str) -> str:
    """An image of the volume's project, so that its user may make a volume of it.

    :param item: the volume.
    :param captured: the image at the source.
    :param label: makes the name unique.
    """
    name = f"{PREFIX}{label}-image"

    def make() -> str:
        body = {
            "name": name,
            "owner": run.lookup("project", item.project_id or ""),
            "visibility": "private",
            "disk_format": captured["disk_format"],
            "container_format": captured["container_format"],
        }
        return str(run.ports.destination.post("image", "/images", body)["id"])

    return run.temporaries.ensure(item.key, "destination", "image", name, make)


def make_volume(run: Run, item: Item, image: str, size: int) -> str:
    """The volume in the destination, made of an image unless a run before made it.

    :param size: GiB.
    """
    ledger, cloud = run.ports.ledger, run.ports.destination
    identifier = made_volume(run, item)
    if identifier is None:
        ledger.note(item.key, creating=True)

        def make(actor: Cloud, _: bool) -> str:
            want = {**run.want(item), "image_id": image, "size": size}
            return KINDS["volume"].create(actor, want, item)

        identifier = run.actors.perform(item, make)
    ledger.created(item.key, identifier)
    volume.wait(cloud, run.ports.clock, f"/volumes/{identifier}", "volume", run.policy.timeouts.volume)
    return identifier


def made_volume(run: Run, item: Item) -> str | None:
    """The volume that a run before made, when it is still there."""
    cloud, row = run.ports.destination, run.row(item.key)
    identifier = row.destination_id if row and row.state == "created" else None
    if identifier is None and row and row.data.get("creating"):
        identifier = volume.find_marked(cloud, item.id)
    return identifier if identifier and cloud.find("block-storage", f"/volumes/{identifier}") else None


def put_content(run: Run, item: Item, image: str, size: int) -> str:
    """The volume in the destination with the content of an image, whatever it held before.

    A volume is grown first, never shrunk: a snapshot is as large as its volume was at the time. Changing the
    content keeps the snapshots that there are (``os-reimage``, block storage microversion 3.68).

    :param size: GiB.
    """
    cloud, clock, timeout = run.ports.destination, run.ports.clock, run.policy.timeouts.volume
    identifier = made_volume(run, item)
    if identifier is None:
        return make_volume(run, item, image, size)
    run.ports.ledger.created(item.key, identifier)
    path = f"/volumes/{identifier}"

    def idle() -> dict[str, Any] | None:  # a killed run may have left one under way, or half done
        body: dict[str, Any] = cloud.get("block-storage", path)["volume"]
        return body if body["status"] in ("available", "error") else None

    body = clock.wait(f"{cloud.role} volume {identifier} to be idle", timeout, idle)
    if body["size"] < size:
        cloud.post("block-storage", f"{path}/action", {"os-extend": {"new_size": size}})
        volume.wait(cloud, clock, path, "volume", timeout)
    cloud.post("block-storage", f"{path}/action", {"os-reimage": {"image_id": image}})
    volume.wait(cloud, clock, path, "volume", timeout)
    return identifier


def compare_content(run: Run, about: About, name: str, image: dict[str, Any], content: str) -> None:
    """Read an image of the destination to its end, and note that it is what it should be.

    :param content: see :class:`pumphouse.ports.Copied`.
    :raises Mismatch: when it is not.
    """
    read = run.ports.transfer.read(run.ports.destination, image["id"], int(image["size"]), about)
    if read.content != content:
        raise Mismatch(
            f"{about.key.partition(':')[0].replace('_', ' ')} {name!r}: the data read back from the destination is "
            "not what was read at the source",
            f"sha256 {read.content[:16]}... against {content[:16]}...; run the same command again.",
        )
    run.ports.ledger.note(about.key, proven=True)
