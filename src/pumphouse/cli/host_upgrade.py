"""``pumphouse host upgrade``, ``acquire`` and ``withdraw``."""

import argparse
from typing import ClassVar

from pumphouse.cli.base import Listing, Table, add_yes, confirm
from pumphouse.cli.host_evacuate import show_evacuation
from pumphouse.cli.running import running
from pumphouse.events import Bus
from pumphouse.report import units

COLUMNS = ("Host", "Operation", "State", "Now called")


class HostChange(Table):
    """Takes a host through the stages of an operation.

    :cvar operation: as the service calls it.
    :cvar question: what is asked before it begins.
    """

    operation: ClassVar[str]
    question: ClassVar[str]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which host."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", help="Its name, as in 'pumphouse host list'.")
        parser.set_defaults(evacuate=False)
        add_yes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Show the stages, ask, carry them out."""
        bus, name = Bus(), parsed_args.host
        with self.app.service(bus) as service:
            plan = service.host_plan(self.operation, name, evacuate=parsed_args.evacuate)
            if plan.done:
                self.app.say(f"nothing to do: {self.operation} of host {name} is done")
                return COLUMNS, [(name, self.operation, "done", plan.done)]
            if plan.evacuation:
                show_evacuation(self.app, plan.evacuation)
            for stage in plan.stages:
                within = f", within {units.duration(stage.limit)}" if stage.limit else ""
                self.app.say(f"  {stage.name:<9} {stage.about}{within}")
            confirm(self.app, self.question.format(host=name), name, yes=parsed_args.yes)
            with running(self.app, service, bus):
                record = service.host_change(self.operation, name, evacuate=parsed_args.evacuate)
        return COLUMNS, [(name, record.operation, record.state, str(record.data.get("host", "")))]


class Upgrade(HostChange):
    """Make an empty host of the source a compute host of the destination; this erases its disks."""

    operation = "upgrade"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add whether it is emptied first."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--evacuate",
            action="store_true",
            help="Empty it first, as 'pumphouse host evacuate' does.",
        )
        return parser

    question = "The disks of host '{host}' will be erased."


class Acquire(HostChange):
    """Take an empty host out of the source for whoever installs the destination: started from the network."""

    operation = "acquire"
    question = "Host '{host}' will be started from the network."


class Withdraw(HostChange):
    """Give a host back to the source, as long as nothing has been written to it."""

    operation = "withdraw"
    question = "Host '{host}' will be started from its disk, and takes servers of the source again."
