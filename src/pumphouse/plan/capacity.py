"""Quotas and hypervisors of the destination after the plan, and what does not fit."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.model import Action, Capacity, HostRoom, Item, Problem, Severity, Step

BLOCK, NOTE = Severity.BLOCK, Severity.NOTE
NETWORK_QUOTAS = ("network", "subnet", "router", "port", "floating_ip", "security_group")


def capacity(
    steps: tuple[Step, ...],
    source: Inventory,
    destination: Inventory,
    hosts: tuple[HostRoom, ...] | None,
    admins: Mapping[str, str],
) -> tuple[tuple[Capacity, ...], tuple[Problem, ...]]:
    """Quotas and hypervisors of the destination after the plan, and what does not fit."""
    limits = [*_quotas(steps, source, destination)]
    problems = [
        Problem(
            "quota",
            BLOCK,
            "",
            f"{c.scope}: {c.resource}: {c.added} more do not fit: {c.used} of {c.limit} are used",
            "Raise the quota (at the source it is carried over, in the destination when the project was there before).",
        )
        for c in limits
        if 0 <= c.limit < c.used + c.added
    ]
    problems += _temporaries(steps, source, destination, admins)
    if hosts is None:
        what = "the room on the destination's hypervisors is unknown: its placement service did not say"
        problems.append(Problem("hosts", NOTE, "", what, "Make sure that the servers fit."))
    else:
        problems += _fit(steps, source, hosts)
    return tuple(limits), tuple(problems)


def _quotas(steps: tuple[Step, ...], source: Inventory, destination: Inventory) -> Iterator[Capacity]:
    projects = {s.key.partition(":")[2]: s for s in steps if s.kind == "project"}
    added = {
        project: _sizes(
            i for s in steps if _adds(s) and (i := source.by_key(s.key)) and i.project_id == project
        )
        for project in projects
    }
    for project, step in projects.items():
        there = step.destination_id if step.action is Action.REUSE else None
        used = _sizes(i for i in destination if there and i.project_id == there)
        for kind in ("compute_quota", "volume_quota", "network_quota"):
            item = _quota_in_force(kind, project, there, steps, source, destination)
            for name, limit in (item.fields["limits"] if item else {}).items():
                if added[project].get((kind, name)):
                    yield Capacity(
                        f"project {step.name}", name, int(limit), used[kind, name], added[project][kind, name]
                    )


def _quota_in_force(
    kind: str,
    project: str,
    there: str | None,
    steps: tuple[Step, ...],
    source: Inventory,
    destination: Inventory,
) -> Item | None:
    """The source's when it is going to be carried over, else the destination's."""
    carried = any(s.key == f"{kind}:{project}" and s.action is Action.CREATE for s in steps)
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
        elif item.kind in NETWORK_QUOTAS:
            sizes["network_quota", item.kind.replace("floating_ip", "floatingip")] += 1
    return sizes


def _adds(step: Step) -> bool:
    """What an interrupted run left unfinished is there already, and counted among what is used."""
    return step.action in (Action.CREATE, Action.MOVE) and not step.destination_id


def _temporaries(
    steps: tuple[Step, ...], source: Inventory, destination: Inventory, admins: Mapping[str, str]
) -> Iterator[Problem]:
    """Copies of volumes are made in the administrators' projects: the largest must fit in their quotas."""
    volumes = [
        i for s in steps if s.action is Action.MOVE and s.kind == "volume" and (i := source.by_key(s.key))
    ]
    if not volumes:
        return
    largest = max(v.fields["size"] for v in volumes)
    for inventory in (source, destination):
        project = admins[inventory.role]
        quota = inventory.get("volume_quota", project)
        used = _sizes(i for i in inventory if i.project_id == project)
        for name, need in (("volumes", 1), ("snapshots", 1), ("gigabytes", 2 * largest)):
            limit = int(quota.fields["limits"].get(name, -1)) if quota else -1
            if 0 <= limit < used["volume_quota", name] + need:
                yield Problem(
                    "temporary-quota",
                    BLOCK,
                    "",
                    f"{inventory.role}: the administrator's project {inventory.name_of('project', project)!r} lacks "
                    f"quota for temporary copies: {name} {limit}, {used['volume_quota', name]} used, {need} needed",
                    f"Raise it: 'openstack quota set --{name} N {inventory.name_of('project', project)}'.",
                )


def _fit(steps: tuple[Step, ...], source: Inventory, hosts: tuple[HostRoom, ...]) -> Iterator[Problem]:
    """First fit of the largest first: a rough answer, and a safe one to give before anything moves."""
    room = {h.name: [h.vcpus, h.ram_mb, h.disk_gb] for h in hosts}
    servers = [i for s in steps if s.kind == "server" and _adds(s) and (i := source.by_key(s.key))]
    missing: dict[str, float] = defaultdict(float)
    for item in sorted(servers, key=lambda i: -int(i.observed["ram_mb"])):
        disk = item.observed["root_gb"] if item.observed["image_id"] else 0
        need = [item.observed["vcpus"], item.observed["ram_mb"], disk]
        host = next((h for h in room if all(r >= n for r, n in zip(room[h], need, strict=True))), None)
        if host is None:
            for name, amount in zip(("vCPU", "MiB of RAM", "GiB of disk"), need, strict=True):
                missing[name] += amount
        else:
            room[host] = [r - n for r, n in zip(room[host], need, strict=True)]
    if missing:
        lacks = ", ".join(f"{amount:g} {name}" for name, amount in missing.items() if amount)
        what = f"the destination's {len(hosts)} hypervisor(s) lack room for all servers: {lacks} do not fit"
        yield Problem(
            "hosts", BLOCK, "", what, "Add hypervisors to the destination, or select fewer servers."
        )
