"""Who has which role where."""

from collections import defaultdict
from collections.abc import Container, Iterator
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

SYSTEM = "all"  # the only system scope there is


class RoleAssignment(Kind):
    """An assignment has no id of its own: it is its role, its user or group, and its scope."""

    name = "role_assignment"
    api = Api("identity", "/role_assignments", "role_assignment", "role_assignments")
    refs = (
        Ref("role", "role_id"),
        Ref("user", "user_id"),
        Ref("group", "group_id"),
        Ref("project", "project_id"),
        Ref("domain", "domain_id"),
    )
    portable = ("role_id", "user_id", "group_id", "project_id", "domain_id", "system", "inherited")
    identity = portable
    companion_of = ("user_id", "project_id")
    reads_after = ("role", "user", "group", "group_membership", "project", "domain")
    grants = True
    shared = True
    left_at_source = "goes with its user and project"
    notes = {
        "domain_id": "with 'domain', 'identity' and '--all' only",
        "system": "with 'domain', 'identity' and '--all' only",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Assignments as made, not as they work out (groups, inheritance and implied roles unexpanded)."""
        names = {(kind, i.id): i.name for kind in self.reads_after for i in found[kind]}
        members = defaultdict(list)
        for membership in found["group_membership"]:
            members[membership.fields["group_id"]].append(membership.fields["user_id"])
        for body in cloud.pages(self.api.service, self.api.path, self.api.many):
            scope = body["scope"]
            values = {
                "role_id": body["role"]["id"],
                "user_id": body.get("user", {}).get("id"),
                "group_id": body.get("group", {}).get("id"),
                "project_id": scope.get("project", {}).get("id"),
                "domain_id": scope.get("domain", {}).get("id"),
                "system": SYSTEM if "system" in scope else None,
            }
            fields = {name: value for name, value in values.items() if value is not None}
            fields["inherited"] = "OS-INHERIT:inherited_to" in scope
            yield Item(
                self.name,
                _identifier(fields),
                _words(fields, names),
                fields.get("project_id"),
                fields,
                {"members": members[fields.get("group_id", "")]},
            )

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """That of a group comes with its project and one of its members, who may owe what they have to it."""
        if "group_id" not in item.fields:
            return super().belongs(item, selected)
        here = f"project:{item.project_id}" in selected
        return here and any(f"user:{member}" in selected for member in item.observed["members"])

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """A PUT, safe to repeat."""
        cloud.put("identity", _path(want))
        return _identifier(want)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Its id says all of it."""
        cloud.delete("identity", _path(_fields(identifier)))


SCOPES = {"project_id": "projects", "domain_id": "domains"}


def _identifier(fields: dict[str, Any]) -> str:
    """``role/user/project``, with words where that would not tell a group, a domain or an inherited one."""
    who = fields.get("user_id") or f"group:{fields['group_id']}"
    where = fields.get("project_id") or (
        f"domain:{fields['domain_id']}" if "domain_id" in fields else "system"
    )
    return "/".join((fields["role_id"], who, where, *(["inherited"] if fields["inherited"] else [])))


def _fields(identifier: str) -> dict[str, Any]:
    role, who, where, *inherited = identifier.split("/")
    fields: dict[str, Any] = {"role_id": role, "inherited": bool(inherited)}
    fields["group_id" if who.startswith("group:") else "user_id"] = who.removeprefix("group:")
    if where == "system":
        fields["system"] = SYSTEM
    else:
        fields["domain_id" if where.startswith("domain:") else "project_id"] = where.removeprefix("domain:")
    return fields


def _words(fields: dict[str, Any], names: dict[tuple[str, str], str]) -> str:
    def name(kind: str) -> str:
        identifier = fields.get(f"{kind}_id")
        return names.get((kind, identifier), identifier) if identifier else ""

    who = name("user") or f"group {name('group')}"
    where = name("project") or (f"domain {name('domain')}" if "domain_id" in fields else "the system")
    return f"{name('role')} for {who} on {where}" + (" and below" if fields["inherited"] else "")


def _path(fields: dict[str, Any]) -> str:
    who = f"users/{fields['user_id']}" if fields.get("user_id") else f"groups/{fields['group_id']}"
    if fields.get("system"):
        return f"/system/{who}/roles/{fields['role_id']}"
    scope = next(f"/{path}/{fields[name]}" for name, path in SCOPES.items() if fields.get(name))
    path = f"{scope}/{who}/roles/{fields['role_id']}"
    return f"/OS-INHERIT{path}/inherited_to_projects" if fields["inherited"] else path
