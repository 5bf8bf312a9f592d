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
        if want.get("options", {}).get("immutable") and self.release(cloud, identifier):
            changed["options"] = {**changed.get("options", {}), **want["options"]}
        attributes = self.body(changed)
        if "enabled" in have and want["enabled"]:
            attributes["enabled"] = True
        if attributes:
            cloud.patch("identity", f"{self.api.path}/{identifier}", {self.api.one: attributes})

    def body(self, want: dict[str, Any]) -> dict[str, Any]:
        """The fields as attributes of the API."""
        later = ("extra", *self.compared)
        return {**want.get("extra", {}), **{name: want[name] for name in want if name not in later}}

    def due(self, item: Item, data: Fields) -> str:
        """What is disabled is so only when everything in it is made."""
        if "enabled" in self.compared and not item.fields["enabled"] and not data.get("closed"):
            return "is still to be disabled"
        return ""

    def open(self, cloud: Cloud, identifier: str) -> None:
        """Enable it for the time being: in what is disabled nobody can make anything."""
        path = f"{self.api.path}/{identifier}"
        there = cloud.find("identity", path)
        if there and not there[self.api.one]["enabled"]:
            self.release(cloud, identifier)
            cloud.patch("identity", path, {self.api.one: {"enabled": True}})

    def close(self, cloud: Cloud, identifier: str, want: Fields) -> None:
        """Disable it, now that everything in it is made; safe to repeat."""
        path, options = f"{self.api.path}/{identifier}", want.get("options", {})
        there = cloud.get("identity", path)[self.api.one]
        if there["enabled"] or any(there.get("options", {}).get(name) != options[name] for name in options):
            self.release(cloud, identifier)
            cloud.patch("identity", path, {self.api.one: {"enabled": False}})
            if options:
                cloud.patch("identity", path, {self.api.one: {"options": options}})

    def release(self, cloud: Cloud, identifier: str) -> bool:
        """Make it deletable: an immutable one is refused (Keystone, from Ussuri on). False when it is gone."""
        path = f"{self.api.path}/{identifier}"
        there = cloud.find("identity", path)
        if there and there[self.api.one].get("options", {}).get("immutable"):
            cloud.patch("identity", path, {self.api.one: {"options": {"immutable": None}}})
        return there is not None
