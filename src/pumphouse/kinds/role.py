"""Keystone roles."""

from typing import Any

from pumphouse.resource import Api, Kind, Ref


class Role(Kind):
    """Matched by name, and by domain where a role belongs to one."""

    name = "role"
    api = Api("identity", "/roles", "role", "roles")
    refs = (Ref("domain", "domain_id"),)
    portable = ("name", "description", "domain_id")
    identity = ("name", "domain_id")
    reuse_different = True
    project_field = None
    left_at_source = "other projects may use it"
    lost = {
        "id": "Keystone gives a new one",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A global role has no domain."""
        return {name: value for name, value in fields.items() if value is not None}
