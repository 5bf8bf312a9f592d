"""Keystone trusts: told, never carried."""

from collections.abc import Iterator
from typing import Any

from pumphouse.errors import Missing
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

WHY = "only its trustor can make a trust: Heat, Magnum and the like make new ones with the next update"


class Trust(Kind):
    """What a user allows another to do in its name."""

    name = "trust"
    api = Api("identity", "/OS-TRUST/trusts", "trust", "trusts")
    refs = (
        Ref("project", "project_id", weak=True),
        Ref("user", "trustor_user_id", weak=True),
        Ref("user", "trustee_user_id", weak=True),
    )
    compared = ("project_id", "trustor_user_id", "trustee_user_id")
    identity = ()
    companion_of = ("project_id",)
    left_at_source = "it is not carried"
    lost = dict.fromkeys(("trustor_user_id", "trustee_user_id", "project_id", "roles", "impersonation"), WHY)

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """None where the extension is switched off."""
        try:
            yield from super().read(cloud, found)
        except Missing:
            return

    def item(self, body: dict[str, Any]) -> Item | None:
        """Trusts have no names."""
        return super().item({**body, "name": body["id"][:8]})

    def skip_reason(self, item: Item) -> str:
        """Always."""
        return "a trust can only be made by its trustor"
