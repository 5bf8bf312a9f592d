"""What the resources of Keystone have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Kind


class IdentityKind(Kind):
    """A resource of Keystone: whatever attributes operators add to it, Keystone keeps and tells.

    :cvar own: attributes of the API that are not among the portable ones, and are no additions either.
    """

    project_field: ClassVar[str | None] = None
    own: ClassVar[tuple[str, ...]] = ("id", "links")
    emptied: ClassVar[Mapping[str, Any]] = {"options": {}, "extra": {}}

    def item(self, body: dict[str, Any]) -> Item | None:
        """Unknown attributes together, so that they are carried and compared as one field."""
        names = (*self.portable, *self.compared, *self.own)
        extra = {name: value for name, value in body.items() if name not in names}
        return super().item({**body, "extra": extra})

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Absent and empty mean the same; older releases have no options."""
        if fields.get("extra"):
            fields["extra"] = {name: value for name, value in fields["extra"].items() if value is not None}
        for name in ("options", "extra"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Additions are attributes like the others."""
        return self.post(cloud, self.body(want))

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Keystone merges options and additions: what is gone is set to nothing."""
        changed = {name: want[name] for name in self.portable if name in have}
        for name in ("options", "extra"):
            if name in have:
                changed[name] = {**dict.fromkeys(have[name] or ()), **want[name]}
        cloud.patch("identity", f"{self.api.path}/{identifier}", {self.api.one: self.body(changed)})

    def body(self, want: dict[str, Any]) -> dict[str, Any]:
        """The fields as attributes of the API."""
        return {**want.get("extra", {}), **{name: want[name] for name in want if name != "extra"}}

    def release(self, cloud: Cloud, identifier: str) -> bool:
        """Make it deletable: an immutable one is refused (Keystone, from Ussuri on). False when it is gone."""
        path = f"{self.api.path}/{identifier}"
        there = cloud.find("identity", path)
        if there and there[self.api.one].get("options", {}).get("immutable"):
            cloud.patch("identity", path, {self.api.one: {"options": {"immutable": None}}})
        return there is not None
