"""What the operator must know before anything moves: one rule, one function, one problem with its remedy."""

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pumphouse.config import Policy
from pumphouse.inventory import Inventory
from pumphouse.kinds.server import STATES
from pumphouse.model import Action, Capacity, HostRoom, Item, Problem, Row, Severity, Step
from pumphouse.plan.owner import owner_is_kept
from pumphouse.plan.select import Selected

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
Found = Iterator[tuple[str, str, str]]  # key, what, remedy


@dataclass(frozen=True)
class View:
    """What rules look at: the steps that change something, with their items."""

    steps: tuple[Step, ...]
    selected: Selected
    source: Inventory
    destination: Inventory
    rows: Mapping[str, Row]
    policy: Policy
    hosts: tuple[HostRoom, ...] | None

    def to_do(self, kind: str) -> Iterator[Item]:
        """Items of a kind that will be made or moved."""
        for step in self.steps:
            item = self.source.by_key(step.key)
            if step.kind == kind and step.action in (Action.CREATE, Action.MOVE) and item:
                yield item

    def started(self, item: Item) -> bool:
        """Whether its cutover has begun: then its present state is our doing."""
        row = self.rows.get(item.key)
        return row is not None and "status" in row.data


Rule = Callable[[View], Found]
RULES: dict[str, tuple[Severity, Rule]] = {}


def rule(identifier: str, severity: Severity) -> Callable[[Rule], Rule]:
    """Register a rule under its id."""

    def register(function: Rule) -> Rule:
        RULES[identifier] = (severity, function)
        return function

    return register


def check(
    steps: tuple[Step, ...],
    selected: Selected,
    source: Inventory,
    destination: Inventory,
    rows: Mapping[str, Row],
    policy: Policy,
    hosts: tuple[HostRoom, ...] | None,
) -> tuple[Problem, ...]:
    """Every problem that the rules find."""
    view = View(steps, selected, source, destination, rows, policy, hosts)
    return tuple(
        Problem(identifier, severity, key, what, remedy)
        for identifier, (severity, function) in RULES.items()
        for key, what, remedy in function(view)
    )


def _said(item: Item) -> str:
    return f"{item.kind.replace('_', ' ')} {item.name!r} ({item.id})"


@rule("blocked-step", BLOCK)
def _blocked_step(view: View) -> Found:
    for step in view.steps:
        if step.action is Action.BLOCK:
            remedy = "Make room for it or align the destination, or exclude it: "
            yield (
                step.key,
                f"{step.kind.replace('_', ' ')} {step.name!r} ({step.key.partition(':')[2]}): {step.reason}",
                f"{remedy}--exclude {step.kind}:{step.name}, or --skip-blocked.",
            )


@rule("dangling-reference", BLOCK)
def _dangling(view: View) -> Found:
    for item, key in view.selected.dangling:
        kind, _, identifier = key.partition(":")
        yield item.key, f"{_said(item)} refers to {kind} {identifier}, which the source does not have", (
            "Repair it at the source, or exclude it."
        )


@rule("excluded-needed", BLOCK)
def _excluded_needed(view: View) -> Found:
    for step in view.steps:
        if step.key in view.selected.excluded:
            yield step.key, f"{step.kind} {step.name!r} is excluded, and something selected needs it", (
                "Exclude what needs it too, or do not exclude it."
            )


@rule("server-state", BLOCK)
def _server_state(view: View) -> Found:
    for item in view.to_do("server"):
        status, task = item.observed["status"], item.observed["task_state"]
        if status not in STATES:
            why = f": {item.observed['fault']}" if item.observed["fault"] else ""
            yield item.key, f"{_said(item)} is in status {status}{why}", (
                f"Bring it to one of {', '.join(STATES)} at the source, or exclude it."
            )
        elif task and not view.started(item):
            yield item.key, f"{_said(item)} is busy ({task})", "Wait for it, then plan again."


