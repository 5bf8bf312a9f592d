"""The Board port in the ledger's database: a job belongs to the conductor that holds its lock."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from pumphouse.errors import BoardError, Interrupted
from pumphouse.jobs import JobLedger, lock_of
from pumphouse.locks import Locks


class LedgerBoard:
    """See :class:`pumphouse.jobs.Board`. Locks go with their process, so do claims."""

    def __init__(self, jobs: JobLedger, locks: Locks) -> None:
        self._jobs, self._locks = jobs, locks
        self._new = threading.Event()

    @contextmanager
    def open(self, name: str) -> Iterator[None]:
        """See the port."""
        with self._locks.running(f"conductor {name}"):
            yield

    def post(self, job: str) -> None:
        """See the port: the ledger has it already."""
        self._new.set()

    def claim(self, but: Collection[str]) -> str | None:
        """See the port."""
        with _told():
            for each in self._jobs.unfinished():
                if each.id not in but and self._locks.attempt(lock_of(each.id)):
                    found = self._jobs.find(each.id)
                    if found and not found.state.over:
                        return each.id
                    self._locks.release(lock_of(each.id))
        return None

    def keep(self, job: str) -> bool:
        """See the port."""
        with _told():
            try:
                return self._locks.attempt(lock_of(job))
            except Interrupted:
                return False

    def done(self, job: str) -> None:
        """See the port."""
        self.release(job)

    def release(self, job: str) -> None:
        """See the port."""
        with _told():
            self._locks.release(lock_of(job))

    def wait(self, seconds: float) -> None:
        """See the port."""
        self._new.wait(seconds)
        self._new.clear()

    def close(self) -> None:
        """See the port."""


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise BoardError(f"the ledger does not answer: {type(error).__name__}") from None
