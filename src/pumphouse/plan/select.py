"""What the operator asked for, closed over what it needs and what belongs to it."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pumphouse.errors import UsageError
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Item, Selection
from pumphouse.server_body import SHELVED

NAMED = ("project", "server", "image", "volume", "network", "flavor", "keypair")
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
    """

    items: tuple[Item, ...]
    dangling: tuple[tuple[Item, str], ...]
    excluded: frozenset[str]


def select(source: Inventory, selection: Selection) -> Selected:
    """Resolve a selection.

    :raises UsageError: for a name that is not there, is ambiguous, or a filter that makes no sense.
    """
    return _close(source, named(source, selection), _excluded(source, selection.exclude))


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
    if selection.what == "all":
        left = _service_things(source)
        return [item for item in source if item.key not in left and item.project_id not in left]
    if selection.what == "identity":
        left = _service_things(source)
        return [i for kind in IDENTITY for i in source.of(kind) if i.key not in left]
    if selection.what == "host":
        return [server for name in selection.names for server in _on_host(source, name)]
    if selection.what not in NAMED:
        known = ", ".join((*NAMED, "host", "identity"))
        raise UsageError(f"cannot select by {selection.what!r}", f"Choose one of: {known}, or --all.")
    items = [resolve(source, selection.what, name) for name in selection.names]
    if selection.what != "project":
        return items
    owners = {item.id for item in items}
    theirs = [item for item in source if item.project_id in owners]
    if any(item.name in SERVICE_PROJECTS for item in items):
        return theirs
    left = _service_things(source)
    return [item for item in theirs if item.key not in left]


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


def _on_host(source: Inventory, name: str) -> list[Item]:
    servers = [s for s in source.of("server") if s.observed["host"] == name]
    if not servers:
        hosts = sorted({str(s.observed["host"]) for s in source.of("server") if s.observed["host"]})
        raise UsageError(
            f"no server of the source is on host {name!r}", f"Hosts with servers: {', '.join(hosts)}."
        )
    return servers


def resolve(source: Inventory, kind: str, name: str) -> Item:
    """The one item of this name or id.

    :raises UsageError: when there is none, with near misses; or several, with their ids.
    """
    found = [i for i in source.of(kind) if i.id == name] or [i for i in source.of(kind) if i.name == name]
    if not found:
        near = difflib.get_close_matches(name, [i.name for i in source.of(kind)], 3)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"See 'pumphouse inventory source --kind {kind}'."
        )
        raise UsageError(f"the source has no {kind} named {name!r}", hint)
    if len(found) > 1:
        ids = ", ".join(i.id for i in found)
        raise UsageError(f"the source has {len(found)} {kind}s named {name!r}", f"Name one by its id: {ids}.")
    return found[0]


def _excluded(source: Inventory, patterns: Iterable[str]) -> frozenset[str]:
    keys: set[str] = set()
    for pattern in patterns:
        kind, colon, name = pattern.partition(":")
        if not colon or kind not in KINDS:
            raise UsageError(f"--exclude {pattern}: not KIND:NAME", "For example --exclude server:web-*.")
        keys |= {i.key for i in source.of(kind) if i.id == name or fnmatchcase(i.name, name)}
    return frozenset(keys)


def part_of(item: Item, servers: set[str], source: Inventory) -> bool:
    """Whether an item belongs to one of these servers: its ports, addresses, volumes and their snapshots do."""
    if item.kind == "port":
        return item.observed["device_id"] in servers
    if item.kind == "floating_ip":
        port = source.get("port", item.fields.get("port_id"))
        return port is not None and port.observed["device_id"] in servers
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
        if kind.companion_of
        for item in source.of(kind.name)
        if item.key not in selected and kind.belongs(item, selected)
    ]
