"""The Locks port in the ledger's database, on SQLite, PostgreSQL and MySQL alike.

A run is a row that its process keeps fresh; a lock is a row that names the run. The primary key decides who
is first. A run whose process is proven dead, or that has not been heard of for a while, has nothing any more.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from pumphouse.errors import Interrupted, Refused
from pumphouse.ledger.process import Process, is_dead, this_process
from pumphouse.ledger.tables import holder, lease
from pumphouse.locks import Told
from pumphouse.ports import Clock

LOG = logging.getLogger(__name__)
BEAT = 5.0  # seconds between two signs of life
SILENCE = 15.0  # seconds without one after which a run on another host counts as dead
FIRST_LOOK, LAST_LOOK = 0.1, 1.0  # seconds between two looks at a lock that another has
TRIES = 5  # of a transaction that the database gave up for another one


class SqlLocks:
    """See :class:`pumphouse.locks.Locks`.

    :param lost: called when this run's locks were given to others, because it was not heard of.
    """

    def __init__(self, engine: sa.Engine, clock: Clock, lost: Callable[[], None]) -> None:
        self._engine = engine
        self._clock = clock
        self._lost = lost
        self._us = ""

    @contextmanager
    def running(self, doing: str) -> Iterator[None]:
        """See the port."""
        ended, self._us = threading.Event(), uuid.uuid4().hex
        process, now = this_process(), self._clock.now()
        values = {"host": process.host, "place": process.place, "process": process.number}
        values |= {"began": process.began, "doing": doing, "since": now, "beat": now}
        with self._engine.begin() as connection:
            connection.execute(holder.insert().values(id=self._us, **values))
        beating = threading.Thread(target=self._beat, args=(self._us, ended), daemon=True, name="beat")
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()
            self._bury([self._us])
            self._us = ""

    def take(self, names: Mapping[str, str]) -> None:
        """See the port."""
        while not self._insert(sorted(names)):
            held = self._held(names)
            if held:
                name, owner = held[0]
                others = f", and {len(held) - 1} more" if len(held) > 1 else ""
                raise Refused(
                    f"{names[name]}{others} is being worked on by {_said(owner)}",
                    "Wait for it to end, or stop it; 'pumphouse status --follow' shows what it does.",
                )

    def wait(self, name: str, told: Told) -> None:
        """See the port."""
        pause, said = FIRST_LOOK, False
        while not self._insert([name]):
            held = self._held([name])
            if held and not said:
                told(_said(held[0][1]))
                said = True
            if held:
                self._clock.sleep(pause)
                pause = min(pause * 1.5, LAST_LOOK)

    @contextmanager
    def holding(self, name: str, told: Told) -> Iterator[None]:
        """See the port."""
        before = self._ours([name])
        self.wait(name, told)
        try:
            yield
        finally:
            if not before:
                self.release(name)

    def release(self, name: str) -> None:
        """See the port."""
        with self._engine.begin() as connection:
            ours = sa.and_(lease.c.name == name, lease.c.holder == self._us)
            connection.execute(lease.delete().where(ours))

    def attempt(self, name: str) -> bool:
        """See the port."""
        while not self._insert([name]):
            if self._held([name]):
                return False
        return True

    def use(self, name: str) -> None:
        """See the port."""
        self._insert([f"{name}#{self._us}"])

    def used(self, name: str) -> bool:
        """See the port."""
        with self._engine.begin() as connection:
            query = sa.select(lease.c.name).where(lease.c.name.startswith(f"{name}#", autoescape=True))
            names = list(connection.scalars(query))
        return bool(self._held(names))

    # --- the tables -----------------------------------------------------------------------------
    def _insert(self, names: list[str]) -> bool:
        """Insert those that are not ours yet; False when another has one.

        :raises Interrupted: when this run was given up by the others.
        """
        for attempt in range(TRIES):
            try:
                with self._engine.begin() as connection:
                    if not connection.scalar(sa.select(holder.c.id).where(holder.c.id == self._us)):
                        raise Interrupted(
                            "this run's locks were given to others", "Run the same command again."
                        )
                    query = sa.select(lease.c.name).where(lease.c.name.in_(names), lease.c.holder == self._us)
                    ours = set(connection.scalars(query))
                    new = [{"name": name, "holder": self._us} for name in names if name not in ours]
                    if new:
                        connection.execute(lease.insert(), new)
                return True
            except sa.exc.IntegrityError:
                return False
            except sa.exc.OperationalError:  # a deadlock, or a database that was busy for too long
                if attempt == TRIES - 1:
                    raise
                time.sleep(FIRST_LOOK)
        raise AssertionError("unreachable")

    def _ours(self, names: list[str]) -> bool:
        with self._engine.begin() as connection:
            query = sa.select(lease.c.name).where(lease.c.name.in_(names), lease.c.holder == self._us)
            return bool(connection.scalars(query).first())

    def _held(self, names: Iterable[str]) -> list[tuple[str, Mapping[Any, Any]]]:
        """Those that another living run has, with its row; what the dead had is free from now on."""
        wanted = set(names)
        with self._engine.begin() as connection:
            rows = connection.execute(sa.select(lease)).mappings().all()
            found = connection.execute(sa.select(holder)).mappings().all()
        owners: dict[str, Mapping[Any, Any]] = {row["id"]: row for row in found}
        taken = [row for row in rows if row["name"] in wanted and row["holder"] != self._us]
        dead = {row["holder"] for row in taken if not self._lives(owners.get(row["holder"]))}
        self._bury(dead)
        return [(row["name"], owners[row["holder"]]) for row in taken if row["holder"] not in dead]

    def _lives(self, owner: Mapping[Any, Any] | None) -> bool:
        if owner is None:
            return False
        dead = is_dead(Process(owner["host"], owner["place"], owner["process"], owner["began"]))
        return self._clock.now() - owner["beat"] < SILENCE if dead is None else not dead

    def _bury(self, runs: Iterable[str]) -> None:
        for run in runs:
            with self._engine.begin() as connection:
                connection.execute(lease.delete().where(lease.c.holder == run))
                connection.execute(holder.delete().where(holder.c.id == run))

    def _beat(self, us: str, ended: threading.Event) -> None:
        while not ended.wait(BEAT):
            change = holder.update().where(holder.c.id == us).values(beat=self._clock.now())
            try:
                with self._engine.begin() as connection:
                    known = connection.execute(change).rowcount
            except sa.exc.SQLAlchemyError as error:
                LOG.warning("cannot tell the other runs that this one lives: %s", type(error).__name__)
                continue
            if not known:
                LOG.error("this run was not heard of for %g s; its locks were given to others", SILENCE)
                self._lost()
                return


def _said(owner: Mapping[Any, Any]) -> str:
    since = time.strftime("%H:%M:%S", time.localtime(owner["since"]))
    return f"'pumphouse {owner['doing']}' (process {owner['process']} on {owner['host']}, since {since})"
