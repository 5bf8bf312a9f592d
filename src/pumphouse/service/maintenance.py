"""The use cases that empty a host of the source and open it again; a part of the service."""

from collections.abc import Sequence

from pumphouse.model import HostRecord, Selection, Wishes
from pumphouse.service import evacuating
from pumphouse.service.session import Session


class Maintenance:
    """See :class:`pumphouse.service.Service`."""

    _session: Session

    def evacuation(self, host: str, move: Sequence[str], wishes: Wishes) -> evacuating.Emptying:
        """Who would leave a host of the source for where.

        :param move: what goes to the destination first, as ``KIND:NAME`` or ``fitting``.
        """
        return evacuating.preview(self._session, host, move, wishes)

    def refuse_evacuation(self, found: evacuating.Emptying) -> None:
        """What would be done is refused before anybody is asked.

        :raises Refused: when something cannot leave.
        """
        evacuating.refuse(found.evacuation, found.migration)

    def evacuate(
        self, host: str, move: Sequence[str], wishes: Wishes, operation: str = "evacuate"
    ) -> HostRecord:
        """Keep new servers off a host of the source, and empty it.

        :raises Refused: when something could not leave; nothing was touched.
        """
        with self._session.working(operation, Selection(operation, (host,))):
            return evacuating.carry_out(self._session, host, wishes, move=move, operation=operation)

    def maintenance_off(self, host: str) -> HostRecord:
        """Let servers onto a host again, when it was us who kept them off."""
        with self._session.working("maintenance", Selection("maintenance", (host,))):
            return evacuating.reopen(self._session, host)
