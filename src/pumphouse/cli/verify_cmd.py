"""``pumphouse verify``."""

import argparse
from typing import Any

from cliff.columns import FormattableColumn

from pumphouse.cli import selection
from pumphouse.cli.base import Listing, Table
from pumphouse.cli.running import running
from pumphouse.errors import Mismatch
from pumphouse.events import Bus
from pumphouse.model import Difference, Event, RunResult
from pumphouse.report import units
from pumphouse.report.brief import sides

COLUMNS = ("Kind", "Name", "Source ID", "Field", "Source", "Destination", "Note")


class Verify(Table):
    """Compare source and destination, field by field and byte by byte; lists what differs."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the selection and how much to compare."""
        parser = super().get_parser(prog_name)
        selection.add_arguments(parser, optional=True)
        parser.add_argument("--no-data", action="store_true", help="Compare the fields only, not the disks.")
        parser.add_argument(
            "--accept-running",
            action="store_true",
            help="Disks of servers that have been running since the move may differ: their guests write to "
            "them. They were proven equal before the servers started.",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Compare; exit code 1 when something differs that must not."""
        bus, disks = Bus(), set[str]()
        bus.subscribe(lambda event: disks.add(event.key) if _is_disk(event) else None)
        with self.app.service(bus) as service:
            wanted = selection.parse_or_newest(parsed_args, service)
            with running(self.app, service, bus):
                result = service.verify(
                    wanted, data=not parsed_args.no_data, accept_running=parsed_args.accept_running
                )
        self._judge(result, len(disks))
        return COLUMNS, [_row(difference) for difference in result.differences]

    def _judge(self, result: RunResult, disks: int) -> None:
        for outcome in result.failed:
            self.app.say(f"{outcome.key}: could not be compared: {outcome.error}")
        if any(difference.failing for difference in result.differences):
            self.exit_code = Mismatch.exit_code
        elif result.failed:
            self.exit_code = 1
        else:
            resources = units.count(len(result.outcomes), "resource")
            self.app.say(f"{resources} and {units.count(disks, 'disk')} are equal")
        self.lists = bool(result.differences)


class Side(FormattableColumn[Any]):
    """A value of one side: what differs of it for people, all of it for programs.

    :param brief: what people see.
    """

    def __init__(self, value: Any, brief: str) -> None:
        super().__init__(value)
        self.brief = brief

    def human_readable(self) -> str:
        """What differs."""
        return self.brief


def _row(difference: Difference) -> tuple[object, ...]:
    here, there = sides(difference)
    return (
        difference.kind,
        difference.name,
        difference.key.partition(":")[2],
        difference.field,
        Side(difference.source, here),
        Side(difference.destination, there),
        difference.note,
    )


def _is_disk(event: Event) -> bool:
    """Whether an event says that the data of a disk was compared."""
    return event.type == "step.done" and event.data.get("action") == "verify"
