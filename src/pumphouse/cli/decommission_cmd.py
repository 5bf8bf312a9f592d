"""``pumphouse decommission``."""

import argparse

from pumphouse.cli.base import Listing, Table, add_yes, confirm
from pumphouse.cli.running import running
from pumphouse.events import Bus

COLUMNS = ("Host", "Done")
DONE = {"off": "switched off", "join": "compute host of the destination"}


class Decommission(Table):
    """Close the source once it is empty: remove what it knows of hosts that left, and let its controllers go."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what becomes of the controllers."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--controllers",
            choices=("keep", "off", "join"),
            default="keep",
            help="What becomes of the machines with 'role: controller' in inventory.yaml, one after the other: "
            "left alone (default), switched off, or installed as compute hosts of the destination, which "
            "erases their disks.",
        )
        add_yes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Prove the source empty, show what happens, ask, do it."""
        bus, fate = Bus(), parsed_args.controllers
        with self.app.service(bus) as service:
            closing = service.decommission_preview(fate)
            for name, _ in closing.hosts:
                self.app.say(f"  host {name}: removed from the source")
            for machine in closing.controllers:
                self.app.say(f"  host {machine.name}: {DONE[fate]}")
            if not closing.hosts and not closing.controllers:
                self.app.say("nothing to do: the source is empty, and no host is left in it")
                return COLUMNS, ()
            confirm(self.app, "The source is empty and will be closed.", "decommission", yes=parsed_args.yes)
            with running(self.app, service, bus):
                done = service.decommission(fate)
        removed = [(name, "removed from the source") for name, _ in done.hosts]
        return COLUMNS, removed + [(machine.name, DONE[fate]) for machine in done.controllers]
