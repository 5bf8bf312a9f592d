"""Who has which role where."""

from collections.abc import Iterator
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref


class RoleAssignment(Kind):
    """An assignment has no id of its own: it is its role, its user and its scope."""

    name = "role_assignment"
    api = Api("identity", "/role_assignments", "role_assignment", "role_assignments")
    refs = (
        Ref("role", "role_id"),
        Ref("user", "user_id"),
        Ref("project", "project_id"),
        Ref("domain", "domain_id"),
    )
    portable = ("role_id", "user_id", "project_id", "domain_id", "inherited")
    identity = ("role_id", "user_id", "project_id", "domain_id", "inherited")
    companion_of = ("user_id", "project_id")
    reads_after = ("role", "user", "project")
    left_at_source = "goes with its user and project"
    lost = {
        "group_id": "not carried yet: the plan names the assignments of groups",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Assignments as made, not as they work out (groups, inheritance and implied roles unexpanded)."""
        names = {(kind, i.id): i.name for kind in self.reads_after for i in found[kind]}
        for body in cloud.pages(self.api.service, self.api.path, self.api.many):
            scope = body["scope"]
            fields = {
                "role_id": body["role"]["id"],
                "user_id": body.get("user", {}).get("id"),
                "project_id": scope.get("project", {}).get("id"),
                "domain_id": scope.get("domain", {}).get("id"),
                "inherited": "OS-INHERIT:inherited_to" in scope,
            }
            who = fields["user_id"] or f"group {body['group']['id']}"
            where = fields["project_id"] or fields["domain_id"] or "system"
            words = (
                names.get(("role", fields["role_id"]), fields["role_id"]),
                names.get(("user", who), who),
                names.get(("project", where), where),
            )
            yield Item(
                self.name,
                "/".join((fields["role_id"], who, where, *(["inherited"] if fields["inherited"] else []))),
                "{} for {} on {}".format(*words),
                fields["project_id"],
                {name: value for name, value in fields.items() if value is not None},
                {"group": body.get("group", {}).get("id"), "system": "system" in scope},
            )

    def skip_reason(self, item: Item) -> str:
        """Groups and system scope are not carried."""
        if item.observed["group"]:
            return "assignments of groups are not carried yet; assign the role in the destination"
        return "system roles belong to the operators of each cloud" if item.observed["system"] else ""

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """A PUT, safe to repeat."""
        cloud.put("identity", _path(want))
        parts = (want["role_id"], want["user_id"], want.get("project_id") or want["domain_id"])
        return "/".join((*parts, *(["inherited"] if want["inherited"] else [])))

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Scope decides the path, and the id does not tell a project from a domain: ask for both."""
        role, user, scope, *inherited = identifier.split("/")
        fields = {"role_id": role, "user_id": user, "inherited": bool(inherited)}
        for name in ("project_id", "domain_id"):
            cloud.delete("identity", _path({**fields, name: scope}))


def _path(fields: dict[str, Any]) -> str:
    kind = "projects" if fields.get("project_id") else "domains"
    scope = fields.get("project_id") or fields.get("domain_id")
    path = f"/{kind}/{scope}/users/{fields['user_id']}/roles/{fields['role_id']}"
    return f"/OS-INHERIT{path}/inherited_to_projects" if fields["inherited"] else path
