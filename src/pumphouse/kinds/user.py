"""Keystone users. No API reads a password: its hash goes from table to table, as the last act for a user."""

import secrets
from typing import Any

from pumphouse.identity_resource import IdentityKind
from pumphouse.model import Fields, Item, Origin
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref


def unknown_password() -> str:
    """A password nobody knows, of all the character classes that password policies ask for."""
    return "Aa1!" + secrets.token_urlsafe(32)


class User(IdentityKind):
    """Matched by domain and name, which Keystone keeps unique. Users of LDAP and federations are never made."""

    name = "user"
    api = Api("identity", "/users", "user", "users")
    refs = (Ref("domain", "domain_id"), Ref("project", "default_project_id", weak=True))
    portable = (
        *("name", "domain_id", "enabled", "description", "email", "default_project_id", "options"),
        "extra",
    )
    own = ("id", "links", "password_expires_at", "federated")
    identity = ("domain_id", "name")
    reuse_different = True
    fixed = ("domain_id",)
    left_at_source = "it may have other projects"
    notes = {
        "default_project_id": "carried when that project is migrated too",
        "options": "lock, expiry and lock-out exemptions, multi-factor rules",
        "extra": "attributes that operators added",
        "password": "with identity.connection of both clouds, where the destination knows the format of the hash: "
        "with its age, expiry, predecessors and failed attempts; else an unknown one is set",
    }
    lost = {
        "id": "Keystone gives a new one",
    }

    def observe(self) -> tuple[str, ...]:
        """Whether Keystone itself keeps a password: users of LDAP are told without (from Newton on)."""
        return ("password_expires_at",)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Absent and empty mean the same, and so do no default project and none."""
        for name in ("default_project_id", "description", "email"):
            if not fields.get(name):
                fields.pop(name, None)
        return super().normalise(fields)

    def never_made(self, item: Item) -> str:
        """What others keep is found in the destination or nowhere."""
        password = item.observed.get("password")
        outside = password.origin if password and password.origin is not Origin.LOCAL else ""
        if outside or "password_expires_at" not in item.observed:
            return f"a user of {outside or 'LDAP'} is never made: the destination has none of this name in that domain"
        return ""

    def due(self, item: Item, data: Fields) -> str:
        """Its password, as long as the one that was carried is not the source's, unless others may set it now."""
        password = item.observed.get("password")
        if not password or not password.portable or data.get("handed_over"):
            return ""
        if data.get("password") == password.created_at:
            return ""
        changed = data.get("password") is not None
        return "its password has changed at the source" if changed else "its password is still to be carried"

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """With a password that nobody knows."""
        return self.post(cloud, {**self.body(want), "password": unknown_password()})
