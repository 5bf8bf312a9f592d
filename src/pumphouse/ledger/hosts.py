"""The HostLedger port in the ledger's database."""

import threading
from dataclasses import asdict, replace
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
        return next(iter(self._read(host.c.name == name)), None)

    def all(self) -> tuple[HostRecord, ...]:
        """See the port."""
        return self._read(sa.true())

    def begin(self, name: str, operation: str, **data: Any) -> HostRecord:
        """See the port."""
        known = self.find(name)
        if known and known.operation == operation and known.state != "done":
            return self.stage(name, known.stage)
        return self._write(HostRecord(name, operation, "", "running", data), new=known is None)

    def stage(self, name: str, stage: str, state: str = "running", **data: Any) -> HostRecord:
        """See the port."""
        known = self.find(name)
        assert known is not None, f"no operation on host {name} was begun"
        return self._write(HostRecord(name, known.operation, stage, state, {**known.data, **data}), new=False)

    def _read(self, where: sa.ColumnElement[bool]) -> tuple[HostRecord, ...]:
        with self._engine.begin() as connection:
            rows = connection.execute(sa.select(host).where(where).order_by(host.c.name)).mappings()
            return tuple(HostRecord(**row) for row in rows)

    def _write(self, record: HostRecord, *, new: bool) -> HostRecord:
        record = replace(record, updated_at=self._clock.now())
        change = host.insert() if new else host.update().where(host.c.name == record.name)
        with self._lock, self._engine.begin() as connection:
            connection.execute(change.values(**asdict(record)))
        return record
