"""Passwords and application credentials from Keystone's tables to Keystone's tables, on real database servers.

The source has the layout of an old release or a new one, the destination the newest; what Keystone itself makes of
the result is in test_identity_passwords.
"""

from contextlib import ExitStack
from datetime import datetime
from functools import cache
from itertools import product

import pytest
import sqlalchemy as sa
from database_servers import PASSWORD, running
from keystone_layouts import layout

from pumphouse.config import Config
from pumphouse.errors import PumphouseError
from pumphouse.identity.formats import accepted
from pumphouse.identity.tables import SqlIdentityTables
from pumphouse.model import Origin, Password

OLD = "$6$rounds=4000$salt$of-sha512-crypt"
FIRST, SECOND = "$2b$12$of-ann-the-first", "$scrypt$ln=16,r=8,p=1$salt$of-ann-the-second"
CREATED = 1_600_000_000_123_456  # microseconds
EXPIRES = 1_900_000_000_000_000
MOMENT = datetime(2020, 9, 13, 12, 26, 40, 123456)
ROBOT = "$pbkdf2-sha512$25000$salt$of-a-robot"
NEWEST = "2026.2"
EMPTIED = (
    *("application_credential_access_rule", "application_credential_role", "access_rule"),
    *("application_credential", "password", "local_user", "user"),
)


@pytest.fixture(scope="module")
def servers(lab):
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(running(kind)))


@pytest.fixture(scope="module", params=list(product(("mysql", "postgresql"), ("liberty", "queens", "zed"))))
def pair(request, servers):
    """A server, and the address of an old Keystone's database on it."""
    kind, release = request.param
    server = servers(kind)
    address = server.make(f"keystone_{release}", layout(release, kind))
    with engine(address).begin() as connection:
        fill = {"liberty": _fill_liberty}.get(release, _fill)
        fill(connection, release)
    return server, address


@pytest.fixture
def server(pair):
    return pair[0]


@pytest.fixture
def source(pair):
    return pair[1]


@pytest.fixture(scope="module")
def newest():
    """The address of a new Keystone's database, one on each server."""
    return cache(lambda server: server.make("keystone_new", layout(NEWEST, server.kind)))


@pytest.fixture
def destination(server, newest):
    """A Keystone that has the users, each with a password of Pumphouse's."""
    address = newest(server)
    with engine(address).begin() as connection:
        for table in EMPTIED:
            connection.execute(sa.delete(sa.table(table)))
        for number, user in enumerate(("new-ann", "new-bob", "new-cy"), 1):
            _insert(connection, "user", id=user, domain_id="default", enabled=True)
            _insert(connection, "local_user", id=number, user_id=user, domain_id="default", name=user)
            temporary = {"local_user_id": number, "password_hash": "$2b$12$unknown", "self_service": False}
            _insert(connection, "password", **temporary, created_at=MOMENT, created_at_int=1)
    return address


def engine(address):
    return sa.create_engine(address, poolclass=sa.pool.NullPool)


def _insert(connection, table, **values):
    there = sa.Table(table, sa.MetaData(), autoload_with=connection, resolve_fks=False)
    connection.execute(sa.insert(there).values({n: v for n, v in values.items() if n in there.c}))


def _fill_liberty(connection, _):
    for name, hashed in (("ann", FIRST), ("bob", OLD), ("cy", None)):
        _insert(
            connection,
            "user",
            id=name,
            name=name,
            password=hashed,
            enabled=True,
            domain_id="default",
            extra="{}",
        )


def _fill(connection, release):
    for number, name in enumerate(("ann", "bob", "cy"), 1):
        _insert(connection, "user", id=name, enabled=True, domain_id="default", extra="{}")
        failures = {"failed_auth_count": 3, "failed_auth_at": MOMENT} if name == "ann" else {}
        _insert(connection, "local_user", id=number, user_id=name, domain_id="default", name=name, **failures)
    for name, table in (("lea", "nonlocal_user"), ("fay", "federated_user")):
        _insert(connection, "user", id=name, enabled=True, domain_id="default")
        if release == "zed" and table == "federated_user":
            _insert(connection, "identity_provider", id="idp", domain_id="default", enabled=True)
            _insert(connection, "federation_protocol", id="saml", idp_id="idp", mapping_id="m")
        more = {"idp_id": "idp", "protocol_id": "saml", "unique_id": "fay"}
        _insert(connection, table, user_id=name, domain_id="default", name=name, **more)
    # Queens may still have a hash in the column of before, and times in that of before only.
    old_column = "password" if release == "queens" else "password_hash"
    now = {"created_at": MOMENT, "created_at_int": CREATED, "self_service": True}
    _insert(connection, "password", local_user_id=1, password_hash=SECOND, **now, expires_at_int=EXPIRES)
    before = {"created_at": datetime(2019, 1, 1), "created_at_int": 0, "self_service": False}
    _insert(connection, "password", local_user_id=1, **{old_column: FIRST}, **before)
    _insert(connection, "password", local_user_id=2, **{old_column: OLD}, **now)
    _insert(
        connection,
        "application_credential",
        **{"id": "robot", "name": "robot", "secret_hash": ROBOT, "user_id": "ann", "project_id": "p"},
    )


def tables(source, destination, compute=(2, 104)):
    config = {
        role: {"cloud": role, "identity": {"connection": address}}
        for role, address in (("source", source), ("destination", destination))
    }
    return SqlIdentityTables(Config.model_validate(config), lambda: accepted(compute))


