"""What can go to the destination together: whole projects, applications, single servers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pumphouse.inventory import Inventory
from pumphouse.model import PlacedServer, Portion, Row, Selection, make_key
from pumphouse.plan.connected import applications
from pumphouse.plan.together import together
from pumphouse.policy import Policy


def portions(
    source: Inventory, servers: Sequence[PlacedServer], rows: Mapping[str, Row], policy: Policy
) -> tuple[tuple[Portion, ...], ...]:
    """The servers in portions, coarse ones first: by project, by application, one by one (unless they share volumes).

    What is torn apart talks over the borders of two clouds for a while: finer portions are for what does not fit.

    :param rows: the ledger's: what a project or a server group became in the destination.
    """
    found = {server.id: _there(source, server, rows, policy) for server in servers}
    names = Counter(item.name for item in source.of("server"))
    which = {key: index for index, keys in enumerate(applications(source)) for key in keys}
    items = [item for identifier in found if (item := source.get("server", identifier))]
    inseparable = {item.key: index for index, group in enumerate(together(items)) for item in group}
    projects: dict[str, list[PlacedServer]] = defaultdict(list)
    for server in servers:
        projects[server.project].append(found[server.id])
    return (
        tuple(
            Portion(Selection("project", (_project(source, identifier),)), tuple(members))
            for identifier, members in projects.items()
        ),
        tuple(_portion(part, names) for members in projects.values() for part in _apart(members, which)),
        tuple(_portion(part, names) for part in _apart(found.values(), inseparable)),
    )


def _there(source: Inventory, server: PlacedServer, rows: Mapping[str, Row], policy: Policy) -> PlacedServer:
    """The server as the destination has to place it: zone, project and server group are its own."""

    def become(kind: str, identifier: str) -> str:
        row = rows.get(make_key(kind, identifier))
        return (row.destination_id if row else None) or identifier

    item = source.get("server", server.id)
    pinned = server.zone if item and item.observed["zone_pinned"] else ""
    name = source.name_of("project", server.project)
    zones = policy.at(name, server.name, ids=(server.project, server.id)).availability_zones
    return replace(
        server,
        project=become("project", server.project),
        zone=zones.get(server.zone, pinned),
        group=become("server_group", server.group) if server.group else "",
    )


def _project(source: Inventory, identifier: str) -> str:
    """Its name; its id when others are called the same."""
    name = source.name_of("project", identifier)
    return name if [p.name for p in source.of("project")].count(name) == 1 else identifier


def _apart(servers: Iterable[PlacedServer], which: Mapping[str, int]) -> Iterable[tuple[PlacedServer, ...]]:
    """Servers by what they are part of."""
    found: dict[object, list[PlacedServer]] = defaultdict(list)
    for server in servers:
        found[which.get(make_key("server", server.id), server.id)].append(server)
    return map(tuple, found.values())


def _portion(servers: tuple[PlacedServer, ...], names: Counter[str]) -> Portion:
    called = tuple(server.name if names[server.name] == 1 else server.id for server in servers)
    return Portion(Selection("server", called), servers)
