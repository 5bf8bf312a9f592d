"""Keystone domains."""

from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Kind


class Domain(Kind):
    """Matched by name; made with the id of the source (``explicit_domain_id``, Keystone 16)."""

    name = "domain"
    api = Api("identity", "/domains", "domain", "domains")
    portable = ("name", "description", "enabled")
    identity = ("name",)
    reuse_different = True
    project_field = None
    left_at_source = "other projects may use it"

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Keep the id: LDAP and federation settings are filed under it."""
        body = {"domain": {**want, "explicit_domain_id": item.id}}
        return str(cloud.post("identity", "/domains", body)["domain"]["id"])

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Keystone removes disabled domains only."""
        if cloud.find("identity", f"/domains/{identifier}"):
            cloud.patch("identity", f"/domains/{identifier}", {"domain": {"enabled": False}})
            cloud.delete("identity", f"/domains/{identifier}")
