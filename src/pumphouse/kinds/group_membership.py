"""Who is in which group."""

from collections.abc import Iterator
from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref


class GroupMembership(Kind):
    """Comes with its group: who is in it has what the group has."""

    name = "group_membership"
    api = Api("identity", "/groups/GROUP/users", "user", "users")
    refs = (Ref("group", "group_id"), Ref("user", "user_id"))
    portable = ("group_id", "user_id")
    identity = ("group_id", "user_id")
    companion_of = ("group_id",)
    reads_after = ("group",)
    project_field = None
    grants = True
    left_at_source = "goes with its group"

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each group."""
        for group in found["group"]:
            for user in cloud.pages("identity", f"/groups/{group.id}/users", "users"):
                fields = {"group_id": group.id, "user_id": user["id"]}
                yield Item(
                    self.name, f"{group.id}/{user['id']}", f"{user['name']} in {group.name}", None, fields
                )

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """A PUT, safe to repeat."""
        cloud.put("identity", f"/groups/{want['group_id']}/users/{want['user_id']}")
        return f"{want['group_id']}/{want['user_id']}"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Group and user are its id."""
        group, user = identifier.split("/")
        cloud.delete("identity", f"/groups/{group}/users/{user}")
