"""Quotas of a project in Nova, Cinder and Neutron."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref


class Quota(Kind):
    """The limits of one project in one service; every project has them, so they are made equal."""

    refs = (Ref("project", "project_id"),)
    companion_of = ("project_id",)
    identity = ("project_id",)
    reads_after = ("project",)
    reuse_different = True
    left_at_source = "goes with its project"
    ignored: ClassVar[tuple[str, ...]] = ("id", "project_id", "tenant_id")
    notes = {
        "limits": "those that the destination knows; per-type limits where it has the volume type",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each project."""
        for project in found["project"]:
            fields = {"project_id": project.id, "limits": self.limits(cloud, project.id)}
            yield Item(self.name, project.id, project.name, project.id, fields)

    def limits(self, cloud: Cloud, project: str) -> dict[str, int]:
        """The limits in force; -1 is unlimited."""
        body = cloud.get(self.api.service, f"{self.api.path}/{project}")[self.api.one]
        return {name: value for name, value in body.items() if name not in self.ignored}

    def automatic(self, item: Item) -> bool:
        """Every project has quotas."""
        return True

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Set what the destination knows; a limit it does not know has no meaning there."""
        known = self.limits(cloud, want["project_id"])
        limits = {name: value for name, value in want["limits"].items() if name in known}
        cloud.put(self.api.service, f"{self.api.path}/{want['project_id']}", {self.api.one: limits})
        return str(want["project_id"])

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """A comparison names single limits."""
        self.create(cloud, {**want, "limits": {name: want["limits"][name] for name in have}}, item)

    def compare(self, want: Fields, have: Fields) -> Iterator[tuple[str, Any, Any]]:
        """Limit by limit, as far as both sides know it."""
        for name, limit in want["limits"].items():
            if name in have["limits"] and have["limits"][name] != limit:
                yield name, limit, have["limits"][name]


class ComputeQuota(Quota):
    """Limits in Nova."""

    name = "compute_quota"
    api = Api("compute", "/os-quota-sets", "quota_set", "quota_sets")


class VolumeQuota(Quota):
    """Limits in Cinder, also per volume type."""

    name = "volume_quota"
    api = Api("block-storage", "/os-quota-sets", "quota_set", "quota_sets")


class NetworkQuota(Quota):
    """Limits in Neutron."""

    name = "network_quota"
    api = Api("network", "/quotas", "quota", "quotas")
