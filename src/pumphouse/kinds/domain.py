"""Keystone domains."""

from typing import Any

from pumphouse.identity_resource import IdentityKind
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api


class Domain(IdentityKind):
    """Matched by name; made with the id of the source (`explicit_domain_id`, Keystone 16).

    Older Keystones keep that word among the domain's attributes, where it means nothing.
    """

    name = "domain"
    api = Api("identity", "/domains", "domain", "domains")
    portable = ("name", "description", "tags", "options", "extra")
    compared = ("enabled",)
    own = ("id", "links", "explicit_domain_id")
    identity = ("name",)
    reuse_different = True
    left_at_source = "other projects may use it"
    notes = {
        "enabled": "a disabled one is disabled when everything in it has been made",
        "options": "immutable",
        "extra": "attributes that operators added",
    }
    chosen = {
        "name": "mapped by policy.domains",
    }
    lost = {
        "config": "settings of LDAP and the like are the deployer's: set them up before users of it are migrated",
    }

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Keep the id: LDAP and federation settings are filed under it."""
        return self.post(cloud, {**self.body(want), "explicit_domain_id": item.id})

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set."""
        if "tags" in fields:
            fields["tags"] = sorted(fields["tags"] or ())
        return super().normalise(fields)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Keystone removes disabled domains only."""
        if self.release(cloud, identifier):
            cloud.patch("identity", f"/domains/{identifier}", {"domain": {"enabled": False}})
            cloud.delete("identity", f"/domains/{identifier}")
