"""Keystone application credentials. Their secrets cannot be read; the hashes go from table to table."""

from collections.abc import Iterator
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref


class ApplicationCredential(Kind):
    """With `identity.connection` of both clouds: id and secret stay, so programs only change the address."""

    name = "application_credential"
    api = Api(
        "identity",
        "/users/USER/application_credentials",
        "application_credential",
        "application_credentials",
    )
    refs = (Ref("user", "user_id"), Ref("project", "project_id"), Ref("role", "roles.*.id"))
    portable = ("name", "description", "user_id", "project_id", "roles", "unrestricted", "expires_at")
    compared = ("access_rules",)
    identity = ("user_id", "name")
    companion_of = ("user_id", "project_id")
    reads_after = ("user",)
    in_tables = True
    fixed = (*portable, *compared)
    grants = True
    left_at_source = "goes with its user"
    notes = {
        "id": "kept",
        "secret": "its hash, with identity.connection of both clouds, where the destination knows its format; "
        "else the credential is left out, and the plan names it",
        "access_rules": "service, method and path",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each user (Keystone 3.10, Queens; nothing before)."""
        for user in found["user"]:
            answer = cloud.find("identity", f"/users/{user.id}/application_credentials") or {}
            for body in answer.get("application_credentials", ()):
                item = self.item({**body, "user_id": user.id, "id": f"{user.id}/{body['id']}"})
                if item is not None:
                    yield item

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Roles by id; access rules by what they allow, for their ids are nobody's business."""
        fields["roles"] = sorted(
            ({"id": r["id"]} for r in fields.get("roles") or ()), key=lambda r: str(r["id"])
        )
        parts = ("service", "method", "path")
        rules = ({name: rule.get(name) for name in parts} for rule in fields.get("access_rules") or ())
        fields["access_rules"] = sorted(rules, key=lambda rule: [str(rule[name]) for name in parts])
        return {name: value for name, value in fields.items() if value not in (None, [])}

    def skip_reason(self, item: Item) -> str:
        """Without its hash there would be a credential that nobody can use."""
        if item.observed.get("carried"):
            return ""
        return "its secret cannot be read; its user makes a new one in the destination"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """User and credential are its id."""
        user, own = identifier.split("/")
        cloud.delete("identity", f"/users/{user}/application_credentials/{own}")
