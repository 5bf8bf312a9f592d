"""A cloud with servers, volumes and images that do as they are told, at once; as much as a cutover needs."""

import itertools
from typing import Any

from fakes import Events, RecordingCloud

from pumphouse.errors import CloudError, Missing
from pumphouse.ports import About, Copied


class DiskCloud(RecordingCloud):
    """Answers from the table go before what it holds: so it is made to fail."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.servers: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.images: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def _ask(self, method: str, service: str, path: str, body: Any) -> Any:
        with self._lock:
            if (method, service, path) in self.answers:
                return super()._ask(method, service, path, body)
            self.calls.append((method, service, path, body))
            kind, *rest = path.strip("/").split("/")
            if kind in ("servers", "volumes", "snapshots", "images"):
                return getattr(self, f"_{kind}")(method, rest, body)
            if method == "GET":
                raise Missing(f"{path} is not there", status=404)
            return None

    def _new(self, store: dict[str, Any], **body: Any) -> dict[str, Any]:
        identifier = f"{self.role}-{next(self._numbers)}"
        store[identifier] = {"id": identifier, **body}
        return store[identifier]

    def _one(self, store: dict[str, Any], method: str, identifier: str) -> Any:
        if identifier not in store:
            raise Missing(f"{identifier} is not there", status=404)
        return store.pop(identifier) if method == "DELETE" else store[identifier]

    def _images(self, method: str, rest: list[str], body: Any) -> Any:
        if not rest and method == "POST":
            return self._new(self.images, **{"protected": False, **body, "status": "queued"})
        if not rest:
            wanted = {k: v for k, v in body.items() if k not in ("os_hidden", "limit")}
            return {"images": [i for i in self.images.values() if wanted.items() <= i.items()]}
        return self._one(self.images, method, rest[0])

    def _image(self, name: str, size: int) -> str:
        values = {"name": name, "size": size, "status": "active", "disk_format": "raw", "protected": False}
        values |= {"container_format": "bare", "min_disk": 0, "min_ram": 0, "os_hash_value": "h"}
        return str(self._new(self.images, **values)["id"])

    def _volumes(self, method: str, rest: list[str], body: Any) -> Any:
        if not rest:
            return {
                "volume": self._new(
                    self.volumes, bootable="false", **{**body["volume"], "status": "available"}
                )
            }
        if rest == ["detail"]:
            return {"volumes": list(self.volumes.values())}
        found = self._one(self.volumes, method, rest[0])
        if rest[1:] == ["action"] and "os-volume_upload_image" in body:
            image = self._image(body["os-volume_upload_image"]["image_name"], 1000)
            return {"os-volume_upload_image": {"image_id": image}}
        return {"volume": found}

    def _snapshots(self, method: str, rest: list[str], body: Any) -> Any:
        if not rest:
            return {"snapshot": self._new(self.snapshots, **{**body["snapshot"], "status": "available"})}
        return {"snapshot": self._one(self.snapshots, method, rest[0])}

    def _servers(self, method: str, rest: list[str], body: Any) -> Any:
        if not rest:
            return {"server": self._new(self.servers, **{**body["server"], "status": "ACTIVE"})}
        if rest == ["detail"]:
            return {
                "servers": [
                    s for s in self.servers.values() if body.get("tags") in (None, *s.get("tags", ()))
                ]
            }
        found = self._one(self.servers, method, rest[0])
        if rest[1:] == ["action"]:
            (action,) = body
            found["status"] = {"os-stop": "SHUTOFF", "os-start": "ACTIVE"}.get(action, found["status"])
            found["locked"] = {"lock": True, "unlock": False}.get(action, found.get("locked", False))
            if action == "createImage":
                return {"image_id": self._image(body["createImage"]["name"], 500)}
        return {"server": found}


class DiskTransfer:
    """Copies at once; of images with these names it fails."""

    def __init__(self, source: DiskCloud, destination: DiskCloud, *failing: str) -> None:
        self.source, self.destination, self.failing = source, destination, failing

    def copy(self, image: str, to: str, size: int, about: About) -> Copied:
        if about.key in self.failing:
            raise CloudError(f"{about.key}: the transfer broke")
        self.destination.images[to] |= {"status": "active", "size": size, "os_hash_value": "h"}
        return Copied(size, f"content of {about.key}", 0.1)

    def read(self, cloud: Any, image: str, size: int, about: About) -> Copied:
        return Copied(size, f"content of {about.key}", 0.1)


__all__ = ["DiskCloud", "DiskTransfer", "Events"]
