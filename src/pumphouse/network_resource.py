"""What the resources of Neutron have in common."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from pumphouse.errors import Missing
from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Found, Kind


class NetworkKind(Kind):
    """A resource of Neutron: its tags are set by a call of their own, and much of it is an extension's.

    :cvar extension: alias without which a cloud has none of these.
    :cvar extensions: dotted field → alias of the extension that brings it.
    :cvar told: field that is observed, not carried, and told in the plan when it is set → why, with the remedy.
    """

    compared: ClassVar[tuple[str, ...]] = ("tags",)
    extension: ClassVar[str] = ""
    extensions: ClassVar[Mapping[str, str]] = {}
    told: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """None where the extension is missing."""
        try:
            yield from super().read(cloud, found)
        except Missing:
            if not self.extension:
                raise

    def observe(self) -> Iterable[str]:
        """What is told when it is set, too."""
        return ("status", *self.told)

    def skip_reason(self, item: Item) -> str:
        """Nothing can be made where the extension is missing."""
        alias = item.observed.get("no_extension")
        return f"the destination's Neutron has no extension {alias!r}" if alias else ""

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Tags are a set."""
        if "tags" in fields:
            fields["tags"] = sorted(fields["tags"])
        return fields

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Set the tags."""
        if want.get("tags"):
            self._tag(cloud, identifier, want["tags"])

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Tags are replaced as a whole, also by none."""
        super().update(cloud, identifier, want, have, item)
        if "tags" in have and not want.get("tags"):
            self._tag(cloud, identifier, [])

    def _tag(self, cloud: Cloud, identifier: str, tags: list[str]) -> None:
        """Tags are under the last part of the path: those of ``/qos/policies`` under ``/policies``."""
        path = f"/{self.api.path.rpartition('/')[2]}/{identifier}/tags"
        cloud.put("network", path, {"tags": tags})
