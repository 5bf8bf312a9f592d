"""One Keystone's tables of users and application credentials, whatever its release.

Sources of the layouts, all in Keystone's migrations: one ``user.password`` until Liberty; ``local_user`` and
``password`` from Mitaka; ``created_at``, ``expires_at`` and ``self_service`` from Newton and Ocata;
``password_hash``, ``created_at_int`` and ``expires_at_int`` from Pike and Queens, which also brought
``application_credential``. Columns are read from the database, so each release is written in its own way.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from pumphouse import database
from pumphouse.errors import CloudError
from pumphouse.model import Origin

NEEDED = ("user",)
READ = (
    *("user", "local_user", "nonlocal_user", "federated_user", "password"),
    *("application_credential", "application_credential_role"),
    *("application_credential_access_rule", "access_rule"),
)
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Secret:
    """One password of a user, the newest being the one in force; its hash is never shown.

    :param created_at: microseconds since the epoch; 0 when unknown.
    """

    hashed: str = field(repr=False)
    created_at: int
    expires_at: int | None
    self_service: bool


@dataclass(frozen=True)
class User:
    """What the tables say of a user.

    :param secrets: oldest first.
    :param failures: of logging in, in a row; with the time of the last they decide whether the user is locked out.
    """

    origin: Origin
    secrets: tuple[Secret, ...] = ()
    failures: int | None = None
    failed_at: datetime | None = None


class KeystoneTables:
    """The database of one cloud's Keystone.

    :param role: of the cloud; for messages.
    """

    def __init__(self, role: str, address: str) -> None:
        self._role = role
        self._address = address

    @cached_property
    def _url(self) -> sa.URL:
        return database.parse(self._address)

    @cached_property
    def _engine(self) -> sa.Engine:
        return database.open_existing(self._url)

    @cached_property
    def _tables(self) -> Mapping[str, sa.Table]:
        with self.begin() as connection:
            there = set(sa.inspect(connection).get_table_names())
            missing = [name for name in NEEDED if name not in there]
            if missing:
                raise CloudError(
                    f"{self._role}: {database.shown(self._url)} has no table {missing[0]!r}",
                    "Name the database of Keystone in identity.connection.",
                )
            metadata = sa.MetaData()
            # Alone: a foreign key's table would be read too, and the next, until all of Keystone is.
            for name in READ:
                if name in there:
                    sa.Table(name, metadata, autoload_with=connection, resolve_fks=False)
        return metadata.tables

    def _table(self, name: str) -> sa.Table:
        if name not in self._tables:
            raise CloudError(
                f"{self._role}: {database.shown(self._url)} has no table {name!r}",
                "This Keystone is too old to be written to; leave out identity.connection.",
            )
        return self._tables[name]

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction; whatever goes wrong in it is told without secrets.

        :raises CloudError: when the database does not answer as it should.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise CloudError(
                f"{self._role}: Keystone's database {database.shown(self._url)}: "
                f"{database.reason(error, self._url)}",
                "Check identity.connection: host, user, password, its rights, and the network.",
            ) from None

    # --- proving --------------------------------------------------------------------------------
    def prove(self, write: bool) -> str:
        """Where it is, without password, once it has answered; rights are asked for with statements that meet no row.

        :raises CloudError: when it is not Keystone's, or lacks a right.
        """
        _ = self._tables
        if write:
            password, local = self._table("password"), self._table("local_user")
            with self.begin() as connection:
                connection.execute(sa.delete(password).where(sa.false()))
                connection.execute(sa.update(local).where(sa.false()).values(failed_auth_count=0))
                nothing = sa.select(*password.columns).where(sa.false())
                connection.execute(sa.insert(password).from_select(list(password.columns), nothing))
        return database.shown(self._url)

    # --- passwords ------------------------------------------------------------------------------
    def users(self) -> dict[str, User]:
        """Every user, by id."""
        tables = self._tables
        with self.begin() as connection:
            if "password" not in tables:
                return dict(_until_liberty(connection, tables["user"]))
            found: dict[str, User] = {}
            for name, origin in (("nonlocal_user", Origin.LDAP), ("federated_user", Origin.FEDERATED)):
                if name in tables:
                    ids = connection.scalars(sa.select(tables[name].c.user_id))
                    found |= {identifier: User(origin) for identifier in ids}
            secrets = _secrets(connection, tables["password"])
            for row in connection.execute(sa.select(tables["local_user"])).mappings():
                found[row["user_id"]] = User(
                    Origin.LOCAL,
                    tuple(secrets.get(row["id"], ())),
                    row.get("failed_auth_count"),
                    row.get("failed_auth_at"),
                )
        return found

    def write(self, users: Mapping[str, User]) -> None:
        """Replace the passwords of users, by id, in one transaction: all of them or none.

        :raises CloudError: also when one of them is not a local user.
        """
        with self.begin() as connection:
            for identifier, user in users.items():
                self._write(connection, identifier, user)

    def _write(self, connection: sa.Connection, identifier: str, user: User) -> None:
        password, local = self._table("password"), self._table("local_user")
        mine = sa.select(local.c.id).where(local.c.user_id == identifier).with_for_update()
        number = connection.scalar(mine)
        if number is None:
            raise CloudError(
                f"{self._role}: user {identifier} has no password of its own in Keystone's database",
                "It is a user of LDAP or of a federation; reset nothing, and exclude it.",
            )
        connection.execute(sa.delete(password).where(password.c.local_user_id == number))
        rows = [_password_row(password, number, secret) for secret in user.secrets]
        connection.execute(sa.insert(password), rows)
        if "failed_auth_count" in local.c:
            change = sa.update(local).where(local.c.id == number)
            state = {"failed_auth_count": user.failures, "failed_auth_at": user.failed_at}
            connection.execute(change.values(**state))

    # --- application credentials ----------------------------------------------------------------
    def hashes_of_credentials(self) -> dict[str, str]:
        """The hash of each application credential's secret, by id."""
        table = self._tables.get("application_credential")
        if table is None:
            return {}
        with self.begin() as connection:
            return {
                row.id: row.secret_hash
                for row in connection.execute(sa.select(table.c.id, table.c.secret_hash))
            }

    def add_credential(self, identifier: str, hashed: str, want: Mapping[str, Any]) -> None:
        """Add an application credential, with its roles and access rules, in one transaction; repeatable.

        :param want: its fields as in the API, with ids of this cloud.
        """
        table = self._table("application_credential")
        with self.begin() as connection:
            owner = connection.scalar(sa.select(table.c.user_id).where(table.c.id == identifier))
            if owner == want["user_id"]:
                return
            if owner is not None:
                raise CloudError(
                    f"{self._role}: another user has an application credential {identifier}",
                    "Delete that one, or exclude this one.",
                )
            fields = {name: want.get(name) for name in ("name", "description", "user_id", "project_id")}
            fields |= {
                "id": identifier,
                "secret_hash": hashed,
                "unrestricted": want.get("unrestricted"),
            }
            fields["expires_at"] = _micros(want.get("expires_at"))
            added = connection.execute(sa.insert(table).values(**_known(table, fields)))
            number = added.inserted_primary_key[0] if added.inserted_primary_key else None
            self._add_parts(connection, number, want)

    def _add_parts(self, connection: sa.Connection, number: Any, want: Mapping[str, Any]) -> None:
        roles = self._tables["application_credential_role"]
        for role in want["roles"]:
            connection.execute(sa.insert(roles).values(application_credential_id=number, role_id=role["id"]))
        for rule in want.get("access_rules") or ():
            part = {"application_credential_id": number}
            part["access_rule_id"] = self._access_rule(connection, want["user_id"], rule)
            connection.execute(sa.insert(self._tables["application_credential_access_rule"]).values(**part))

    def _access_rule(self, connection: sa.Connection, user: str, rule: Mapping[str, str]) -> Any:
        """The user's rule of this content, which Keystone keeps once; added when there is none."""
        table = self._tables["access_rule"]
        fields = {"user_id": user, **{name: rule.get(name) for name in ("service", "path", "method")}}
        same = sa.and_(*(table.c[name] == value for name, value in fields.items()))
        known = connection.scalar(sa.select(table.c.id).where(same))
        if known is not None:
            return known
        added = connection.execute(sa.insert(table).values(external_id=uuid4().hex, **fields))
        return added.inserted_primary_key[0] if added.inserted_primary_key else None