@rule("server-local-disks", BLOCK)
def _local_disks(view: View) -> Found:
    for item in view.to_do("server"):
        disks = [f"{item.observed[n]} {unit} {word}" for n, unit, word in (
            ("ephemeral_gb", "GiB", "ephemeral disk"), ("swap_mb", "MiB", "swap")) if item.observed[n]]
        if disks:
            yield item.key, f"{_said(item)} has {' and '.join(disks)}, which no API can read", (
                "Copy what is on it to a volume inside the guest and resize to a flavor without it."
            )


@rule("server-flavor-gone", BLOCK)
def _flavor_gone(view: View) -> Found:
    for item in view.to_do("server"):
        if item.fields["flavor_id"] is None:
            yield item.key, f"{_said(item)}: its flavor {item.observed['flavor_name']!r} was deleted", (
                "Make a flavor of this name again at the source, or resize the server."
            )


@rule("server-owner", WARN)
def _owner(view: View) -> Found:
    for kind in ("server", "volume"):
        for item in view.to_do(kind):
            why = owner_is_kept(item, view.source, view.steps, view.rows)
            if why:
                yield item.key, f"{_said(item)} will belong to the administrator's user: {why}", (
                    "Nothing to do, unless someone counts on the user of the server or volume."
                )


@rule("server-new-id", NOTE)
def _new_id(view: View) -> Found:
    count = len(list(view.to_do("server")))
    if count:
        yield "", f"{count} server(s) get new ids, so cloud-init runs its once-per-instance part again", (
            "Make sure that the user data may run twice."
        )


@rule("user-password", NOTE)
def _password(view: View) -> Found:
    names = sorted(item.name for item in view.to_do("user"))
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        yield "", f"{len(names)} user(s) get a password that nobody knows: {shown}", (
            "Reset them in the destination: 'openstack user set --password-prompt USER'."
        )


@rule("server-group-hosts", BLOCK)
def _group_hosts(view: View) -> Found:
    for step in view.steps:
        group = view.source.by_key(step.key)
        if step.kind != "server_group" or group is None or view.hosts is None:
            continue
        members = [s for s in view.to_do("server") if s.fields["server_group_id"] == group.id]
        if group.fields["policy"] == "anti-affinity" and len(members) > len(view.hosts):
            yield members[-1].key, (
                f"{_said(members[-1])} is in server group {group.name!r}, whose {len(members)} servers must be on "
                f"hosts of their own; the destination has {len(view.hosts)}"
            ), "Add hypervisors to the destination, or move fewer of them."


@rule("volume-state", BLOCK)
def _volume_state(view: View) -> Found:
    for item in view.to_do("volume"):
        status = item.observed["status"]
        if status not in ("available", "in-use") and not _ours_uploads(view, item):
            yield item.key, f"{_said(item)} is in status {status}", "Bring it to available or in-use, or exclude it."


def _ours_uploads(view: View, item: Item) -> bool:
    return item.observed["status"] == "uploading" and item.key in view.rows


@rule("volume-encrypted", BLOCK)
def _encrypted(view: View) -> Found:
    for item in view.to_do("volume"):
        if item.observed["encrypted"]:
            yield item.key, f"{_said(item)} is encrypted: its key stays in the source", (
                "Copy it to an unencrypted volume inside a guest, or retype it."
            )


@rule("volume-attached-elsewhere", BLOCK)
def _elsewhere(view: View) -> Found:
    servers = {i.id for i in view.to_do("server")}
    for item in view.to_do("volume"):
        attached = [a["server_id"] for a in item.observed["attachments"]]
        if len(attached) > 1:
            yield item.key, f"{_said(item)} is attached to {len(attached)} servers", (
                "Detach it from all but one; attach it again in the destination."
            )
        elif attached and attached[0] not in servers:
            name = view.source.name_of("server", attached[0])
            yield item.key, f"{_said(item)} is attached to server {name!r}, which is not moved", (
                "Select that server too, or detach the volume, or exclude it."
            )


