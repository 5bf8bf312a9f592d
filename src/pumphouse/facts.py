"""What a cloud is: services, endpoints, versions, extensions, hypervisors; for ``pumphouse discover``."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pumphouse.errors import CloudError, Missing
from pumphouse.ports import Cloud, Endpoint, Version

SERVICES = ("identity", "compute", "image", "network", "block-storage", "placement")

# The highest microversion each release came with; releases that share one are named together.
RELEASES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "compute": (
        ("2.12", "Liberty"),
        ("2.25", "Mitaka"),
        ("2.38", "Newton"),
        ("2.42", "Ocata"),
        ("2.53", "Pike"),
        ("2.60", "Queens"),
        ("2.65", "Rocky"),
        ("2.72", "Stein"),
        ("2.79", "Train"),
        ("2.87", "Ussuri or Victoria"),
        ("2.88", "Wallaby"),
        ("2.90", "Xena or Yoga"),
        ("2.93", "Zed"),
        ("2.95", "2023"),
        ("2.96", "2024"),
        ("2.100", "2025"),
        ("2.103", "2026.1"),
        ("2.104", "2026.2"),
    ),
    "block-storage": (
        ("3.50", "Queens or older"),
        ("3.59", "Rocky to Train"),
        ("3.66", "Ussuri to Xena"),
        ("3.70", "Yoga to 2023"),
        ("3.71", "2024 to 2026"),
    ),
}


def number(version: str) -> tuple[int, ...]:
    """``v2.93`` as ``(2, 93)``, to compare; empty for an empty string."""
    return tuple(int(part) for part in version.removeprefix("v").split(".") if part)


def newest(versions: tuple[Version, ...]) -> Version | None:
    """The newest API version of a service."""
    return max(versions, key=lambda v: (number(v.maximum), number(v.id)), default=None)


def release(service: str, maximum: str) -> str:
    """The release that a service's highest microversion tells of; empty when it tells nothing."""
    table = RELEASES.get(service, ())
    if not table or not maximum:
        return ""
    for highest, name in table:
        if number(maximum) <= number(highest):
            return name
    return f"newer than {table[-1][1]}"


@dataclass(frozen=True)
class Hypervisor:
    """One compute host; capacity is what the scheduler may give out, overcommitment included.

    :param state: ``up`` or ``down``.
    :param status: ``enabled`` or ``disabled``.
    :param host: name of the host that its compute service and its servers give.
    :param vcpus: used and capacity; None when the cloud does not say.
    :param memory: used and capacity, in MiB.
    """

    name: str
    state: str
    status: str
    host: str
    vcpus: tuple[int, int] | None
    memory: tuple[int, int] | None


