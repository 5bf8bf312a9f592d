"""What the operator asked for, closed over what it needs and what belongs to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from pumphouse.errors import UsageError
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import SELECTABLE, Item, Selection
from pumphouse.plan.connected import connected
from pumphouse.plan.names import resolve
from pumphouse.server_body import SHELVED

IDENTITY = (
    *("domain", "project", "role", "implied_role", "user", "group", "group_membership"),
    *("role_assignment", "credential", "application_credential", "trust"),
)
# The services' own: every cloud has its own of these.
SERVICE_PROJECTS = ("service", "services")


@dataclass(frozen=True)
class Selected:
    """The items, and references that lead nowhere.

    :param dangling: ``(item, key that is not in the source)``.
    :param excluded: keys the operator excluded; needed ones among them are a problem.
    :param because: key of a server that hangs together with what was named → in which way.
    """

    items: tuple[Item, ...]
    dangling: tuple[tuple[Item, str], ...]
    excluded: frozenset[str]
    because: Mapping[str, str] = field(default_factory=dict)


def select(source: Inventory, selection: Selection) -> Selected:
    """Resolve a selection.

    :raises UsageError: for a name that is not there, is ambiguous, or a filter that makes no sense.
    """
    seeds, excluded = named(source, selection), _excluded(source, selection.exclude)
    because = connected(source, seeds, excluded) if selection.connected else {}
    seeds += [item for key in because if (item := source.by_key(key))]
    return replace(_close(source, seeds, excluded), because=because)


def named(source: Inventory, selection: Selection) -> list[Item]:
    """What the selection names itself, without what that needs.

    :raises UsageError: see :func:`select`.
    """
    wanted = _seeds(source, selection)
    keep = _filter(source, selection.filters)
    if selection.filters:
        wanted = [i for i in wanted if i.kind in ("project", "server", "volume") and keep(i)]
    excluded = _excluded(source, selection.exclude)
    left_out = {i.id for i in source.of("server") if i.key in excluded}
    seeds = [
        i
        for i in wanted
        if i.key not in excluded
        and not part_of(i, left_out, source)
        and f"volume:{i.fields.get('volume_id')}" not in excluded
    ]
    if not seeds:
        raise UsageError(f"{selection}: nothing is selected", "Check the filters and what is excluded.")
    return seeds


def _seeds(source: Inventory, selection: Selection) -> list[Item]:
    if selection.what in ("all", "identity"):
        left = _service_things(source)
        return [
            item
            for item in source
            if item.key not in left
            and (item.kind in IDENTITY if selection.what == "identity" else item.project_id not in left)
        ]
    if selection.what not in SELECTABLE:
        known = ", ".join((*SELECTABLE, "identity"))
        raise UsageError(f"cannot select by {selection.what!r}", f"Choose one of: {known}, or --all.")
    if selection.what in ("host", "availability_zone"):
        return [server for name in selection.names for server in _at(source, selection.what, name)]
    items = [resolve(source, selection.what, name) for name in selection.names]
    if selection.what == "server_group":
        groups = {item.id for item in items}
        return [*items, *(s for s in source.of("server") if s.fields["server_group_id"] in groups)]
    if selection.what not in ("project", "domain"):
        return items
    theirs = _owned(source, items)
    if any(item.name in SERVICE_PROJECTS for item in items):
        return theirs
    left = _service_things(source)
    return [item for item in theirs if item.key not in left and item.project_id not in left]


def _owned(source: Inventory, items: list[Item]) -> list[Item]:
    """What belongs to projects, or to domains: their projects with all in them, users, groups and roles."""
    domains = {i.id for i in items if i.kind == "domain"}
    owners = {i.id for i in items} | {
        i.id for kind in ("project", "user", "group") for i in source.of(kind) if _domain(i) in domains
    }
    return [
        item
        for item in source
        if item.project_id in owners
        or (item.kind == "domain" and item.id in domains)
        or _domain(item) in domains
        or (
            domains
            and item.kind in IDENTITY
            and {item.fields.get("user_id"), item.fields.get("group_id")} & owners
        )
    ]


def _domain(item: Item) -> str | None:
    return item.fields.get("domain_id") if item.kind in IDENTITY else None


def _service_things(source: Inventory) -> set[str]:
    projects = {p.id for p in source.of("project") if p.name in SERVICE_PROJECTS}
    users = {
        str(a.fields["user_id"])
        for a in source.of("role_assignment")
        if a.fields.get("project_id") in projects and "user_id" in a.fields
    }
    parts = {
        i.key
        for kind in ("role_assignment", "group_membership", "credential", "application_credential")
        for i in source.of(kind)
        if i.fields.get("user_id") in users or i.project_id in projects
    }
    return projects | {f"project:{p}" for p in projects} | {f"user:{u}" for u in users} | parts


def _at(source: Inventory, what: str, name: str) -> list[Item]:
    """The servers on a host, or in an availability zone."""
    servers = [s for s in source.of("server") if s.observed[what] == name]
    if not servers:
        known = sorted({str(s.observed[what]) for s in source.of("server") if s.observed[what]})
        called = what.replace("_", " ")
        raise UsageError(
            f"no server of the source is {'on' if what == 'host' else 'in'} {called} {name!r}",
            f"Those with servers: {', '.join(known)}.",
        )
    return servers


def _excluded(source: Inventory, patterns: Iterable[str]) -> frozenset[str]:
    keys: set[str] = set()
    for pattern in patterns:
        kind, colon, name = pattern.partition(":")
        if not colon or kind not in KINDS:
            raise UsageError(f"--exclude {pattern}: not KIND:NAME", "For example --exclude server:web-*.")
        keys |= {i.key for i in source.of(kind) if i.id == name or fnmatchcase(i.name, name)}
    return frozenset(keys)


def answers_for(address: Item) -> list[str]:
    """Ids of the ports that a floating IP points at or forwards to."""
    forwardings = address.fields.get("port_forwardings") or ()
    ids = [address.fields.get("port_id"), *(each["internal_port_id"] for each in forwardings)]
    return list(dict.fromkeys(str(identifier) for identifier in ids if identifier))


def part_of(item: Item, servers: set[str], source: Inventory) -> bool:
    """Whether an item belongs to one of these servers: its ports, addresses, volumes and their snapshots do."""
    if item.kind == "port":
        trunk = source.get("trunk", item.observed["device_id"])  # a subport belongs to its trunk
        return part_of(trunk, servers, source) if trunk else item.observed["device_id"] in servers
    if item.kind == "trunk":
        parent = source.get("port", item.fields["port_id"])
        return parent is not None and part_of(parent, servers, source)
    if item.kind == "floating_ip":
        ports = [source.get("port", port) for port in answers_for(item)]
        return bool(ports) and all(port is not None and part_of(port, servers, source) for port in ports)
    if item.kind == "volume":
        return any(server in servers for server in attached_to(item, source))
    if item.kind == "volume_snapshot":
        volume = source.get("volume", item.fields["volume_id"])
        return volume is not None and part_of(volume, servers, source)
    return False


def attached_to(volume: Item, source: Inventory) -> list[str]:
    """Ids of the servers that a volume is attached to; Cinder does not show those that are shelved."""
    attached = [str(a["server_id"]) for a in volume.observed["attachments"]]
    if volume.observed["status"] != "reserved":
        return attached
    shelved = [s for s in source.of("server") if s.observed["status"] in SHELVED]
    holding = (s.id for s in shelved if any(v["volume_id"] == volume.id for v in s.fields["volumes"]))
    return list(dict.fromkeys([*attached, *holding]))


def _filter(source: Inventory, filters: Iterable[str]) -> Callable[[Item], bool]:
    tests = [_test(source, text) for text in filters]

    def keep(item: Item) -> bool:
        if item.kind == "volume" and attached_to(item, source):
            return False  # comes with its server
        return item.kind == "project" or all(test(item) for test in tests)

    return keep


def _test(source: Inventory, text: str) -> Callable[[Item], bool]:
    field, equals, value = text.partition("=")
    if not equals or not value:
        raise UsageError(f"--filter {text}: not FIELD=VALUE", "For example --filter name=web-*.")
    if field.startswith("metadata."):
        name = field.removeprefix("metadata.")
        return lambda item: fnmatchcase(str(item.fields["metadata"].get(name, "")), value)
    if field == "network":
        network = resolve(source, "network", value).id
        return lambda item: any(
            (port := source.get("port", p)) is not None and port.fields["network_id"] == network
            for p in item.fields.get("ports", ())
        )
    tests: dict[str, Callable[[Item], bool]] = {
        "name": lambda item: fnmatchcase(item.name, value),
        "tag": lambda item: value in item.fields.get("tags", ()),
        "availability_zone": lambda item: item.observed.get("availability_zone") == value,
        "status": lambda item: str(item.observed["status"]).lower() == value.lower(),
    }
    if field not in tests:
        known = ", ".join((*tests, "network", "metadata.KEY"))
        raise UsageError(f"--filter {text}: unknown field {field!r}", f"Known fields: {known}.")
    return tests[field]


def _close(source: Inventory, seeds: list[Item], excluded: frozenset[str]) -> Selected:
    selected: dict[str, Item] = {}
    dangling: list[tuple[Item, str]] = []
    queue = list(seeds)
    while queue:
        while queue:
            item = queue.pop()
            if item.key in selected:
                continue
            selected[item.key] = item
            for key in KINDS[item.kind].needs(item):
                needed = source.by_key(key)
                if needed is None:
                    dangling.append((item, key))
                else:
                    queue.append(needed)
        queue = [i for i in _companions(source, selected) if i.key not in excluded]
    return Selected(tuple(selected.values()), tuple(dangling), excluded)


def _companions(source: Inventory, selected: dict[str, Item]) -> list[Item]:
    """Items not selected that belong to selected ones."""
    return [
        item
        for kind in KINDS.values()
        for item in source.of(kind.name)
        if item.key not in selected and kind.belongs(item, selected)
    ]
