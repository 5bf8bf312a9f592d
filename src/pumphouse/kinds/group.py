"""Keystone groups."""

from typing import Any

from pumphouse.identity_resource import IdentityKind
from pumphouse.resource import Api, Ref


class Group(IdentityKind):
    """Matched by domain and name, which Keystone keeps unique."""

    name = "group"
    api = Api("identity", "/groups", "group", "groups")
    refs = (Ref("domain", "domain_id"),)
    portable = ("name", "description", "domain_id", "extra")
    identity = ("domain_id", "name")
    reuse_different = True
    fixed = ("domain_id",)
    left_at_source = "it may have other projects"
    notes = {
        "extra": "attributes that operators added",
    }
    lost = {
        "id": "Keystone gives a new one",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """No description is an empty one."""
        fields["description"] = fields.get("description") or ""
        return super().normalise(fields)
