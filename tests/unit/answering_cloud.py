"""A Cloud that answers GETs from a table; enough for what only reads."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pumphouse.errors import CloudError, Missing
from pumphouse.ports import Endpoint, Version

VERSIONS = {
    "identity": (Version("v3.14", "CURRENT"),),
    "compute": (Version("v2.0", "SUPPORTED"), Version("v2.1", "CURRENT", "2.1", "2.93")),
    "image": (Version("v2.9", "SUPPORTED"), Version("v2.15", "CURRENT")),
    "network": (Version("v2.0", "CURRENT"),),
    "block-storage": (Version("v3.0", "CURRENT", "3.0", "3.70"),),
    "placement": (Version("v1.0", "CURRENT", "1.0", "1.39"),),
}


def quota(limit: int, in_use: int = 0, reserved: int = 0) -> dict[str, int]:
    """One entry of a usage-carrying quota set."""
    return {"limit": limit, "in_use": in_use, "reserved": reserved}


@dataclass
class AnsweringCloud:
    """Put an exception into ``answers`` to have it raised; paths left out answer with an empty body."""

    role: str = "source"
    host: str = "http://source"
    versions_of: dict[str, Any] = field(default_factory=lambda: dict(VERSIONS))
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    time: float | None = 1000.0
    user_id: str = "admin-id"
    project_id: str = "admin-project"

    def __post_init__(self) -> None:
        free = {"volumes": quota(10), "snapshots": quota(10), "gigabytes": quota(1000)}
        self.answers.setdefault(("block-storage", "/os-quota-sets/admin-project"), {"quota_set": free})

    def get(self, service: str, path: str, **query: Any) -> Any:
        answer = self.answers.get((service, path), {})
        if isinstance(answer, CloudError):
            raise answer
        return answer

    def find(self, service: str, path: str, **query: Any) -> Any:
        try:
            return self.get(service, path, **query)
        except Missing:
            return None

    def pages(self, service: str, path: str, many: str, **query: Any) -> Iterator[dict[str, Any]]:
        yield from self.get(service, path, **query).get(many, [])

    def catalog(self) -> tuple[Endpoint, ...]:
        return tuple(
            Endpoint(service, "", "RegionOne", "public", f"{self.host}/{service}")
            for service in self.versions_of
        )

    def versions(self, service: str) -> tuple[Version, ...]:
        if service not in self.versions_of:
            raise Missing(f"{self.role} {service}: no such service in the catalog")
        found = self.versions_of[service]
        if isinstance(found, CloudError):
            raise found
        return found

    def date(self, service: str) -> float | None:
        return self.time
