"""``pumphouse rollback``."""

from typing import TYPE_CHECKING

from pumphouse.cli.ending import Ending
from pumphouse.model import RunResult, Selection, Step

if TYPE_CHECKING:
    from pumphouse.service import Service


class Rollback(Ending):
    """Undo a migration: remove what was made in the destination and start the source again."""

    doing = "removed from the destination"
    nothing = "nothing to do: nothing was made in the destination"

    def preview(self, service: "Service", wanted: Selection) -> tuple[Step, ...]:
        """What would be removed."""
        return service.rollback_preview(wanted)

    def act(self, service: "Service", wanted: Selection) -> RunResult:
        """Remove it."""
        return service.rollback(wanted)
