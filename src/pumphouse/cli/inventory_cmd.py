"""``pumphouse inventory``."""

import argparse

from pumphouse.cli.base import Listing, Table

COLUMNS = ("Kind", "Name", "ID", "Project", "Status")


class Inventory(Table):
    """List what a cloud holds."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which cloud and which kind."""
        parser = super().get_parser(prog_name)
        parser.add_argument("cloud", choices=("source", "destination"), help="Which cloud.")
        parser.add_argument("--kind", help="Only this kind, e.g. server.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Read the cloud."""
        with self.app.service() as service:
            inventory = service.inventory(parsed_args.cloud)
        return COLUMNS, [
            (
                item.kind,
                item.name,
                item.id,
                inventory.name_of("project", item.project_id),
                str(item.observed.get("status") or ""),
            )
            for item in inventory
            if parsed_args.kind in (None, item.kind)
        ]
