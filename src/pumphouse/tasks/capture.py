"""A disk of either cloud as an image in it: what a transfer copies, and what verification reads."""

from typing import Any

from pumphouse.errors import CloudError
from pumphouse.kinds import server, volume
from pumphouse.ports import Cloud
from pumphouse.server_body import SHELVED, shelve_images
from pumphouse.tasks.run import Run
from pumphouse.tasks.temporaries import PREFIX


def capture_server(run: Run, role: str, identifier: str, owner: str, label: str) -> dict[str, Any]:
    """The root disk of an image-booted server, as an image of the administrator's project.

    That of a shelved one is an image already, which stays.

    :param label: makes the name of the temporary image unique.
    :return: the image.
    """
    cloud, name = run.ports.cloud(role), f"{PREFIX}{label}-image"
    if cloud.get("compute", f"/servers/{identifier}")["server"]["status"] in SHELVED:
        return _shelved(cloud, identifier)

    def make() -> str:
        answer = server.act(cloud, identifier, "createImage", {"name": name, "metadata": {}})
        if answer and answer.get("image_id"):
            return str(answer["image_id"])
        found = list(cloud.pages("image", "/images", "images", name=name))  # before microversion 2.45
        return str(found[0]["id"])

    image = run.temporaries.ensure(owner, role, "image", name, make)
    body = wait_image(run, cloud, image)
    _wait_idle(run, cloud, identifier)
    return body


def _shelved(cloud: Cloud, identifier: str) -> dict[str, Any]:
    found = shelve_images(cloud, identifier)
    if len(found) != 1:
        raise CloudError(
            f"{cloud.role}: shelved server {identifier} has {len(found)} images named '...-shelved', so its root "
            "disk cannot be told",
            "Unshelve it, or remove the images of this name that are not its own.",
        )
    return found[0]


def capture_volume(
    run: Run, role: str, identifier: str, size: int, owner: str, label: str, *, direct: bool
) -> dict[str, Any]:
    """A volume as an image of the administrator's project.

    Cinder uploads volumes that are not in use only; one in use goes by a snapshot and a volume made of it
    (``enable_force_upload`` is off by default, and its absence is not told).

    :param size: GiB.
    :param direct: the volume is not in use.
    """
    if not direct:
        snapshot = take_snapshot(run, role, identifier, owner, label)
        identifier = _volume_of(run, role, snapshot, size, owner, label)
    return _upload(run, role, identifier, owner, label)


def capture_snapshot(run: Run, role: str, snapshot: str, size: int, owner: str, label: str) -> dict[str, Any]:
    """A snapshot of a volume as an image of the administrator's project."""
    return _upload(run, role, _volume_of(run, role, snapshot, size, owner, label), owner, label)


def take_snapshot(run: Run, role: str, identifier: str, owner: str, label: str) -> str:
    """A temporary snapshot of a volume, in the administrator's project, ready to be used."""
    cloud, name = run.ports.cloud(role), f"{PREFIX}{label}-snapshot"

    def make() -> str:
        body = {"snapshot": {"volume_id": identifier, "name": name, "force": True}}
        return str(cloud.post("block-storage", "/snapshots", body)["snapshot"]["id"])

    snapshot = run.temporaries.ensure(owner, role, "snapshot", name, make)
    timeout = run.policy.timeouts.volume
    volume.wait(cloud, run.ports.clock, f"/snapshots/{snapshot}", "snapshot", timeout)
    return snapshot


def _volume_of(run: Run, role: str, snapshot: str, size: int, owner: str, label: str) -> str:
    cloud, name = run.ports.cloud(role), f"{PREFIX}{label}-volume"

    def make() -> str:
        # Train takes the default type where none is told, and then refuses it when the snapshot has another.
        origin = cloud.get("block-storage", f"/snapshots/{snapshot}")["snapshot"]["volume_id"]
        kind = cloud.get("block-storage", f"/volumes/{origin}")["volume"].get("volume_type")
        body = {
            "snapshot_id": snapshot,
            "name": name,
            "size": size,
            **({"volume_type": kind} if kind else {}),
        }
        return str(cloud.post("block-storage", "/volumes", {"volume": body})["volume"]["id"])

    made = run.temporaries.ensure(owner, role, "volume", name, make)
    volume.wait(cloud, run.ports.clock, f"/volumes/{made}", "volume", run.policy.timeouts.volume)
    return made


def _upload(run: Run, role: str, identifier: str, owner: str, label: str) -> dict[str, Any]:
    cloud, name = run.ports.cloud(role), f"{PREFIX}{label}-image"

    def make() -> str:
        request = {"image_name": name, "disk_format": "raw", "container_format": "bare", "force": False}
        path = f"/volumes/{identifier}/action"
        answer = cloud.post("block-storage", path, {"os-volume_upload_image": request})
        return str(answer["os-volume_upload_image"]["image_id"])

    image = run.temporaries.ensure(owner, role, "image", name, make)
    body = wait_image(run, cloud, image)
    volume.wait(cloud, run.ports.clock, f"/volumes/{identifier}", "volume", run.policy.timeouts.volume)
    return body


def wait_image(run: Run, cloud: Cloud, image: str) -> dict[str, Any]:
    """Wait until an image has its data.

    :raises CloudError: when the capture failed: the service removes or kills the image then.
    """

    def poll() -> dict[str, Any] | None:
        body: dict[str, Any] = cloud.get("image", f"/images/{image}")
        if body["status"] in ("killed", "deleted", "deactivated"):
            raise CloudError(f"{cloud.role}: image {body['name']!r} ({image}) ended as {body['status']}")
        return body if body["status"] == "active" else None

    return run.ports.clock.wait(f"{cloud.role} image {image} to be active", run.policy.timeouts.image, poll)


def _wait_idle(run: Run, cloud: Cloud, identifier: str) -> None:
    """Nova ends the task a moment after the image is active."""

    def poll() -> bool | None:
        body = cloud.get("compute", f"/servers/{identifier}")["server"]
        return None if body.get("OS-EXT-STS:task_state") else True

    run.ports.clock.wait(f"{cloud.role} server {identifier} to be idle", run.policy.timeouts.server, poll)