def rows(address, user):
    """The passwords of a user as they stand in the newest layout."""
    query = sa.text(
        "SELECT password_hash, created_at, created_at_int, expires_at, expires_at_int, self_service, "
        "failed_auth_count FROM password JOIN local_user ON local_user.id = local_user_id "
        "WHERE user_id = :user ORDER BY created_at_int"
    )
    with engine(address).connect() as connection:
        return [dict(row) for row in connection.execute(query, {"user": user}).mappings()]


def is_liberty(source):
    return "liberty" in source


def test_what_is_told_of_passwords_holds_no_hash(source, destination):
    told = tables(source, destination).passwords("source")
    if is_liberty(source):
        assert told["ann"] == Password(Origin.LOCAL, "bcrypt", 0, None, True)
    else:
        assert told["ann"] == Password(Origin.LOCAL, "scrypt", CREATED, EXPIRES, True)
        assert (told["lea"].origin, told["fay"].origin) == (Origin.LDAP, Origin.FEDERATED)
    assert (told["bob"].format, told["bob"].accepted) == ("sha512_crypt", False)
    assert told["cy"] == Password(Origin.LOCAL)
    assert "of-ann" not in repr(told)
    assert tables(source, destination, (2, 93)).passwords("source")["bob"].accepted


def test_passwords_arrive_with_their_age_expiry_and_failed_attempts(source, destination):
    carried = tables(source, destination).carry_passwords({"ann": "new-ann"})
    *before, now = rows(destination, "new-ann")
    if is_liberty(source):
        assert (now["password_hash"], now["created_at_int"], before) == (FIRST, 0, [])
        assert carried == {"ann": 0}
        return
    assert carried == {"ann": CREATED}
    assert (now["password_hash"], now["created_at_int"], now["expires_at_int"]) == (SECOND, CREATED, EXPIRES)
    assert now["created_at"].replace(microsecond=0) == MOMENT.replace(microsecond=0)
    assert (now["expires_at"].year, bool(now["self_service"]), now["failed_auth_count"]) == (2030, True, 3)
    assert [row["password_hash"] for row in before] == [FIRST]
    assert [row["password_hash"] for row in rows(destination, "new-bob")] == ["$2b$12$unknown"]


def test_carrying_again_changes_nothing(source, destination):
    both = tables(source, destination)
    both.carry_passwords({"ann": "new-ann"})
    first = rows(destination, "new-ann")
    both.carry_passwords({"ann": "new-ann"})
    assert rows(destination, "new-ann") == first


def test_all_users_of_a_batch_or_none(source, destination):
    before = rows(destination, "new-ann")
    with pytest.raises(PumphouseError, match="new-nobody"):
        tables(source, destination, (2, 93)).carry_passwords({"ann": "new-ann", "bob": "new-nobody"})
    assert rows(destination, "new-ann") == before


def test_a_hash_that_is_not_accepted_is_not_written(source, destination):
    with pytest.raises(PumphouseError, match="bob"):
        tables(source, destination).carry_passwords({"bob": "new-bob"})
    assert [row["password_hash"] for row in rows(destination, "new-bob")] == ["$2b$12$unknown"]


def test_application_credentials_keep_id_and_secret(source, destination):
    both = tables(source, destination)
    if is_liberty(source):
        assert both.credentials() == frozenset()
        return
    assert both.credentials() == {"robot"}
    want = {"user_id": "new-ann", "project_id": "new-p", "name": "robot", "roles": [{"id": "r"}, {"id": "s"}]}
    want |= {
        "expires_at": "2030-03-17T17:46:40.000000",
        "access_rules": [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}],
    }
    for _ in range(2):
        both.carry_credential("robot", want)
    with engine(destination).connect() as connection:
        (row,) = connection.execute(sa.text("SELECT * FROM application_credential")).mappings()
        roles = set(connection.scalars(sa.text("SELECT role_id FROM application_credential_role")))
        (rule,) = connection.execute(sa.text("SELECT * FROM access_rule")).mappings()
    assert (row["id"], row["secret_hash"], row["user_id"]) == ("robot", ROBOT, "new-ann")
    assert (row["expires_at"], roles) == (EXPIRES, {"r", "s"})
    assert (rule["user_id"], rule["path"]) == ("new-ann", "/v2.1/servers")


def test_databases_are_proven_and_rights_are_missed(server, source, destination):
    assert PASSWORD not in tables(source, destination).prove("source")
    assert (
        tables(source, destination)
        .prove("destination")
        .startswith(f"{server.kind} database 'keystone_new' at 127.0.0.1")
    )
    with pytest.raises(PumphouseError) as refused:
        tables(source, server.reader(destination)).prove("destination")
    assert "denied" in str(refused.value)
    assert PASSWORD not in str(refused.value) + refused.value.remedy


def test_what_goes_wrong_is_told_without_the_password(server, source):
    url = sa.make_url(source)
    nobody = url.set(username="nobody").render_as_string(hide_password=False)
    nowhere = url.set(port=1).render_as_string(hide_password=False)
    other = url.set(database=server.admin.database).render_as_string(hide_password=False)
    for address, words in ((nobody, ""), (nowhere, ""), (other, "has no table 'user'")):
        with pytest.raises(PumphouseError) as raised:
            tables(address, source).prove("source")
        said = str(raised.value) + repr(raised.value) + raised.value.remedy
        assert words in said
        assert PASSWORD not in said