@rule("volume-snapshots", WARN)
def _snapshots(view: View) -> Found:
    for item in view.to_do("volume"):
        if item.observed["snapshots"]:
            count = item.observed["snapshots"]
            yield item.key, f"{_said(item)} has {count} snapshot(s), which are not carried over", (
                "They stay at the source; make volumes of those you need before 'commit'."
            )


@rule("rules-address-group", BLOCK)
def _address_group(view: View) -> Found:
    for item in view.to_do("security_group_rules"):
        if item.observed["address_groups"]:
            yield item.key, f"security group {item.name!r} has rules with address groups, not carried yet", (
                "Write the addresses into the rules, or exclude the group and what uses it."
            )


@rule("port-extras", WARN)
def _port_extras(view: View) -> Found:
    for item in view.to_do("port"):
        for name, words in (("trunk_details", "is the parent of a trunk"), ("qos_policy_id", "has a QoS policy")):
            if item.observed.get(name):
                yield item.key, f"{_said(item)} {words}, which is not carried yet", "Set it up in the destination."


@rule("port-in-use", BLOCK)
def _port_in_use(view: View) -> Found:
    reused = {s.key: s.destination_id for s in view.steps if s.kind == "port" and s.action is Action.REUSE}
    for server in view.to_do("server"):
        if view.rows.get(server.key) and view.rows[server.key].destination_id:
            continue
        for port in server.fields["ports"]:
            there = view.destination.get("port", reused.get(f"port:{port}"))
            if there and there.observed["device_id"] and not view.started(server):
                yield server.key, f"{_said(server)}: its port's counterpart {there.id} is in use already", (
                    "Was it moved with another ledger? Use that ledger, or remove the server in the destination."
                )


@rule("router-address", WARN)
def _router_address(view: View) -> Found:
    for item in view.to_do("router"):
        if item.fields.get("external_gateway_info"):
            yield item.key, f"{_said(item)} keeps its external address and is switched on by the first cutover", (
                "If both clouds share that network, switch the source's router off when its last server has left."
            )


@rule("floating-ip-outside", BLOCK)
def _outside(view: View) -> Found:
    for item in view.to_do("floating_ip"):
        step = next((s for s in view.steps if s.key == f"network:{item.fields['floating_network_id']}"), None)
        if step is None or not step.destination_id:
            continue
        cidrs = [
            ipaddress.ip_network(s.fields["cidr"])
            for s in view.destination.of("subnet")
            if s.fields["network_id"] == step.destination_id
        ]
        address = ipaddress.ip_address(item.fields["floating_ip_address"])
        if not any(address in cidr for cidr in cidrs):
            yield item.key, f"floating IP {address} is in no subnet of the destination's network {step.name!r}", (
                "Add a subnet that holds it to that network, or exclude the floating IP."
            )


@rule("floating-ip-forwarding", WARN)
def _forwarding(view: View) -> Found:
    for item in view.to_do("floating_ip"):
        if item.observed.get("port_forwardings"):
            yield item.key, f"floating IP {item.name} has port forwardings, not carried yet", (
                "Set them up in the destination."
            )


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
    added = {project: _sizes(i for s in steps if s.action in (Action.CREATE, Action.MOVE)
                             and (i := source.by_key(s.key)) and i.project_id == project)
             for project in projects}
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
    kind: str, project: str, there: str | None, steps: tuple[Step, ...], source: Inventory, destination: Inventory
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


def _temporaries(
    steps: tuple[Step, ...], source: Inventory, destination: Inventory, admins: Mapping[str, str]
) -> Iterator[Problem]:
    """Copies of volumes are made in the administrators' projects: the largest must fit in their quotas."""
    volumes = [i for s in steps if s.action is Action.MOVE and s.kind == "volume" and (i := source.by_key(s.key))]
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
    servers = [i for s in steps if s.action is Action.MOVE and s.kind == "server" and (i := source.by_key(s.key))]
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
        yield Problem("hosts", BLOCK, "", what, "Add hypervisors to the destination, or select fewer servers.")
