"""Commit and rollback: the two ways a migration ends; both show, ask, act and sum up."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pumphouse.cli import selection
from pumphouse.cli.base import Listing, Table, add_yes, confirm
from pumphouse.cli.running import running
from pumphouse.events import Bus
from pumphouse.model import RunResult, Selection, Step
from pumphouse.report import units

if TYPE_CHECKING:
    from pumphouse.service import Service

COLUMNS = ("Kind", "Name", "Result", "Error")


class Ending(Table):
    """Ends a migration.

    :cvar doing: what is done to the resources, and where.
    :cvar nothing: what is said when there is nothing to do.
    """

    doing: ClassVar[str]
    nothing: ClassVar[str]

    def preview(self, service: "Service", wanted: Selection) -> tuple[Step, ...]:
        """What would be done, in order."""
        raise NotImplementedError

    def act(self, service: "Service", wanted: Selection) -> RunResult:
        """Do it."""
        raise NotImplementedError

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the selection."""
        parser = super().get_parser(prog_name)
        selection.add_arguments(parser, optional=True)
        add_yes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Show what would happen, ask, do it and list how it went."""
        bus = Bus()
        with self.app.service(bus) as service:
            wanted = selection.parse_or_newest(parsed_args, service)
            steps = self.preview(service, wanted)
            if not steps:
                self.app.say(self.nothing)
                self.lists = False
                return COLUMNS, ()
            self._show(steps)
            confirm(
                self.app,
                f"{units.count(len(steps), 'resource')} of '{wanted}' will be {self.doing}.",
                wanted.names[0] if wanted.names else wanted.what,
                yes=parsed_args.yes,
            )
            with running(self.app, service, bus):
                result = self.act(service, wanted)
        return COLUMNS, self._sum_up(steps, result)

    def _show(self, steps: Sequence[Step]) -> None:
        for step in steps:
            identifier = step.key.partition(":")[2]
            reason = f": {step.reason}" if step.reason else ""
            self.app.say(f"  {step.kind.replace('_', ' ')} {step.name or identifier} ({identifier}){reason}")

    def _sum_up(self, steps: Sequence[Step], result: RunResult) -> Sequence[tuple[object, ...]]:
        names = {step.key: step.name for step in steps}
        done = len(result.outcomes) - len(result.failed)
        self.exit_code = int(bool(result.failed))
        self.app.say(
            f"{units.count(done, 'resource')} {self.doing}, {len(result.failed)} failed or skipped, "
            f"in {units.duration(result.seconds)}"
        )
        return [
            (kind, names.get(outcome.key, identifier), str(outcome.result), outcome.error)
            for outcome in result.outcomes
            for kind, _, identifier in [outcome.key.partition(":")]
        ]
