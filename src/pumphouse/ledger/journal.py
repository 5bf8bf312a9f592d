"""Migrations and their events, in the same database: what ``status``, ``--follow`` and the report read."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from pumphouse.ledger.tables import about, event, member, migration
from pumphouse.model import Event, Migration, Selection
from pumphouse.ports import Clock

PROGRESS_EVERY = 2.0  # seconds between two progress events of one resource that are kept


class Journal:
    """Append-only events, and which resources belong to which migration."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._last_progress: dict[str, float] = {}

    def open(self, selection: Selection, keys: Iterable[str]) -> Migration:
        """The migration of this selection, made when it is new, with these resources in it."""
        identifier = selection.fingerprint[:8]
        now = self._clock.now()
        with self._lock, self._engine.begin() as connection:
            values = {"state": "running", "updated_at": now}
            where = migration.c.id == identifier
            if not connection.execute(migration.update().where(where).values(**values)).rowcount:
                new = {"id": identifier, "selection": asdict(selection), "created_at": now, **values}
                connection.execute(migration.insert().values(**new))
            query = sa.select(member.c.key).where(member.c.migration == identifier)
            known = set(connection.scalars(query))
            new_members = [{"migration": identifier, "key": key} for key in keys if key not in known]
            if new_members:
                connection.execute(member.insert(), new_members)
        found = self.find(selection)
        assert found is not None
        return found

    def find(self, selection: Selection) -> Migration | None:
        """The migration of this selection, when there is one."""
        identifier = selection.fingerprint[:8]
        return next((m for m in self.all() if m.id == identifier), None)

    def all(self) -> tuple[Migration, ...]:
        """Every migration, the one last worked on first."""
        with self._engine.begin() as connection:
            query = sa.select(migration).order_by(migration.c.updated_at.desc())
            return tuple(_migration(row) for row in connection.execute(query).mappings())

    def set_state(self, identifier: str, state: str) -> None:
        """Where a migration stands."""
        with self._lock, self._engine.begin() as connection:
            change = migration.update().where(migration.c.id == identifier)
            connection.execute(change.values(state=state, updated_at=self._clock.now()))

    def keys(self, identifier: str) -> frozenset[str]:
        """The resources of a migration."""
        with self._engine.begin() as connection:
            query = sa.select(member.c.key).where(member.c.migration == identifier)
            return frozenset(connection.scalars(query))

    def others(self, identifier: str) -> frozenset[str]:
        """Resources that other migrations, not rolled back, count on."""
        with self._engine.begin() as connection:
            query = (
                sa.select(member.c.key)
                .join(migration, migration.c.id == member.c.migration)
                .where(member.c.migration != identifier, migration.c.state != "rolled back")
            )
            return frozenset(connection.scalars(query))

    def append(self, new: Event) -> None:
        """Keep an event; of progress, only some, and the last. One after the other, also of several processes:
        whoever has seen a number has seen all below it."""
        if new.type == "progress":
            whole = new.data.get("done") == new.data.get("total")
            if new.at - self._last_progress.get(new.key, 0.0) < PROGRESS_EVERY and not whole:
                return
            self._last_progress[new.key] = new.at
        values = {"at": new.at, "migration": new.migration, "type": new.type, "key": new.key}
        turn = sa.select(about.c.name).where(about.c.name == "events").with_for_update()
        with self._lock, self._engine.begin() as connection:
            connection.execute(turn)
            connection.execute(event.insert().values(**values, data=dict(new.data)))

    def last(self) -> int:
        """Number of the newest event; 0 when there is none."""
        with self._engine.begin() as connection:
            return int(connection.scalar(sa.select(sa.func.max(event.c.seq))) or 0)

    def events(self, after: int = 0, identifier: str | None = None) -> tuple[Event, ...]:
        """Events in the order they happened, from the one after ``after`` on."""
        query = sa.select(event).where(event.c.seq > after).order_by(event.c.seq)
        if identifier:
            query = query.where(event.c.migration == identifier)
        with self._engine.begin() as connection:
            return tuple(_event(row) for row in connection.execute(query).mappings())


def _migration(row: Mapping[Any, Any]) -> Migration:
    values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in row["selection"].items()}
    return Migration(row["id"], Selection(**values), row["state"], row["created_at"], row["updated_at"])


def _event(row: Mapping[Any, Any]) -> Event:
    return Event(row["at"], row["migration"], row["type"], row["key"], row["data"], row["seq"])
