"""``pumphouse commit``."""

from typing import TYPE_CHECKING

from pumphouse.cli.ending import Ending
from pumphouse.model import RunResult, Selection, Step

if TYPE_CHECKING:
    from pumphouse.service import Service


class Commit(Ending):
    """Accept a migration: delete at the source what was moved. This cannot be undone."""

    doing = "deleted at the source"
    nothing = "nothing to do: nothing of it is left at the source"

    def preview(self, service: "Service", wanted: Selection) -> tuple[Step, ...]:
        """What would be deleted."""
        return service.commit_preview(wanted)

    def act(self, service: "Service", wanted: Selection) -> RunResult:
        """Delete it."""
        return service.commit(wanted)
