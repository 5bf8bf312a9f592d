"""``pumphouse discover``."""

import argparse

from pumphouse.cli.base import Listing, Table

COLUMNS = ("Item", "Source", "Destination")


class Discover(Table):
    """Show what the two clouds are, side by side: services, versions, extensions, capacity."""

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Ask both clouds."""
        with self.app.service() as service:
            source, destination = (dict(facts.rows()) for facts in service.discover())
        labels = list(source) + [label for label in destination if label not in source]
        return COLUMNS, [(label, source.get(label, ""), destination.get(label, "")) for label in labels]