@dataclass(frozen=True)
class CloudFacts:
    """What a cloud is.

    :param role: ``source`` or ``destination``.
    :param versions: API versions of each service of :data:`SERVICES` that the catalog has.
    :param extensions: aliases of the network service's extensions.
    """

    role: str
    endpoints: tuple[Endpoint, ...]
    versions: Mapping[str, tuple[Version, ...]]
    extensions: tuple[str, ...]
    hypervisors: tuple[Hypervisor, ...]

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions in the catalog."""
        return tuple(sorted({endpoint.region for endpoint in self.endpoints if endpoint.region}))

    def rows(self) -> list[tuple[str, str]]:
        """Label and value, the same labels for the same facts of any cloud."""
        return [
            ("regions", ", ".join(self.regions)),
            *((service, self._service(service)) for service in SERVICES),
            *self._endpoints(),
            ("hypervisors", str(len(self.hypervisors))),
            ("vCPUs used", _sum([h.vcpus for h in self.hypervisors])),
            ("memory used (MiB)", _sum([h.memory for h in self.hypervisors])),
            *((f"hypervisor {h.name}", _describe(h)) for h in self.hypervisors),
            *((f"network extension {alias}", "yes") for alias in self.extensions),
        ]

    def _service(self, service: str) -> str:
        found = newest(self.versions.get(service, ()))
        if found is None:
            return "missing"
        if not found.maximum:
            return found.id
        guess = release(service, found.maximum)
        return f"{found.id}, microversions {found.minimum} to {found.maximum}" + (
            f" ({guess})" if guess else ""
        )

    def _endpoints(self) -> Iterator[tuple[str, str]]:
        several = len(self.regions) > 1
        for endpoint in sorted(self.endpoints, key=lambda e: (e.service_type, e.region, e.interface)):
            region = f" in {endpoint.region}" if several else ""
            yield f"{endpoint.service_type} {endpoint.interface}{region}", endpoint.url


def facts(cloud: Cloud) -> CloudFacts:
    """Ask a cloud what it is; reads only."""
    versions = {}
    for service in SERVICES:
        try:
            versions[service] = cloud.versions(service)
        except Missing:
            continue
    extensions: tuple[str, ...] = ()
    if "network" in versions:
        extensions = tuple(sorted(e["alias"] for e in cloud.get("network", "/extensions")["extensions"]))
    return CloudFacts(
        role=cloud.role,
        endpoints=cloud.catalog(),
        versions=versions,
        extensions=extensions,
        hypervisors=tuple(hypervisors(cloud, versions)),
    )


def hypervisors(cloud: Cloud, services: Collection[str]) -> Iterator[Hypervisor]:
    """The hypervisors of a cloud.

    :param services: those that the catalog has.
    """
    if "compute" not in services:
        return
    for body in hypervisor_bodies(cloud):
        who = body["hypervisor_hostname"], body["state"], body["status"], body["service"]["host"]
        if "vcpus" in body:  # until 2.87; since then only Placement knows
            vcpus = body["vcpus_used"], body["vcpus"]
            memory = body["memory_mb_used"], body["memory_mb"]
            yield Hypervisor(*who, vcpus, memory)
        elif "placement" in services:
            yield Hypervisor(*who, *_placed(cloud, body["id"]))
        else:
            yield Hypervisor(*who, None, None)


def hypervisor_bodies(cloud: Cloud) -> tuple[dict[str, Any], ...]:
    """The hypervisors of a cloud, in Nova's words.

    From 2.88 on Nova asks each host for its uptime, and answers 500 when one died so lately that it still counts as up.
    By the time it gives up waiting (``rpc_response_timeout``) the host counts as down: the second try is answered.
    """
    try:
        return tuple(cloud.pages("compute", "/os-hypervisors/detail", "hypervisors"))
    except CloudError as error:
        if error.status != 500:
            raise
        return tuple(cloud.pages("compute", "/os-hypervisors/detail", "hypervisors"))


def _placed(cloud: Cloud, provider: str) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Used vCPUs and memory of a compute host with their capacities, from Placement."""
    inventories = cloud.find("placement", f"/resource_providers/{provider}/inventories")
    usages = cloud.find("placement", f"/resource_providers/{provider}/usages")
    if inventories is None or usages is None:  # a host that has not reported yet
        return None, None

    def of(resource: str) -> tuple[int, int] | None:
        held = inventories["inventories"].get(resource)
        if held is None:
            return None
        capacity = int((held["total"] - held["reserved"]) * held["allocation_ratio"])
        return usages["usages"].get(resource, 0), capacity

    return of("VCPU"), of("MEMORY_MB")


def _sum(pairs: list[tuple[int, int] | None]) -> str:
    known = [pair for pair in pairs if pair]
    if not known:
        return "unknown"
    return f"{sum(used for used, _ in known)} of {sum(capacity for _, capacity in known)}"


def _describe(hypervisor: Hypervisor) -> str:
    vcpus, memory = _sum([hypervisor.vcpus]), _sum([hypervisor.memory])
    return f"{hypervisor.state}, {hypervisor.status}; vCPUs {vcpus}, memory {memory} MiB"
