"""Roles that come with other roles."""

from collections.abc import Iterator
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref


class ImpliedRole(Kind):
    """Whoever has the prior role has the implied one too; comes along when both are migrated."""

    name = "implied_role"
    api = Api("identity", "/roles/{role_id}/implies", "role_inference", "role_inferences")
    refs = (Ref("role", "prior_role_id"), Ref("role", "implied_role_id"))
    portable = ("prior_role_id", "implied_role_id")
    identity = ("prior_role_id", "implied_role_id")
    companion_of = ("prior_role_id", "implied_role_id")
    reads_after = ("role",)
    grants = True
    shared = True
    project_field = None
    left_at_source = "goes with its roles"

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each role: Keystone's listing of all fails as a whole when one names a role that is gone."""
        for prior in found["role"]:
            answer = cloud.find("identity", f"/roles/{prior.id}/implies") or {"role_inference": {}}
            for implied in answer["role_inference"].get("implies", ()):
                fields = {"prior_role_id": prior.id, "implied_role_id": implied["id"]}
                words = f"{prior.name} implies {implied['name']}"
                yield Item(self.name, f"{prior.id}/{implied['id']}", words, None, fields)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """A PUT, safe to repeat."""
        prior, implied = want["prior_role_id"], want["implied_role_id"]
        if prior != implied:  # two roles of the source may be one in the destination
            cloud.put("identity", f"/roles/{prior}/implies/{implied}")
        return f"{prior}/{implied}"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Both roles are its id."""
        prior, implied = identifier.split("/")
        cloud.delete("identity", f"/roles/{prior}/implies/{implied}")
