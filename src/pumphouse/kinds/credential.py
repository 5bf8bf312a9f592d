"""Keystone credentials: EC2 keys and whatever else users keep there (TOTP seeds, certificates)."""

import json
from collections.abc import Container
from typing import Any

from pumphouse.model import Item
from pumphouse.resource import Api, Kind, Ref


class Credential(Kind):
    """Carried with its secret, so EC2 and S3 clients go on with the keys they have. Comes with its user and project."""

    name = "credential"
    api = Api("identity", "/credentials", "credential", "credentials")
    refs = (Ref("user", "user_id"), Ref("project", "project_id"))
    portable = ("user_id", "project_id", "type", "blob")
    identity = ("user_id", "project_id", "type", "blob")
    companion_of = ("user_id", "project_id")
    fixed = portable
    secret = ("blob",)
    grants = True
    left_at_source = "goes with its user"
    notes = {
        "blob": "access key and secret of EC2 credentials; not those that a trust or an application credential made",
    }

    def item(self, body: dict[str, Any]) -> Item | None:
        """Named by its type and id: the rest of it is secret."""
        item = super().item({**body, "name": f"{body['type']} {body['id'][:8]}"})
        assert item is not None
        delegated = [word for word in ("trust_id", "app_cred_id") if _loaded(body["blob"]).get(word)]
        return Item(
            item.kind,
            item.id,
            item.name,
            item.project_id,
            {n: v for n, v in item.fields.items() if v},
            {"delegated": delegated},
        )

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """Those of no project come with their user."""
        if item.project_id is None:
            return f"user:{item.fields['user_id']}" in selected
        return super().belongs(item, selected)

    def skip_reason(self, item: Item) -> str:
        """A key that stands for a trust or an application credential of the source means nothing elsewhere."""
        return "it stands for a trust or application credential" if item.observed["delegated"] else ""


def _loaded(blob: str | dict[str, Any]) -> dict[str, Any]:
    """What is inside, when it is JSON; TOTP seeds and certificates are not."""
    try:
        inside = json.loads(blob) if isinstance(blob, str) else blob
    except ValueError:
        return {}
    return inside if isinstance(inside, dict) else {}
