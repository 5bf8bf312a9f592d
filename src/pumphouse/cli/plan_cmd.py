"""``pumphouse plan``."""

import argparse
from pathlib import Path

from pumphouse import model
from pumphouse.cli import selection
from pumphouse.cli.base import Listing, Seconds, Size, Table, accepted, add_accept, console

COLUMNS = (
    "Kind",
    "Name",
    "Project",
    "Action",
    "Reason",
    "Bytes",
    "Downtime",
    "Source ID",
    "Destination ID",
    "Because",
)
BLOCKED = 3


class Plan(Table):
    """Show what a migration would do, what is in its way and what it costs; changes nothing.

    Prints a tree unless -f or -c asks for a list.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the selection and where to save."""
        parser = super().get_parser(prog_name)
        selection.add_arguments(parser)
        add_accept(parser)
        parser.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="Save the plan, for 'migrate --plan FILE'."
        )
        parser.set_defaults(formatter=None)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Print a tree or a list; exit code 3 when the plan cannot be carried out."""
        self.lists = bool(parsed_args.formatter or parsed_args.columns)
        parsed_args.formatter = parsed_args.formatter or self.formatter_default
        return super().run(parsed_args)

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Plan."""
        wanted = selection.parse(parsed_args)
        with self.app.service() as service:
            plan = service.plan(wanted, *accepted(parsed_args))
            if parsed_args.output:
                service.save_plan(plan, parsed_args.output)
                self.app.say(f"saved; carry it out with: pumphouse migrate --plan {parsed_args.output}")
        if not self.lists:
            from pumphouse.cli import plan_view

            plan_view.show(console(self.app), plan)
        self.exit_code = BLOCKED if plan.blocked else 0
        return COLUMNS, [row(step) for step in plan.steps]


def row(step: model.Step) -> tuple[object, ...]:
    """One step in the columns of the list."""
    return (
        step.kind,
        step.name,
        step.project,
        str(step.action),
        step.reason,
        Size(step.bytes),
        Seconds(step.downtime),
        step.key.partition(":")[2],
        step.destination_id,
        step.because,
    )
