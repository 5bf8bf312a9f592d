"""Cinder volume types: the destination's own, found by name."""

from typing import Any

from pumphouse.model import Item
from pumphouse.resource import Api, Kind


class VolumeType(Kind):
    """A volume names its type, so the name is the id here; policy may map it to another."""

    name = "volume_type"
    api = Api("block-storage", "/types", "volume_type", "volume_types")
    portable = ("name",)
    identity = ("name",)
    reuse_only = True
    reuse_different = True
    project_field = None
    left_at_source = "other projects may use it"
    chosen = {
        "name": "mapped by policy.volume_types",
    }
    lost = {
        "extra_specs": "the destination's own",
    }

    def query(self, cloud: Any) -> dict[str, Any]:
        """Private types too."""
        return {"is_public": "None"}

    def item(self, body: dict[str, Any]) -> Item | None:
        """Known by its name."""
        return super().item({**body, "id": body["name"]})
