"""``pumphouse rules``."""

import argparse

from pumphouse.cli.base import Listing, Table

COLUMNS = ("Rule", "Severity", "Acceptable", "About")


class Rules(Table):
    """List what a plan may tell: block refuses the migration, warn says what will differ, note informs.

    What is acceptable can be taken knowingly with --accept RULE:RESOURCE.
    """

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """List them."""
        from pumphouse.service.rules import rules

        return COLUMNS, [(r.id, str(r.severity), r.can_be_accepted, r.about) for r in rules()]
