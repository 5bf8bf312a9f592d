"""The Board port on TaskFlow's jobboard, in Redis or etcd.

The jobboard says who may carry a job out, and gives it to another one when its conductor is not heard of. The lock
in the ledger, which every claim takes besides, holds even when Redis has forgotten what it said.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from taskflow import exceptions as taskflow_errors
from taskflow.jobs import backends

from pumphouse.errors import BoardError, ConfigError, Interrupted
from pumphouse.jobs import JobLedger, lock_of
from pumphouse.locks import Locks

NAME = "pumphouse"
CLAIM = 20  # seconds a claim lasts without a sign of life: longer than the locks of a silent process
LOOK_EVERY = 10.0  # seconds between two looks for jobs that were never posted
LIBRARIES = ("redis", "etcd3gw", "requests", "urllib3", "sqlalchemy")
KINDS = {"redis": ("redis", 6379), "rediss": ("redis", 6379), "etcd": ("etcd", 2379)}


class JobBoard:
    """See :class:`pumphouse.jobs.Board`.

    :param url: ``redis://[:PASSWORD@]HOST:PORT/DB``, ``rediss://`` with TLS, or ``etcd://HOST:PORT``.
    :raises ConfigError: when it is none of them; never shows it.
    """

    def __init__(self, url: str, jobs: JobLedger, locks: Locks) -> None:
        self._jobs, self._locks = jobs, locks
        self._name = ""
        self._claimed: dict[str, Any] = {}
        self._looked = 0.0
        self._board = _board(url)

    @contextmanager
    def open(self, name: str) -> Iterator[None]:
        """See the port."""
        self._name = name
        self._connect()
        with self._locks.running(f"conductor {name}"):
            yield

    def post(self, job: str) -> None:
        """See the port."""
        self._connect()
        self._post(job)

    def close(self) -> None:
        """See the port."""
        if self._board.connected:
            self._board.close()

    def claim(self, but: Collection[str]) -> str | None:
        """See the port."""
        with _told():
            self._post_missing()
            for posted in self._board.iterjobs(only_unclaimed=True, ensure_fresh=True):
                job = str(posted.details["job"])
                if job not in but and self._take(posted, job):
                    return job
        return None

    def keep(self, job: str) -> bool:
        """See the port."""
        posted = self._claimed.get(job)
        if posted is None:  # it was done a moment ago
            return True
        with _told():
            owner = self._owner(posted)
            if owner == self._name:
                posted.extend_expiry(CLAIM)
            elif owner is None:  # the server was away for longer than the claim lasts
                with suppress(taskflow_errors.UnclaimableJob, taskflow_errors.NotFound):
                    self._board.claim(posted, self._name, expiry=CLAIM)
            try:
                return self._locks.attempt(lock_of(job))
            except Interrupted:
                return False

    def done(self, job: str) -> None:
        """See the port."""
        self._leave(job, self._board.consume)

    def release(self, job: str) -> None:
        """See the port."""
        self._leave(job, self._board.abandon)

    def wait(self, seconds: float) -> None:
        """See the port."""
        time.sleep(seconds)

    # --- the jobboard ---------------------------------------------------------------------------
    def _connect(self) -> None:
        with _told():
            if not self._board.connected:
                self._board.connect()

    def _post(self, job: str) -> None:
        with _told():
            self._board.post(NAME, details={"job": job})

    def _post_missing(self) -> None:
        """Whoever handed in a job may have been killed before it was posted, and Redis may have lost some."""
        now = time.time()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        posted = {str(each.details["job"]) for each in self._board.iterjobs(ensure_fresh=True)}
        old = [j.id for j in self._jobs.unfinished() if j.updated_at < now - LOOK_EVERY]
        if not set(old) - posted or not self._locks.attempt("board"):
            return
        try:
            for job in sorted(set(old) - posted):
                self._post(job)
        finally:
            self._locks.release("board")

    def _take(self, posted: Any, job: str) -> bool:
        known = self._jobs.find(job)
        try:
            self._board.claim(posted, self._name, expiry=CLAIM)
        except (taskflow_errors.UnclaimableJob, taskflow_errors.NotFound):
            return False
        if known is None or known.state.over:
            self._board.consume(posted, self._name)
            return False
        if not self._locks.attempt(lock_of(job)):
            self._board.abandon(posted, self._name)
            return False
        self._claimed[job] = posted
        return True

    def _leave(self, job: str, how: Any) -> None:
        posted = self._claimed.pop(job)
        try:
            with _told():
                how(posted, self._name)
        finally:
            self._locks.release(lock_of(job))

    def _owner(self, posted: Any) -> str | None:
        try:
            owner: str | None = self._board.find_owner(posted)
        except TypeError:  # what TaskFlow makes of a claim that has run out
            return None
        return owner


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except taskflow_errors.TaskFlowException as error:
        raise BoardError(
            f"the jobboard does not answer as it should: {str(error).splitlines()[0]}",
            "Check 'api.board' in config.yaml, and that the server runs.",
        ) from None
    except Exception as error:
        if type(error).__module__.split(".")[0] not in LIBRARIES:
            raise
        raise BoardError(
            f"the jobboard does not answer: {type(error).__name__}",
            "Check 'api.board' in config.yaml, and that the server runs.",
        ) from None


def _board(url: str) -> Any:
    try:
        parts = urlsplit(url)
        kind, port = KINDS[parts.scheme]
        where: dict[str, Any] = {"board": kind, "host": parts.hostname or "", "port": parts.port or port}
        if kind == "redis":
            where |= {
                "namespace": NAME,
                "db": int(parts.path.strip("/") or 0),
                "ssl": parts.scheme == "rediss",
            }
            where |= {"password": unquote(parts.password)} if parts.password else {}
            where |= {"username": unquote(parts.username)} if parts.username else {}
        else:
            where |= {"path": NAME}
        if not where["host"]:
            raise ValueError
    except (KeyError, ValueError):
        raise ConfigError(
            "config.yaml: api.board: is no address of a board",
            "For example redis://:PASSWORD@HOST:6379/0 or etcd://HOST:2379.",
        ) from None
    try:
        return backends.fetch(NAME, where)
    except (ImportError, taskflow_errors.NotFound):
        raise ConfigError(
            f"config.yaml: api.board: a Python package for {kind} is missing",
            f"Install it with: pip install 'pumphouse[{kind}]'.",
        ) from None
