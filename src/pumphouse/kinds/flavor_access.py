"""Which projects may use a private flavor."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pumphouse.errors import Conflict, Missing
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref
from pumphouse.server_body import DELETED


class FlavorAccess(Kind):
    """Comes along when both the flavor and the project do."""

    name = "flavor_access"
    api = Api("compute", "/flavors", "flavor_access", "flavor_access")
    refs = (Ref("flavor", "flavor_id"), Ref("project", "project_id"))
    portable = ("flavor_id", "project_id")
    identity = ("flavor_id", "project_id")
    companion_of = ("flavor_id", "project_id")
    reads_after = ("flavor", "project")
    grants = True
    left_at_source = "goes with its flavor"

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each private flavor."""
        projects = {p.id: p.name for p in found["project"]}
        for flavor in found["flavor"]:
            if flavor.fields["os-flavor-access:is_public"]:
                continue
            path = f"/flavors/{flavor.id}/os-flavor-access"
            for body in cloud.get("compute", path)["flavor_access"]:
                project = body["tenant_id"]
                yield Item(
                    self.name,
                    f"{flavor.id}/{project}",
                    f"{flavor.name} for {projects.get(project, project)}",
                    project,
                    {"flavor_id": flavor.id, "project_id": project},
                )

    def implied(self, found: Found) -> Iterator[Item]:
        """To a deleted flavor, for the projects that still have servers of it."""
        projects = {p.id: p.name for p in found["project"]}
        pairs = {
            (s.fields["flavor_id"], s.project_id): s.observed["flavor"]["original_name"]
            for s in found["server"]
            if (s.fields["flavor_id"] or "").startswith(DELETED)
        }
        for (flavor, project), name in pairs.items():
            label = f"{name} for {projects.get(project or '', project)}"
            fields = {"flavor_id": flavor, "project_id": project}
            yield Item(self.name, f"{flavor}/{project}", label, project, fields)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Having it already is success."""
        body = {"addTenantAccess": {"tenant": want["project_id"]}}
        with suppress(Conflict):
            cloud.post("compute", f"/flavors/{want['flavor_id']}/action", body)
        return f"{want['flavor_id']}/{want['project_id']}"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Not having it is success."""
        flavor, project = identifier.rsplit("/", 1)
        with suppress(Missing, Conflict):
            cloud.post("compute", f"/flavors/{flavor}/action", {"removeTenantAccess": {"tenant": project}})
