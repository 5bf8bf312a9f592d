"""Reading who is where in a cloud, and what fits where: Nova's word on servers, Placement's on room."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pumphouse.errors import Missing
from pumphouse.facts import hypervisor_bodies
from pumphouse.model import ComputeHost, Occupancy, PlacedServer, Resources
from pumphouse.ports import Cloud
from pumphouse.server_body import pinned_zone

Body = dict[str, Any]
HOST = "OS-EXT-SRV-ATTR:host"
WANTED_OF_AGGREGATES = "aggregate_instance_extra_specs:"
PAGE = 1000  # groups asked for at once: Nova gives no link to the next page of them


def occupancy(cloud: Cloud) -> Occupancy:
    """Who is where in a cloud: hosts with their room, servers of every project with their needs."""
    bodies = hypervisor_bodies(cloud)
    providers = _providers(cloud)
    shares = {b["hypervisor_hostname"]: _Share(cloud, providers[b["hypervisor_hostname"]])
              for b in bodies if b["hypervisor_hostname"] in providers}  # fmt: skip
    taken: dict[str, Resources] = {}
    for share in shares.values():
        taken.update(share.consumers)
    return Occupancy(cloud.role, tuple(_hosts(cloud, bodies, shares)), tuple(_servers(cloud, taken)))


class _Share:
    """What Placement says of one host.

    :ivar consumers: what each server has, by its id; migrations that are not confirmed have their old share.
    """

    def __init__(self, cloud: Cloud, provider: str) -> None:
        path = f"/resource_providers/{provider}"
        stock = cloud.get("placement", f"{path}/inventories")["inventories"]
        self.capacity = resources(
            {name: (of["total"] - of["reserved"]) * of["allocation_ratio"] for name, of in stock.items()}
        )
        self.used = resources(cloud.get("placement", f"{path}/usages")["usages"])
        allocations = cloud.get("placement", f"{path}/allocations")["allocations"]
        self.consumers = {who: resources(of["resources"]) for who, of in allocations.items()}


def resources(amounts: Mapping[str, float]) -> Resources:
    """Placement's resource classes as a value; classes of special hardware are left to Nova."""
    return Resources(
        amounts.get("VCPU", 0) + amounts.get("PCPU", 0),
        amounts.get("MEMORY_MB", 0),
        amounts.get("DISK_GB", 0),
    )


def _providers(cloud: Cloud) -> dict[str, str]:
    """Ids of the resource providers by their names; none in a cloud without Placement."""
    try:
        found = cloud.get("placement", "/resource_providers")["resource_providers"]
    except Missing:
        return {}
    return {body["name"]: body["uuid"] for body in found}


def _hosts(cloud: Cloud, bodies: tuple[Body, ...], shares: Mapping[str, _Share]) -> Iterator[ComputeHost]:
    services = {
        body["host"]: body for body in cloud.get("compute", "/os-services", binary="nova-compute")["services"]
    }
    metadata = _aggregates(cloud)
    for body in bodies:
        name, host = body["hypervisor_hostname"], body["service"]["host"]
        service = services.get(host, {})
        share = shares.get(name)
        yield ComputeHost(
            name,
            host,
            body["state"] == "up",
            body["status"] == "enabled",
            share.capacity if share else _told(body, "vcpus", "memory_mb", "local_gb"),
            share.used if share else _told(body, "vcpus_used", "memory_mb_used", "local_gb_used"),
            service.get("disabled_reason") or "",
            service.get("zone") or "",
            metadata.get(host, {}),
        )


def _told(body: Body, vcpus: str, memory: str, disk: str) -> Resources:
    """What Nova says itself, where there is no Placement to ask; it does not tell how far it overcommits."""
    return Resources(body.get(vcpus, 0), body.get(memory, 0), body.get(disk, 0))


def _aggregates(cloud: Cloud) -> dict[str, dict[str, frozenset[str]]]:
    """Metadata of aggregates by host."""
    found: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for body in cloud.get("compute", "/os-aggregates")["aggregates"]:
        for host in body["hosts"]:
            for key, value in body["metadata"].items():
                found[host][key] = found[host].get(key, frozenset()) | {value}
    return found


def _servers(cloud: Cloud, taken: Mapping[str, Resources]) -> Iterator[PlacedServer]:
    flavors = {} if cloud.supports("compute", "2.47") else _flavors(cloud)
    groups = {member: group for group in _groups(cloud) for member in group["members"]}
    for body in cloud.pages("compute", "/servers/detail", "servers", all_tenants="1"):
        flavor = flavors.get(body["flavor"].get("id"), body["flavor"])
        group = groups.get(body["id"], {})
        volume_booted = not body["image"]
        yield PlacedServer(
            body["id"],
            body["name"],
            body["tenant_id"],
            body.get(HOST) or "",
            body["status"],
            taken.get(body["id"]) or _needs(flavor, volume_booted),
            body.get("OS-EXT-STS:task_state") or "",
            not volume_booted or bool(_other_disks(flavor)),
            pinned_zone(body) or "",
            group.get("id", ""),
            group.get("policy") or next(iter(group.get("policies", ())), ""),
            int((group.get("rules") or {}).get("max_server_per_host", 1)),
            {
                key.removeprefix(WANTED_OF_AGGREGATES): value
                for key, value in flavor.get("extra_specs", {}).items()
                if key.startswith(WANTED_OF_AGGREGATES)
            },
        )


def _needs(flavor: Body, volume_booted: bool) -> Resources:
    """What a flavor takes of a host: swap is told in MiB."""
    root = 0 if volume_booted else flavor.get("disk", 0)
    return Resources(flavor.get("vcpus", 0), flavor.get("ram", 0), root + _other_disks(flavor))


def _other_disks(flavor: Body) -> float:
    """GiB of ephemeral disks and swap; Nova rounds the swap up to whole ones."""
    ephemeral = flavor.get("ephemeral") or flavor.get("OS-FLV-EXT-DATA:ephemeral") or 0
    return int(ephemeral) + -(-int(flavor.get("swap") or 0) // 1024)


def _flavors(cloud: Cloud) -> dict[str, Body]:
    """Flavors by id: before microversion 2.47 servers name theirs only."""
    found = {
        body["id"]: body for body in cloud.pages("compute", "/flavors/detail", "flavors", is_public="None")
    }
    for body in found.values():
        body["extra_specs"] = cloud.get("compute", f"/flavors/{body['id']}/os-extra_specs")["extra_specs"]
    return found


def _groups(cloud: Cloud) -> Iterator[Body]:
    offset, query = 0, {"all_projects": "True", "limit": PAGE}
    while found := cloud.get("compute", "/os-server-groups", offset=offset, **query)["server_groups"]:
        yield from found
        offset += len(found)
