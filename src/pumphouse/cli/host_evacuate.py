"""``pumphouse host evacuate``, ``maintenance on`` and ``maintenance off``."""

import argparse
from typing import TYPE_CHECKING, ClassVar

from pumphouse.cli.base import Listing, Table, add_yes, confirm, console
from pumphouse.cli.running import running
from pumphouse.events import Bus
from pumphouse.model import EvacuationPlan, How, Wishes

if TYPE_CHECKING:
    from pumphouse.cli.main import App

COLUMNS = ("Host", "Operation", "State")
#: How a server leaves its host, as a person says it.
SAID = {
    How.LIVE: "live migration",
    How.COLD: "cold migration",
    How.OFFLOAD: "lets go of its host",
    How.EVACUATE: "evacuation",
    How.REBUILD: "rebuild; its disks are kept only if the hosts share them",
}


def show_evacuation(app: "App", plan: EvacuationPlan) -> None:
    """Print who goes where, and what stays why."""
    for server in plan.travelling:
        app.say(f"  {server.name:<24} is on its way already")
    for move in plan.moves:
        to = f"to {move.target}, " if move.target else ""
        app.say(f"  {move.server.name:<24} {to}{SAID[move.how]}")
    for each in plan.unmoved:
        app.say(f"  {each.server.name:<24} stays: {each.reason}")
    if not (plan.moves or plan.travelling or plan.unmoved or plan.leaving):
        app.say(f"  nothing is on host {plan.host}")


class Evacuate(Table):
    """Empty a host of the source: servers go to other hosts of it, or to the destination; new ones are kept off."""

    operation: ClassVar[str] = "evacuate"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which host, and what goes where."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", help="Its name, as in 'pumphouse host list'.")
        parser.add_argument(
            "--move",
            action="append",
            default=[],
            metavar="KIND:NAME",
            help="Servers on it that go to the destination first, e.g. project:acme or server:web1; 'fitting' takes "
            "as many as the destination has room for.",
        )
        parser.add_argument("--reason", default="", help="Shown to whoever asks why the host is disabled.")
        parser.add_argument(
            "--keep-off",
            action="append",
            default=[],
            metavar="HOST",
            help="A host that gets nothing, because it is going to be emptied too.",
        )
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="When the host is dead: also take servers with disks of their own off it; Nova makes those anew "
            "from their images, unless the hosts share their directory of instances.",
        )
        add_yes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Show who goes where, ask, carry it out."""
        bus, name = Bus(), parsed_args.host
        wishes = Wishes(parsed_args.reason, (), tuple(parsed_args.keep_off), parsed_args.rebuild)
        with self.app.service(bus) as service:
            found = service.evacuation(name, parsed_args.move, wishes)
            plan, going = found.evacuation, found.migration
            if going:
                from pumphouse.cli import plan_view

                plan_view.summary(console(self.app, errors=True), going)
            for server in plan.leaving:
                what = (
                    "to the destination" if going else "has moved; its original goes with 'pumphouse commit'"
                )
                self.app.say(f"  {server.name:<24} {what}")
            show_evacuation(self.app, plan)
            service.refuse_evacuation(found)
            dead = " Its machine will be switched off first." if plan.needs_fencing else ""
            confirm(self.app, f"Host '{name}' will be emptied.{dead}", name, yes=parsed_args.yes)
            with running(self.app, service, bus):
                record = service.evacuate(name, parsed_args.move, wishes, self.operation)
            if plan.leaving:
                count = len(plan.leaving)
                self.app.say(f"left on {name}: {count} originals; they go with 'pumphouse commit'")
        return COLUMNS, [(name, record.operation, record.state)]


class MaintenanceOn(Evacuate):
    """Keep new servers off a host of the source and empty it, until 'maintenance off'."""

    operation = "maintenance"


class MaintenanceOff(Table):
    """Let servers onto a host again, when it was Pumphouse that kept them off."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which host."""
        parser = super().get_parser(prog_name)
        parser.add_argument("host", help="Its name, as in 'pumphouse host list'.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Open it; servers do not come back by themselves."""
        bus, name = Bus(), parsed_args.host
        with self.app.service(bus) as service, running(self.app, service, bus):
            record = service.maintenance_off(name)
        return COLUMNS, [(name, record.operation, record.state)]
