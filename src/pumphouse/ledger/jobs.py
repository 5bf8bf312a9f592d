"""Jobs in the ledger's database."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from pumphouse.errors import BoardError, Refused
from pumphouse.ledger.tables import job
from pumphouse.model import Ended, Job, JobState, Selection
from pumphouse.ports import Clock

OPEN = (JobState.WAITING, JobState.RUNNING)
COLUMNS = [column for column in job.c if column.name not in ("key", "result")]


class SqlJobs:
    """See :class:`pumphouse.jobs.JobLedger`."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def add(
        self, caller: str, command: str, selection: Selection, options: Mapping[str, Any], key: str | None
    ) -> Job:
        """See the port."""
        now = self._clock.now()
        new: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "command": command,
            "selection": asdict(selection),
            "caller": caller,
        }
        new |= {"options": dict(options), "state": JobState.WAITING, "ended": asdict(Ended())}
        new |= {"wish": "", "conductor": "", "key": key, "created_at": now, "updated_at": now}
        try:
            with self._begin() as connection:
                connection.execute(job.insert().values(**new))
        except sa.exc.IntegrityError:
            known = self.with_key(caller, key or "")
            if known is None:
                raise
            if (known.command, known.selection, dict(known.options)) != (command, selection, dict(options)):
                raise Refused(
                    f"the Idempotency-Key was used for '{known}' with other options or another selection",
                    "Use a new key for a new request.",
                ) from None
            return known
        return self._get(str(new["id"]))

    def with_key(self, caller: str, key: str) -> Job | None:
        """See the port."""
        return next(iter(self._read(sa.and_(job.c.caller == caller, job.c.key == key))), None)

    def find(self, identifier: str) -> Job | None:
        """See the port."""
        return next(iter(self._read(job.c.id == identifier)), None)

    def all(self, limit: int = 1000) -> tuple[Job, ...]:
        """See the port."""
        return self._read(sa.true(), job.c.created_at.desc(), limit)

    def unfinished(self) -> tuple[Job, ...]:
        """See the port."""
        return self._read(job.c.state.in_(OPEN))

    def started(self, identifier: str, conductor: str) -> Job:
        """See the port."""
        return self._change(identifier, state=JobState.RUNNING, conductor=conductor)

    def stopped(self, identifier: str, state: JobState, ended: Ended, result: Any = None) -> Job:
        """See the port."""
        return self._change(identifier, state=state, wish="", ended=asdict(ended), result=result)

    def wish(self, identifier: str, wish: str) -> Job:
        """See the port."""
        return self._change(identifier, job.c.state.in_(OPEN), wish=wish)

    def result(self, identifier: str) -> Any:
        """See the port."""
        with self._begin() as connection:
            return connection.scalar(sa.select(job.c.result).where(job.c.id == identifier))

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            raise BoardError(f"the ledger does not answer: {type(error).__name__}") from None

    def _change(self, identifier: str, when: sa.ColumnElement[bool] | None = None, /, **values: Any) -> Job:
        where = job.c.id == identifier if when is None else sa.and_(job.c.id == identifier, when)
        with self._begin() as connection:
            connection.execute(job.update().where(where).values(**values, updated_at=self._clock.now()))
        return self._get(identifier)

    def _get(self, identifier: str) -> Job:
        found = self.find(identifier)
        assert found is not None, f"no job {identifier}"
        return found

    def _read(
        self, where: sa.ColumnElement[bool], order: Any = job.c.created_at, limit: int | None = None
    ) -> tuple[Job, ...]:
        query = sa.select(*COLUMNS).where(where).order_by(order).limit(limit)
        with self._begin() as connection:
            return tuple(_job(row) for row in connection.execute(query).mappings())


def _job(row: Mapping[Any, Any]) -> Job:
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in row["selection"].items()
    }
    values = {**row, "selection": Selection(**given), "state": JobState(row["state"])}
    return Job(**values | {"ended": Ended(**row["ended"])})
