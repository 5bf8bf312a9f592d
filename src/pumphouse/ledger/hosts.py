"""The HostLedger port in the ledger's database."""

import threading
from typing import Any

import sqlalchemy as sa

from pumphouse.ledger.tables import host
from pumphouse.model import HostRecord
from pumphouse.ports import Clock


class SqlHostLedger:
    """See :class:`pumphouse.machines.HostLedger`. Whoever writes holds the lock of the host."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()

    def find(self, name: str) -> HostRecord | None:
        """See the port."""
        return next((record for record in self.all() if record.name == name), None)

    def all(self) -> tuple[HostRecord, ...]:
        """See the port."""
        with self._engine.begin() as connection:
            rows = connection.execute(sa.select(host).order_by(host.c.name)).mappings()
            return tuple(HostRecord(**row) for row in rows)

    def begin(self, name: str, operation: str) -> HostRecord:
        """See the port."""
        known = self.find(name)
        if known is None or known.operation != operation or known.state == "done":
            self._write(HostRecord(name, operation, "", "running"), new=known is None)
        else:
            self.stage(name, known.stage)
        record = self.find(name)
        assert record is not None
        return record

    def stage(self, name: str, stage: str, state: str = "running", **data: Any) -> None:
        """See the port."""
        known = self.find(name)
        assert known is not None, f"no operation on host {name} was begun"
        self._write(HostRecord(name, known.operation, stage, state, {**known.data, **data}), new=False)

    def _write(self, record: HostRecord, *, new: bool) -> None:
        values = {
            "operation": record.operation,
            "stage": record.stage,
            "state": record.state,
            "data": dict(record.data),
            "updated_at": self._clock.now(),
        }
        where = host.c.name == record.name
        change = (
            host.insert().values(name=record.name, **values)
            if new
            else host.update().where(where).values(**values)
        )
        with self._lock, self._engine.begin() as connection:
            connection.execute(change)
