"""Protocols of what a service with conductors needs: jobs, the board they hang on, the audit trail."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pumphouse.model import Audited, Caller, Ended, Job, JobState, Selection


def lock_of(job: str) -> str:
    """The lock that whoever carries out a job holds, on whichever board it hangs."""
    return f"job {job}"


class JobLedger(Protocol):
    """Jobs in the ledger; they are the truth, what hangs on a board only says that there is one."""

    def add(
        self, caller: str, command: str, selection: Selection, options: Mapping[str, Any], key: str | None
    ) -> Job:
        """A new job, waiting; or the one that this caller made with the same key.

        :raises pumphouse.errors.Refused: when that one was something else.
        """

    def with_key(self, caller: str, key: str) -> Job | None:
        """The job that this caller made with a key."""

    def find(self, identifier: str) -> Job | None:
        """One job, as it stands."""

    def all(self, limit: int = 1000) -> tuple[Job, ...]:
        """The last ones, the newest first."""

    def unfinished(self) -> tuple[Job, ...]:
        """Those that wait or run, the oldest first."""

    def started(self, identifier: str, conductor: str) -> Job:
        """A conductor begins, or goes on with what another began."""

    def stopped(self, identifier: str, state: JobState, ended: Ended, result: Any = None) -> Job:
        """It is over, or back to waiting; ``result`` is JSON-able."""

    def wish(self, identifier: str, wish: str) -> Job:
        """From now on it is to ``cancel`` or ``pause``; of a job that is over nothing changes."""

    def result(self, identifier: str) -> Any:
        """What it gave, once it ended well."""


class Board(Protocol):
    """Where conductors find jobs, and see to it that each is carried out by one of them.

    All methods raise :class:`pumphouse.errors.BoardError` when the board does not answer.
    """

    def open(self, name: str) -> AbstractContextManager[None]:
        """As a conductor of this name, who may claim; a claim ends soon after its conductor does."""

    def post(self, job: str) -> None:
        """Tell the conductors of a job."""

    def claim(self, but: Collection[str]) -> str | None:
        """A job that nobody has, ours from now on; None when there is none. ``but``: those we have."""

    def keep(self, job: str) -> bool:
        """A sign of life for a claim; False when it was lost."""

    def done(self, job: str) -> None:
        """Take the job off the board."""

    def release(self, job: str) -> None:
        """Leave the job to another conductor."""

    def wait(self, seconds: float) -> None:
        """Until there may be something, or the time is over."""

    def close(self) -> None:
        """Let go of the connection."""


class Trail(Protocol):
    """Who asked for what, when, from where, and what became of it."""

    def begin(self, caller: Caller | None, origin: str, what: str) -> int:
        """Somebody asks for something; its number."""

    def end(self, seq: int, status: int, about: str = "") -> None:
        """It was answered."""

    def entries(self, before: int | None = None, limit: int = 100, who: str = "") -> tuple[Audited, ...]:
        """The last ones, the newest first."""
