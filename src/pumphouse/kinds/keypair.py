"""Nova keypairs of every user; a server finds its key only when its creating user owns one of that name."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

ALLOWED = re.compile(r"[-_@. a-zA-Z0-9]+")  # in names; '@' and '.' from microversion 2.92 on


class Keypair(Kind):
    """Names are per user; an administrator acts for others from microversion 2.10."""

    name = "keypair"
    api = Api("compute", "/os-keypairs", "keypair", "keypairs")
    refs = (Ref("user", "user_id"),)
    portable = ("name", "user_id", "public_key", "type")
    identity = ("user_id", "name")
    companion_of = ("user_id",)
    reads_after = ("user",)
    project_field = None
    fixed = ("name", "user_id", "public_key", "type")
    left_at_source = "goes with its user"

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each user."""
        for user in found["user"]:
            for body in cloud.pages("compute", "/os-keypairs", "keypairs", user_id=user.id):
                pair = body["keypair"]
                fields = {"name": pair["name"], "user_id": user.id, "public_key": pair["public_key"]}
                fields["type"] = pair.get("type", "ssh")
                yield Item(self.name, f"{user.id}/{pair['name']}", pair["name"], None, fields)

    def never_made(self, item: Item) -> str:
        """The first API of Nova took any name."""
        if ALLOWED.fullmatch(item.name):
            return ""
        return "Nova takes only letters, digits, spaces and @ . _ - in names today"

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """The answer holds no id: name and user are it."""
        cloud.post("compute", "/os-keypairs", {"keypair": want})
        return f"{want['user_id']}/{want['name']}"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """By name, for its user."""
        user, name = identifier.split("/", 1)
        cloud.delete("compute", f"/os-keypairs/{quote(name, safe='')}?user_id={user}")
