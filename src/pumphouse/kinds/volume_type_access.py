"""Which projects may use a private volume type."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pumphouse.errors import Conflict, Missing
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

STORAGE = "block-storage"


class VolumeTypeAccess(Kind):
    """Comes along when both the type and the project do."""

    name = "volume_type_access"
    api = Api(STORAGE, "/types", "volume_type_access", "volume_type_access")
    refs = (Ref("volume_type", "volume_type"), Ref("project", "project_id"))
    portable = ("volume_type", "project_id")
    identity = ("volume_type", "project_id")
    companion_of = ("volume_type", "project_id")
    reads_after = ("volume_type", "project")
    grants = True
    left_at_source = "goes with its type"

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each private type."""
        projects = {p.id: p.name for p in found["project"]}
        for kind in found["volume_type"]:
            if kind.fields.get("os-volume-type-access:is_public", True):
                continue
            path = f"/types/{kind.observed['type_id']}/os-volume-type-access"
            for body in cloud.get(STORAGE, path)["volume_type_access"]:
                project = body["project_id"]
                yield Item(
                    self.name,
                    f"{kind.name}/{project}",
                    f"{kind.name} for {projects.get(project, project)}",
                    project,
                    {"volume_type": kind.name, "project_id": project},
                )

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Having it already, or a public type, is success."""
        self._act(cloud, "addProjectAccess", want["volume_type"], want["project_id"])
        return f"{want['volume_type']}/{want['project_id']}"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Not having it is success."""
        name, project = identifier.rsplit("/", 1)
        self._act(cloud, "removeProjectAccess", name, project)

    def _act(self, cloud: Cloud, action: str, name: str, project: str) -> None:
        for kind in cloud.pages(STORAGE, "/types", "volume_types", is_public="None"):
            if kind["name"] == name and not kind["os-volume-type-access:is_public"]:
                with suppress(Conflict, Missing):
                    cloud.post(STORAGE, f"/types/{kind['id']}/action", {action: {"project": project}})
