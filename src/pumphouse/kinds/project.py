"""Keystone projects, nested ones included; their ids cannot be chosen, the ledger maps them."""

from typing import Any

from pumphouse.identity_resource import IdentityKind
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref


class Project(IdentityKind):
    """Matched by domain and name, which Keystone keeps unique."""

    name = "project"
    api = Api("identity", "/projects", "project", "projects")
    refs = (Ref("domain", "domain_id"), Ref("project", "parent_id"))
    portable = (
        *("name", "description", "domain_id", "parent_id", "tags", "options"),
        "extra",
    )
    own = ("id", "links", "is_domain")
    compared = ("enabled",)
    identity = ("domain_id", "name")
    reuse_different = True
    project_field = "id"
    fixed = ("domain_id", "parent_id")
    left_at_source = "services Pumphouse does not know may still keep things in it"
    notes = {
        "enabled": "a disabled one is disabled when everything in it has been made",
        "options": "immutable",
        "extra": "attributes that operators added",
    }
    chosen = {
        "name": "mapped by policy.projects",
    }
    lost = {
        "id": "Keystone gives a new one",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """Domains are listed as projects too; a top project's parent is its domain."""
        if body.get("is_domain"):
            return None
        if body.get("parent_id") == body["domain_id"]:
            body = {**body, "parent_id": None}
        return super().item(body)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Neutron keeps the default security group of a project that is gone; nobody else would remove it.

        All groups are listed: asking for those of one project would make its default group anew.
        """
        self.release(cloud, identifier)
        super().delete(cloud, identifier)
        for group in list(cloud.pages("network", "/security-groups", "security_groups")):
            if group["project_id"] == identifier and group["name"] == "default":
                cloud.delete("network", f"/security-groups/{group['id']}")

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set; no parent is no field."""
        fields["tags"] = sorted(fields.get("tags") or ())
        if not fields.get("parent_id"):
            fields.pop("parent_id", None)
        return super().normalise(fields)
