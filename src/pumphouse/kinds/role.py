"""Keystone roles."""

from collections.abc import Iterator
from typing import Any

from pumphouse.identity_resource import IdentityKind
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Ref


class Role(IdentityKind):
    """Matched by name, and by domain where a role belongs to one."""

    name = "role"
    api = Api("identity", "/roles", "role", "roles")
    refs = (Ref("domain", "domain_id"),)
    portable = ("name", "description", "domain_id", "options", "extra")
    identity = ("name", "domain_id")
    reuse_different = True
    shared = True
    reads_after = ("domain",)
    fixed = ("domain_id",)
    left_at_source = "other projects may use it"
    notes = {
        "options": "immutable",
        "extra": "attributes that operators added",
    }
    chosen = {
        "name": "mapped by policy.roles",
    }
    lost = {
        "id": "Keystone gives a new one",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Roles of a domain are listed for that domain only."""
        yield from super().read(cloud, found)
        for domain in found["domain"]:
            for body in cloud.pages("identity", "/roles", "roles", domain_id=domain.id):
                item = self.item(body)
                if item is not None:
                    yield item

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A global role has no domain."""
        fields = {name: value for name, value in fields.items() if value is not None}
        return super().normalise(fields)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """An immutable one is made mutable before."""
        self.release(cloud, identifier)
        super().delete(cloud, identifier)
