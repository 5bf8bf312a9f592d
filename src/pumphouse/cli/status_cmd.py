"""``pumphouse status``."""

import argparse
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pumphouse.cli.base import Listing, Moment, Table
from pumphouse.errors import UsageError
from pumphouse.model import Event, Migration
from pumphouse.report import units
from pumphouse.report.board import Board, amount

if TYPE_CHECKING:
    from pumphouse.service import Service

MIGRATIONS = ("ID", "Selection", "State", "Done", "Failed", "Started", "Updated")
ROWS = ("Kind", "Name", "State", "Source ID", "Destination ID")
_FINISHED = ("done", "reused", "committed")
_ENDS = ("run.done", "run.failed")


class Status(Table):
    """List the migrations, or the resources of one; --follow shows a run as it happens."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the migration and whether to follow it."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "migration", nargs="?", metavar="MIGRATION_ID", help="Show the resources of this one."
        )
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Print each event as it happens, from any process, until the run ends; -f json works.",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Read the ledger; the clouds are not asked."""
        with self.app.service() as service:
            migration = _find(service, parsed_args.migration) if parsed_args.migration else None
            if parsed_args.follow:
                self.lists = False
                self._follow(service, parsed_args.migration, as_json=parsed_args.formatter == "json")
                return MIGRATIONS, ()
            if migration is None:
                return MIGRATIONS, [_line(service, each) for each in service.migrations()]
            rows = (*service.rows(migration.id), *service.rolled_back(migration.id))
        return ROWS, [(row.kind, row.name, row.state, row.source_id, row.destination_id) for row in rows]

    def _follow(self, service: "Service", migration: str | None, *, as_json: bool) -> None:
        board = Board()
        for event in follow(service, migration):
            board.apply(event)
            self.app.stdout.write(f"{_as_json(event) if as_json else _as_text(event, board)}\n")
            self.app.stdout.flush()


def follow(service: "Service", migration: str | None, pause: float = 1.0) -> Iterator[Event]:
    """The events of the run that is going on, or of the next one, until it ends.

    :param migration: whose runs; any when left out.
    """
    past = service.events(0, migration)
    starts = [i for i, event in enumerate(past) if event.type == "run.started"]
    current = past[starts[-1] :] if starts else ()
    if any(event.type in _ENDS for event in current):
        current = ()
    seen = past[-1].seq if past else 0
    while True:
        for event in current:
            yield event
            seen = max(seen, event.seq)
            if event.type in _ENDS:
                return
        if not current:
            time.sleep(pause)
        current = service.events(seen, migration)


def _find(service: "Service", identifier: str) -> Migration:
    for migration in service.migrations():
        if migration.id == identifier:
            return migration
    raise UsageError(f"no migration '{identifier}'", "'pumphouse status' lists them.")


def _line(service: "Service", migration: Migration) -> tuple[object, ...]:
    board = Board()
    for event in service.events(0, migration.id):
        board.apply(event)
    done = sum(row.state in _FINISHED for row in service.rows(migration.id))
    return (
        migration.id,
        str(migration.selection),
        migration.state,
        done,
        len(board.failed),
        Moment(migration.created_at),
        Moment(migration.updated_at),
    )


def _as_json(event: Event) -> str:
    return json.dumps(
        {
            "seq": event.seq,
            "at": event.at,
            "migration": event.migration,
            "type": event.type,
            "key": event.key,
            "data": dict(event.data),
        },
        default=str,
    )


def _as_text(event: Event, board: Board) -> str:
    data = event.data
    if event.type == "progress":
        said = amount(int(data.get("done", 0)), int(data.get("total", 0)), float(data.get("rate", 0)))
    else:
        shown = {
            k: v for k, v in data.items() if k not in ("workload", "name", "kind") and v not in (None, "")
        }
        said = " ".join(f"{name}={_value(name, value)}" for name, value in shown.items())
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    return f"{at} {event.type:<16} {board.name(event)} {said}".rstrip()


def _value(name: str, value: object) -> str:
    if name == "bytes" and isinstance(value, int):
        return units.size(value)
    if name in ("seconds", "downtime") and isinstance(value, int | float):
        return units.duration(value)
    return str(value)
