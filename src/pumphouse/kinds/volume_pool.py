"""Cinder's storage pools: the deployer's own, read to know what can be done with the volumes in them."""

from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind


class VolumePool(Kind):
    """Never carried: each cloud has its own."""

    name = "volume_pool"
    api = Api("block-storage", "/scheduler-stats/get_pools", "pool", "pools")
    identity = ("name",)
    project_field = None
    left_at_source = "the deployer's"
    lost = {
        "capabilities": "the deployer's; what volumes can do there follows from them",
    }

    def read(self, cloud: Cloud, found: Found) -> Any:
        """By name: pools have no id. Reimaging (3.68) and the zones are the service's, not the pool's."""
        zones = cloud.get(self.api.service, "/os-availability-zone")["availabilityZoneInfo"]
        for body in cloud.get(self.api.service, self.api.path, detail="true")["pools"]:
            capabilities = body.get("capabilities") or {}
            told = ("volume_backend_name", "storage_protocol", "vendor_name", "location_info")
            observed = {name: capabilities.get(name) for name in told}
            observed["reimage"] = cloud.supports(self.api.service, "3.68")
            observed["zones"] = sorted(z["zoneName"] for z in zones if z["zoneState"]["available"])
            yield Item(self.name, body["name"], body["name"], None, {"name": body["name"]}, observed)

    def skip_reason(self, item: Item) -> str:
        """Always."""
        return "each cloud has its own"
