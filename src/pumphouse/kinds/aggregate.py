"""Nova's host aggregates, and the availability zones that they make; shown and compared, never made."""

from typing import Any

from pumphouse.model import Item
from pumphouse.resource import Api, Kind

ZONE = "availability_zone"


class Aggregate(Kind):
    """Groups the hosts of one cloud. The plan says which metadata the destination lacks, and how to give it."""

    name = "aggregate"
    api = Api("compute", "/os-aggregates", "aggregate", "aggregates")
    portable = ("name", ZONE, "metadata")
    identity = ("name",)
    project_field = None
    left_at_source = "belongs to the hosts"
    lost = {
        **dict.fromkeys(portable, "compared only: the plan says what selected servers would miss"),
        "hosts": "every cloud has its own: aggregates are laid out by the deployer of the destination",
    }

    def observe(self) -> tuple[str, ...]:
        """The hosts in it."""
        return ("hosts",)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Nova tells the availability zone twice."""
        metadata = fields.get("metadata") or {}
        fields["metadata"] = {name: value for name, value in metadata.items() if name != ZONE}
        return fields

    def skip_reason(self, item: Item) -> str:
        """The hosts of the destination are not those of the source."""
        return "host aggregates are laid out by the deployer of the destination"
