"""``pumphouse host``."""

import argparse
from collections.abc import Iterator

from pumphouse.cli.base import Listing, Table
from pumphouse.model import HostStatus

COLUMNS = (
    "Host",
    "Cloud",
    "State",
    "Status",
    "Servers",
    "vCPUs",
    "Memory MiB",
    "Power",
    "Engine",
    "Last action",
)


class List(Table):
    """List the hosts of both clouds, what is on them, and whether their BMCs answer."""

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Ask both clouds and every BMC."""
        with self.app.service() as service:
            return COLUMNS, [_row(host) for host in service.hosts()]


class Show(Table):
    """Show one host."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which host."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", help="Its name, as in 'pumphouse host list'.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Ask both clouds and every BMC."""
        with self.app.service() as service:
            return ("Field", "Value"), list(_fields(service.host(parsed_args.host)))


def _row(host: HostStatus) -> tuple[str, ...]:
    return (
        host.name,
        host.cloud,
        host.state,
        host.status,
        str(sum((host.servers or {}).values())) if host.cloud else "",
        _used(host.vcpus),
        _used(host.memory),
        _power(host),
        host.node,
        host.action,
    )


def _fields(host: HostStatus) -> Iterator[tuple[str, str]]:
    yield from zip(COLUMNS, _row(host), strict=True)
    yield "Disabled because", host.reason
    yield "MAC addresses", ", ".join(host.macs)
    yield "BMC", host.fault or ("answers" if host.power else "not in inventory.yaml")
    for project, count in (host.servers or {}).items():
        yield f"Servers of {project}", str(count)


def _used(pair: tuple[int, int] | None) -> str:
    return f"{pair[0]} of {pair[1]}" if pair else ""


def _power(host: HostStatus) -> str:
    return host.power.value if host.power else "unknown" if host.fault else ""
