"""Cinder's QoS specs: the deployer's own, read to know whether a volume type can be the same."""

from typing import Any

from pumphouse.model import Item
from pumphouse.resource import Api, Kind


class VolumeQos(Kind):
    """Never carried: a type that is made takes the destination's of the same name when they are equal."""

    name = "volume_qos"
    api = Api("block-storage", "/qos-specs", "qos_specs", "qos_specs")
    portable = ("name", "consumer", "specs")
    identity = ("name",)
    project_field = None
    left_at_source = "the deployer's"
    notes = dict.fromkeys(("name", "consumer", "specs"), "compared, never made")

    def skip_reason(self, item: Item) -> str:
        """Always."""
        return "the deployer makes them"

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Values are text, whoever set them."""
        return {**fields, "specs": {n: str(v) for n, v in fields["specs"].items()}}
