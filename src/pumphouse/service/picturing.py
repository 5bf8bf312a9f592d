"""Both clouds at a glance; quick enough to be looked at again and again, so BMCs and engines are not asked."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pumphouse.model import HostStatus, Picture, ProjectStatus, Row, ServerStatus
from pumphouse.ports import Cloud
from pumphouse.service.hosts import hosts_with, projects_of, servers_of
from pumphouse.service.session import Session

Seen = tuple[tuple[ProjectStatus, ...], tuple[ServerStatus, ...], list[HostStatus]]


def picture(session: Session) -> Picture:
    """Hosts, servers and projects of both clouds, with what the ledger says of the servers."""
    a = session.adapters
    with ThreadPoolExecutor(2) as pool:
        source, destination = pool.map(_look, (a.source, a.destination))
    rows = [row for row in a.ledger.rows().values() if row.kind == "server" and row.how == "created"]
    by_source, by_destination = ({_id(row, side): row for row in rows} for side in ("source", "destination"))
    servers = [
        *(_left(server, by_source.get(server.id)) for server in source[1]),
        *(_arrived(server, by_destination.get(server.id)) for server in destination[1]),
    ]
    both = (*source[2], *destination[2])
    return Picture(a.clock.now(), *session.labels, both, tuple(servers), (*source[0], *destination[0]))


def _look(cloud: Cloud) -> Seen:
    projects = projects_of(cloud)
    servers = servers_of(cloud, projects)
    return projects, servers, hosts_with(cloud, servers)


def _id(row: Row, side: str) -> str:
    return row.source_id if side == "source" else row.destination_id or ""


def _left(server: ServerStatus, row: Row | None) -> ServerStatus:
    return replace(server, moved=row.state, counterpart=row.destination_id or "") if row else server


def _arrived(server: ServerStatus, row: Row | None) -> ServerStatus:
    return replace(server, moved=row.how, counterpart=row.source_id) if row else server
