"""``pumphouse decommission``."""

import argparse

from pumphouse.cli.base import Listing, Table, add_yes, confirm
from pumphouse.cli.running import running
from pumphouse.events import Bus

COLUMNS = ("Host", "Done")


class Decommission(Table):
    """Close the source once it is empty: remove what it knows of hosts that left, switch its controllers off."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what becomes of the controllers."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--controllers",
            choices=("keep", "off"),
            default="keep",
            help="What becomes of the machines with 'role: controller' in inventory.yaml; keep by default.",
        )
        add_yes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Prove the source empty, show what happens, ask, do it."""
        bus, off = Bus(), parsed_args.controllers == "off"
        with self.app.service(bus) as service:
            closing = service.decommission_preview(off=off)
            for name, _ in closing.hosts:
                self.app.say(f"  host {name}: removed from the source")
            for machine in closing.controllers:
                self.app.say(f"  host {machine.name}: switched off")
            if not closing.hosts and not closing.controllers:
                self.app.say("nothing to do: the source is empty, and no host is left in it")
                return COLUMNS, ()
            confirm(self.app, "The source is empty and will be closed.", "decommission", yes=parsed_args.yes)
            with running(self.app, service, bus):
                done = service.decommission(off=off)
        removed = [(name, "removed from the source") for name, _ in done.hosts]
        return COLUMNS, removed + [(machine.name, "switched off") for machine in done.controllers]
