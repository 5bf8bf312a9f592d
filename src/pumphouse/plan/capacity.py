"""Numbers: quotas and hypervisors of the destination after the plan."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.model import Action, Capacity, HostRoom, Item, Step
from pumphouse.plan.inforce import decided
from pumphouse.policy import Policy

NETWORK_QUOTAS = ("network", "subnet", "router", "port", "floating_ip", "security_group")


def quotas(
    steps: tuple[Step, ...], source: Inventory, destination: Inventory, policy: Policy
) -> Iterator[Capacity]:
    """The quotas of each project in the destination that the plan adds to."""
    projects = {s.key.partition(":")[2]: s for s in steps if s.kind == "project"}
    adding = [i for s in steps if _adds(s) and (i := source.by_key(s.key))]
    added = {project: _sizes(i for i in adding if i.project_id == project) for project in projects}
    for each in adding:
        if each.project_id in added and each.kind == "server" and _root_is_volume(each, source, policy):
            added[each.project_id]["volume_quota", "volumes"] += 1
            added[each.project_id]["volume_quota", "gigabytes"] += max(each.observed["root_gb"], 1)
    for project, step in projects.items():
        there = step.destination_id if step.action in (Action.REUSE, Action.UPDATE) else None
        used = _sizes(i for i in destination if there and i.project_id == there)
        for kind in ("compute_quota", "volume_quota", "network_quota"):
            item = _quota_in_force(kind, project, there, steps, source, destination)
            for name, limit in (item.fields["limits"] if item else {}).items():
                if added[project].get((kind, name)):
                    yield Capacity(
                        f"project {step.name}", name, int(limit), used[kind, name], added[project][kind, name]
                    )


def _root_is_volume(server: Item, source: Inventory, policy: Policy) -> bool:
    """Whether its root disk becomes a volume, as large as the flavor says, if it says how large."""
    return bool(decided(server, source, policy).get("root_volume"))


def _quota_in_force(
    kind: str,
    project: str,
    there: str | None,
    steps: tuple[Step, ...],
    source: Inventory,
    destination: Inventory,
) -> Item | None:
    """The source's when it is going to be carried over, else the destination's."""
    carried = any(s.key == f"{kind}:{project}" and s.action in (Action.CREATE, Action.UPDATE) for s in steps)
    return source.get(kind, project) if carried or not there else destination.get(kind, there)


def _sizes(items: Any) -> Counter[tuple[str, str]]:
    sizes: Counter[tuple[str, str]] = Counter()
    for item in items:
        if item.kind == "server":
            sizes["compute_quota", "instances"] += 1
            sizes["compute_quota", "cores"] += item.observed["vcpus"]
            sizes["compute_quota", "ram"] += item.observed["ram_mb"]
        elif item.kind == "volume":
            sizes["volume_quota", "volumes"] += 1
            sizes["volume_quota", "gigabytes"] += item.fields["size"]
        elif item.kind == "volume_snapshot":  # Cinder counts their size too, unless told not to
            sizes["volume_quota", "snapshots"] += 1
            sizes["volume_quota", "gigabytes"] += item.fields["size"]
        elif item.kind in NETWORK_QUOTAS:
            sizes["network_quota", item.kind.replace("floating_ip", "floatingip")] += 1
    return sizes


def _adds(step: Step) -> bool:
    """What an interrupted run left unfinished is there already, and counted among what is used."""
    return step.action in (Action.CREATE, Action.MOVE) and not step.destination_id


def temporaries(
    steps: tuple[Step, ...], source: Inventory, inventory: Inventory, project: str
) -> Iterator[tuple[str, int, int, int]]:
    """Copies of volumes are made in the administrator's project: the largest must fit in its quotas.

    :param inventory: the cloud looked at. :param project: the administrator's there.
    :return: ``(quota, limit, used, needed)`` of those that do not suffice.
    """
    volumes = [
        i for s in steps if s.action is Action.MOVE and s.kind == "volume" and (i := source.by_key(s.key))
    ]
    if not volumes:
        return
    largest = max(v.fields["size"] for v in volumes)
    quota = inventory.get("volume_quota", project)
    used = _sizes(i for i in inventory if i.project_id == project)
    for name, need in (("volumes", 1), ("snapshots", 1), ("gigabytes", 2 * largest)):
        limit = int(quota.fields["limits"].get(name, -1)) if quota else -1
        if 0 <= limit < used["volume_quota", name] + need:
            yield name, limit, used["volume_quota", name], need


def lacking(
    steps: tuple[Step, ...], source: Inventory, hosts: tuple[HostRoom, ...], policy: Policy
) -> dict[str, dict[str, float]]:
    """What the hypervisors lack for all servers of the plan; empty when they fit.

    First fit, of those that may not go anywhere, then of the largest, first: a rough answer, and a safe one to give
    before anything moves.

    :return: where it lacks, in words (empty: anywhere) → what → how much of it.
    """
    room = {h.name: [h.vcpus, h.ram_mb, h.disk_gb] for h in hosts}
    servers = [i for s in steps if s.kind == "server" and _adds(s) and (i := source.by_key(s.key))]
    places = {item.key: _place(item, source, hosts, policy) for item in servers}
    missing: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for item in sorted(servers, key=lambda i: (len(places[i.key][1]), -int(i.observed["ram_mb"]))):
        where, names = places[item.key]
        if where and not names:
            continue  # there is no such place: said by a rule of its own
        need = _need(item, source, policy)
        host = next((h for h in names if all(r >= n for r, n in zip(room[h], need, strict=True))), None)
        if host is not None:
            room[host] = [r - n for r, n in zip(room[host], need, strict=True)]
            continue
        for name, amount in zip(("vCPU", "MiB of RAM", "GiB of disk"), need, strict=True):
            if amount:
                missing[where][name] += amount
    return {where: dict(what) for where, what in missing.items()}


def _place(
    server: Item, source: Inventory, hosts: tuple[HostRoom, ...], policy: Policy
) -> tuple[str, list[str]]:
    """Where a server goes, in words, and the names of the hosts there."""
    want = decided(server, source, policy)
    if want["host"]:
        return f"on host {want['host']!r}", [h.name for h in hosts if h.name == want["host"]]
    if zone := want["availability_zone"]:
        return f"in availability zone {zone!r}", [h.name for h in hosts if h.zone in (zone, "")]
    return "", [h.name for h in hosts]


def _need(server: Item, source: Inventory, policy: Policy) -> tuple[float, float, float]:
    seen = server.observed
    local = seen["image_id"] and not _root_is_volume(server, source, policy)
    disk = (seen["root_gb"] if local else 0) + seen["ephemeral_gb"] + seen["swap_mb"] / 1024
    return seen["vcpus"], seen["ram_mb"], disk
