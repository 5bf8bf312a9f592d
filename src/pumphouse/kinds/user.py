"""Keystone users. No API reads a password: they get one that nobody knows."""

import secrets
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Kind, Ref


def unknown_password() -> str:
    """A password nobody knows, of all the character classes that password policies ask for."""
    return "Aa1!" + secrets.token_urlsafe(32)


class User(Kind):
    """Matched by domain and name, which Keystone keeps unique."""

    name = "user"
    api = Api("identity", "/users", "user", "users")
    refs = (Ref("domain", "domain_id"), Ref("project", "default_project_id", weak=True))
    portable = ("name", "domain_id", "enabled", "description", "email", "default_project_id", "options")
    identity = ("domain_id", "name")
    reuse_different = True
    project_field = None
    left_at_source = "it may have other projects"
    notes = {
        "default_project_id": "carried when that project is migrated too",
    }
    lost = {
        "id": "Keystone gives a new one",
        "password": "cannot be read through the API: an unknown one is set, an administrator resets it",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Absent and empty options, and no default project, mean the same."""
        for name in ("options", "default_project_id", "description", "email"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """With a password that nobody knows."""
        body = {"user": {**want, "password": unknown_password()}}
        return str(cloud.post("identity", "/users", body)["user"]["id"])
