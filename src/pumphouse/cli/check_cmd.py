"""``pumphouse check``."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pumphouse.cli.base import Listing, Table
from pumphouse.model import Result

if TYPE_CHECKING:
    from pumphouse.service import Service

COLUMNS = ("Check", "Result", "Detail", "Remedy")


class Check(Table):
    """Check that both clouds can be reached and used; changes nothing."""

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Run every check; exit code 1 when one fails."""
        with self.app.service() as service:
            return COLUMNS, list(self._results(service))

    def _results(self, service: "Service") -> Iterator[tuple[str, ...]]:
        for result in service.check():
            if result.result is Result.FAIL:
                self.exit_code = 1
            yield result.check, str(result.result), result.detail, result.remedy
