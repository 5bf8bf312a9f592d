"""The Ledger port on SQLAlchemy: SQLite in WAL mode by default, PostgreSQL or MySQL by URL."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import sqlalchemy as sa

from pumphouse.errors import ConfigError, Refused
from pumphouse.ledger.tables import about, resource, temporary
from pumphouse.model import Row
from pumphouse.ports import Clock, Temporary

_BRINGING_UP = threading.Lock()  # alembic keeps what it works on in globals
OPENINGS = 4  # tries to open a database, over as many seconds as follow from it


def open_engine(location: str) -> sa.Engine:
    """The database of a ledger, with its schema brought up to date.

    :param location: a file, or an SQLAlchemy URL.
    :raises ConfigError: when it cannot be opened; never shows the URL, which may hold a password.
    """
    url = location if "://" in location else f"sqlite:///{location}"
    try:
        if "://" not in location:
            Path(location).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
        _bring_up(engine)
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError, OSError) as error:
        where = location if "://" not in location else "its database"
        raise ConfigError(
            f"the ledger cannot be opened at {where}: {type(error).__name__}",
            "Check 'ledger' in config.yaml, and that the directory may be written.",
        ) from None
    return engine


def _bring_up(engine: sa.Engine) -> None:
    """Two processes may open a new ledger at once: the tables of the other are found by a second try."""
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    for attempt in range(OPENINGS):
        try:
            with _BRINGING_UP, engine.begin() as connection:
                settings.attributes["connection"] = connection
                alembic.command.upgrade(settings, "head")
            return
        except sa.exc.DatabaseError:
            if attempt == OPENINGS - 1:
                raise
            time.sleep(attempt)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA busy_timeout=10000")  # first: another process may be opening it too
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # an intent must outlive a power cut


class SqlLedger:
    """See :class:`pumphouse.ports.Ledger`. One writer at a time; every call is one transaction."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.RLock()

    def bind(self, source: str, destination: str) -> None:
        """Remember whose ledger this is, or refuse when it is another pair's.

        :raises Refused: ids of one pair of clouds mean nothing in another.
        """
        pair = f"{source} → {destination}"
        with self._begin() as connection:
            known = connection.scalar(sa.select(about.c.value).where(about.c.name == "clouds"))
            if known is None:
                connection.execute(about.insert().values(name="clouds", value=pair))
        if known not in (None, pair):
            raise Refused(
                f"the ledger is of other clouds: {known}, not {pair}",
                "Use a ledger of its own for every pair of clouds ('ledger' in config.yaml).",
            )

    # --- resources ------------------------------------------------------------------------------
    def intend(self, key: str, kind: str, name: str) -> None:
        """See the port."""
        self._put(key, kind=kind, name=name, destination_id=None, state="intended", how="created")

    def created(self, key: str, destination_id: str) -> None:
        """See the port."""
        self._put(key, destination_id=destination_id, state="created")

    def done(self, *keys: str) -> None:
        """See the port."""
        with self._begin() as connection:
            change = resource.update().where(resource.c.key.in_(keys))
            connection.execute(change.values(state="done", updated_at=self._clock.now()))

    def reused(self, key: str, kind: str, name: str, destination_id: str) -> None:
        """See the port."""
        row = self.row(key)
        if row is None or row.how != "created" or row.destination_id != destination_id:
            self._put(key, kind=kind, name=name, destination_id=destination_id, state="reused", how="reused")

    def note(self, key: str, **data: Any) -> None:
        """See the port."""
        with self._lock:
            row = self.row(key)
            if row is None:
                kind, _, identifier = key.partition(":")
                self._put(key, kind=kind, name=identifier, state="intended", how="created", data=data)
            else:
                self._put(key, data={**row.data, **data})

    def committed(self, key: str) -> None:
        """The original was deleted at the source."""
        self._put(key, state="committed")

    def forget(self, key: str) -> None:
        """See the port."""
        with self._begin() as connection:
            connection.execute(resource.delete().where(resource.c.key == key))

    def row(self, key: str) -> Row | None:
        """See the port."""
        with self._begin() as connection:
            found = connection.execute(sa.select(resource).where(resource.c.key == key)).mappings().first()
        return _row(found) if found else None

    def rows(self, *kinds: str) -> Mapping[str, Row]:
        """See the port."""
        query = sa.select(resource)
        if kinds:
            query = query.where(resource.c.kind.in_(kinds))
        with self._begin() as connection:
            found = connection.execute(query).mappings().all()
        return {row["key"]: _row(row) for row in found}

    def _put(self, key: str, **values: Any) -> None:
        values["updated_at"] = self._clock.now()
        with self._begin() as connection:
            changed = connection.execute(resource.update().where(resource.c.key == key).values(**values))
            if not changed.rowcount:
                new = {"key": key, "destination_id": None, "data": {}, **values}
                connection.execute(resource.insert().values(**new))

    # --- temporaries ----------------------------------------------------------------------------
    def temporary(self, owner: str, cloud: str, kind: str, name: str) -> Temporary | None:
        """See the port."""
        with self._begin() as connection:
            where = _named(cloud, kind, name)
            found = connection.execute(sa.select(temporary).where(where)).mappings().first()
            if found and not found["gone"]:
                return _temporary(found)
            connection.execute(temporary.delete().where(where))
            values = {"cloud": cloud, "kind": kind, "name": name, "owner": owner, "gone": 0}
            connection.execute(temporary.insert().values(**values, identifier=None))
        return None

    def temporary_made(self, cloud: str, kind: str, name: str, identifier: str) -> None:
        """See the port."""
        with self._begin() as connection:
            change = temporary.update().where(_named(cloud, kind, name)).values(identifier=identifier)
            connection.execute(change)

    def temporary_gone(self, cloud: str, kind: str, name: str) -> None:
        """See the port."""
        with self._begin() as connection:
            connection.execute(temporary.update().where(_named(cloud, kind, name)).values(gone=1))

    def temporaries(self, owner: str | None = None) -> tuple[Temporary, ...]:
        """See the port."""
        query = sa.select(temporary).where(temporary.c.gone == 0)
        if owner is not None:
            query = query.where(temporary.c.owner == owner)
        with self._begin() as connection:
            found = connection.execute(query).mappings().all()
        return tuple(_temporary(row) for row in found)

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        with self._lock, self._engine.begin() as connection:
            yield connection


def _named(cloud: str, kind: str, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(temporary.c.cloud == cloud, temporary.c.kind == kind, temporary.c.name == name)


def _temporary(row: Mapping[Any, Any]) -> Temporary:
    return Temporary(row["owner"], row["cloud"], row["kind"], row["name"], row["identifier"])


def _row(found: Mapping[Any, Any]) -> Row:
    return Row(
        key=found["key"],
        kind=found["kind"],
        source_id=found["key"].partition(":")[2],
        name=found["name"],
        destination_id=found["destination_id"],
        state=found["state"],
        how=found["how"],
        data=found["data"],
        updated_at=found["updated_at"],
    )
