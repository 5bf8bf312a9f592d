"""``pumphouse report``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pumphouse.cli import selection
from pumphouse.cli.base import Listing, Seconds, Size, Table
from pumphouse.errors import UsageError

if TYPE_CHECKING:
    from pumphouse.report import Report as Value

COLUMNS = ("Field", "Value")


class Report(Table):
    """Say what a migration did: as a page, as JSON, or in short."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the selection and the files."""
        parser = super().get_parser(prog_name)
        selection.add_arguments(parser, optional=True)
        parser.add_argument("--html", type=Path, metavar="FILE", help="Write one self-contained page.")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write everything as JSON.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Build the report from the ledger; the clouds are not asked."""
        from pumphouse.report import to_html, to_json

        with self.app.service() as service:
            report = service.report(selection.parse_or_newest(parsed_args, service))
        if parsed_args.html:
            self._write(parsed_args.html, to_html(report))
        if parsed_args.json:
            self._write(parsed_args.json, json.dumps(to_json(report), indent=2, default=str) + "\n")
        self.lists = not (parsed_args.html or parsed_args.json)
        return COLUMNS, short(report)

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}", "Name another file.") from None
        self.app.say(f"written: {path}")


def short(report: "Value") -> list[tuple[str, object]]:
    """The report in a few lines."""
    migration = report.migration
    return [
        ("Migration", migration.id),
        ("Selection", str(migration.selection)),
        ("State", migration.state),
        ("Source", report.source),
        ("Destination", report.destination),
        ("Resources made", report.made),
        ("Resources reused", report.reused),
        ("Workloads moved", sum(move.result == "done" for move in report.moves)),
        ("Data copied", Size(report.bytes)),
        ("Longest downtime", Seconds(report.longest_downtime)),
        ("Users who need a password", ", ".join(sorted(row.name for row in report.without_password))),
        ("Failed or skipped", len(report.troubles)),
        ("Differences", sum(difference.failing for difference in report.differences)),
    ]
