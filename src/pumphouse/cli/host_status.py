"""``pumphouse host status``."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pumphouse.cli.base import Listing, Moment, Table
from pumphouse.cli.status_cmd import follow
from pumphouse.errors import UsageError

if TYPE_CHECKING:
    from pumphouse.model import HostRecord
    from pumphouse.service import Service

COLUMNS = ("Host", "Operation", "Stage", "State", "Percent", "Message", "Since")


class Status(Table):
    """Show what was last done to hosts, and how far it is; --follow shows it as it happens."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which host, and whether to follow it."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", nargs="?", help="Only this one.")
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Print each change, made by any process, until the run ends.",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Read the ledger; neither clouds nor engines are asked."""
        with self.app.service() as service:
            records = service.host_records()
            if parsed_args.host and parsed_args.host not in {record.name for record in records}:
                raise UsageError(
                    f"nothing was done to host {parsed_args.host!r} yet",
                    "'pumphouse host list' lists the hosts.",
                )
            if parsed_args.follow:
                self.lists = False
                self._follow(service, parsed_args.host)
                return COLUMNS, ()
            wanted = [record for record in records if parsed_args.host in (None, record.name)]
            return COLUMNS, [_row(record, _last(service, record)) for record in wanted]

    def _follow(self, service: "Service", host: str | None) -> None:
        from pumphouse.report.news import stage_line

        record = next((r for r in service.host_records() if r.name == host), None)
        for event in follow(service, _migration(service, record) if record else None):
            if event.type == "host.stage":
                self.app.stdout.write(f"{Moment(event.at).human_readable()} {stage_line(event.data)}\n")
                self.app.stdout.flush()


def _row(record: "HostRecord", last: Mapping[str, Any]) -> tuple[object, ...]:
    percent = last.get("percent")
    return (
        record.name,
        record.operation,
        record.stage,
        record.state,
        "" if percent is None or record.state == "done" else f"{percent} %",
        record.data.get("error") or ("" if record.state == "done" else last.get("message", "")),
        Moment(record.updated_at),
    )


def _last(service: "Service", record: "HostRecord") -> Mapping[str, Any]:
    """The newest event of the stage that a host is at."""
    migration = _migration(service, record)
    events = service.events(0, migration) if migration else ()
    said = (e.data for e in reversed(events) if e.type == "host.stage" and e.data["stage"] == record.stage)
    return next(said, {})


def _migration(service: "Service", record: "HostRecord") -> str | None:
    """Under what the events of an operation are kept."""
    for migration in service.migrations():
        if (migration.selection.what, migration.selection.names) == (record.operation, (record.name,)):
            return migration.id
    return None
