"""The audit trail in the ledger's database; only ever added to."""

import sqlalchemy as sa

from pumphouse.ledger.tables import audit
from pumphouse.model import Audited, Caller
from pumphouse.ports import Clock

WIDTH = 2000  # characters kept of what strangers send


class SqlTrail:
    """See :class:`pumphouse.jobs.Trail`."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def begin(self, caller: Caller | None, origin: str, what: str) -> int:
        """See the port."""
        values = {"who": caller.name[:255] if caller else "", "role": caller.role if caller else ""}
        values |= {"origin": origin[:64], "what": what[:WIDTH], "about": ""}
        with self._engine.begin() as connection:
            done = connection.execute(audit.insert().values(at=self._clock.now(), status=0, **values))
            (seq,) = done.inserted_primary_key or (0,)
        return int(seq)

    def end(self, seq: int, status: int, about: str = "") -> None:
        """See the port."""
        with self._engine.begin() as connection:
            change = audit.update().where(audit.c.seq == seq)
            connection.execute(change.values(status=status, about=about[:WIDTH]))

    def entries(self, before: int | None = None, limit: int = 100, who: str = "") -> tuple[Audited, ...]:
        """See the port."""
        query = sa.select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.seq < before)
        if who:
            query = query.where(audit.c.who == who)
        with self._engine.begin() as connection:
            return tuple(Audited(**row) for row in connection.execute(query).mappings())