def _until_liberty(connection: sa.Connection, user: sa.Table) -> Iterator[tuple[str, User]]:
    for row in connection.execute(sa.select(user.c.id, user.c.password)):
        secrets = (Secret(row.password, 0, None, False),) if row.password else ()
        yield row.id, User(Origin.LOCAL, secrets)


def _secrets(connection: sa.Connection, table: sa.Table) -> dict[int, list[Secret]]:
    """Passwords by number of the local user, oldest first."""
    found: dict[int, list[Secret]] = defaultdict(list)
    for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings():
        # Pike to Stein wrote both while they were upgraded; the new column is the one that counts.
        hashed = row.get("password_hash") or row.get("password")
        if hashed:
            created = row.get("created_at_int") or _micros(row.get("created_at")) or 0
            expires = row.get("expires_at_int") or _micros(row.get("expires_at"))
            secret = Secret(hashed, created, expires, bool(row.get("self_service")))
            found[row["local_user_id"]].append(secret)
    for secrets in found.values():
        secrets.sort(key=lambda secret: secret.created_at)
    return found


def _password_row(table: sa.Table, number: int, secret: Secret) -> dict[str, Any]:
    values = {
        "local_user_id": number,
        "password_hash": secret.hashed,
        "created_at": _moment(secret.created_at),
        "created_at_int": secret.created_at,
        "expires_at": None if secret.expires_at is None else _moment(secret.expires_at),
        "expires_at_int": secret.expires_at,
        "self_service": secret.self_service,
    }
    return _known(table, values)


def _known(table: sa.Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in table.c}


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _micros(moment: datetime | str | None) -> int | None:
    """Keystone's times are in UTC and say so nowhere but in its API."""
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return (moment - EPOCH) // timedelta(microseconds=1)
