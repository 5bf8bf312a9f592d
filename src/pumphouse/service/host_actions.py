"""Hosts joined with what their deployment engine and the ledger say of them."""

from collections.abc import Iterable
from dataclasses import replace

from pumphouse.errors import ProvisionError
from pumphouse.model import HostStatus, Node
from pumphouse.service.session import Session


def with_actions(session: Session, found: Iterable[HostStatus]) -> tuple[HostStatus, ...]:
    """The hosts, each with its state in the destination's engine, by MAC address, and what was last done to it."""
    records = {record.name: record for record in session.adapters.hosts.all()}
    engine = session.adapters.provisioner("destination")
    nodes: tuple[Node, ...] = ()
    silent = False
    try:
        nodes = engine.nodes() if engine else ()
    except ProvisionError:  # the list is of use without it; 'pumphouse check' tells why
        silent = True

    def joined(host: HostStatus) -> HostStatus:
        node = next((n for n in nodes if set(n.macs) & set(host.macs) or n.host == host.name), None)
        record = records.get(host.name)
        said = f"{record.operation}: {record.stage} {record.state}" if record else ""
        state = "unknown" if silent else node.state.value if node else ""
        return replace(host, node=state, action=said.replace("done done", "done"))

    return tuple(joined(host) for host in found)
