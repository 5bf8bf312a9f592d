"""MariaDB and PostgreSQL, each for one test session: own directory, free port, as an unprivileged user."""

import contextlib
import functools
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

PASSWORD = "hunter2-of-the-database"
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Server:
    """A database server.

    :param kind: ``mysql`` or ``postgresql``.
    :param admin: URL of its administrator.
    """

    kind: str
    admin: sa.URL

    def make(self, name: str, statements: str) -> str:
        """A new database with these tables, and the URL of a user who may do everything in it."""
        engine = sa.create_engine(self.admin, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        url = self.admin.set(database=name)
        with sa.create_engine(url, poolclass=sa.pool.NullPool).begin() as connection:
            for statement in filter(str.strip, statements.split(";")):
                connection.execute(sa.text(statement))
        return url.render_as_string(hide_password=False)

    @functools.cache  # noqa: B019 - servers last as long as the tests
    def reader(self, address: str) -> str:
        """The URL of a user who may only read that database."""
        url = sa.make_url(address)
        grants = {
            "mysql": (
                f"CREATE USER 'reader_{url.database}'@'%' IDENTIFIED BY '{PASSWORD}'",
                f"GRANT SELECT ON {url.database}.* TO 'reader_{url.database}'@'%'",
            ),
            "postgresql": (
                f"CREATE USER reader_{url.database} PASSWORD '{PASSWORD}'",
                f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{url.database}",
            ),
        }
        with sa.create_engine(url, poolclass=sa.pool.NullPool).begin() as connection:
            for statement in grants[self.kind]:
                connection.execute(sa.text(statement))
        return url.set(username=f"reader_{url.database}").render_as_string(hide_password=False)


@contextlib.contextmanager
def running(kind: str) -> Iterator[Server]:
    """The server of this kind, until the end of the block."""
    home = pathlib.Path(tempfile.mkdtemp(prefix=f"pumphouse-{kind}-"))
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user, pwd.getpwnam(user).pw_gid)
    try:
        yield from _MAKERS[kind](home, user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _program(*patterns: str) -> str:
    for pattern in patterns:
        if found := sorted(glob.glob(pattern)):
            return found[-1]
    pytest.skip(
        f"{pathlib.Path(patterns[0]).name} is not installed (Debian: mariadb-server-core, postgresql)"
    )


def _mariadb(home: pathlib.Path, user: str | None) -> Iterator[Server]:
    install = _program("/usr/bin/mariadb-install-db", "/usr/bin/mysql_install_db")
    daemon = _program("/usr/sbin/mariadbd", "/usr/sbin/mysqld")
    data, port = home / "data", _free_port()
    secret = home / "secret.sql"
    _run(
        *(install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"),
        "--skip-test-db",
        user=user,
    )
    secret.write_text(
        f"CREATE USER 'keystone'@'%' IDENTIFIED BY '{PASSWORD}';\n"
        "GRANT ALL ON *.* TO 'keystone'@'%' WITH GRANT OPTION;\n"
    )
    secret.chmod(0o644)
    command = (
        *(daemon, "--no-defaults", f"--datadir={data}", f"--socket={home}/socket", f"--port={port}"),
        *("--bind-address=127.0.0.1", f"--pid-file={home}/pid", f"--init-file={secret}"),
        *("--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb3", f"--tmpdir={home}"),
    )
    url = sa.URL.create("mysql+pymysql", "keystone", PASSWORD, "127.0.0.1", port, "mysql")
    with _daemon(command, user, home, url):
        yield Server("mysql", url)


def _postgresql(home: pathlib.Path, user: str | None) -> Iterator[Server]:
    programs = _program("/usr/lib/postgresql/*/bin/postgres", "/usr/local/pgsql/bin/postgres")
    directory, data, port = pathlib.Path(programs).parent, home / "data", _free_port()
    secret = home / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    _run(
        *(str(directory / "initdb"), "-D", str(data), "-U", "keystone", "--pwfile", str(secret)),
        *("--auth", "scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8"),
        user=user,
    )
    command = (
        *(programs, "-D", str(data), "-p", str(port), "-k", str(home), "-h", "127.0.0.1"),
        *("-c", "fsync=off"),
    )
    url = sa.URL.create("postgresql+psycopg", "keystone", PASSWORD, "127.0.0.1", port, "postgres")
    with _daemon(command, user, home, url):
        yield Server("postgresql", url)


_MAKERS = {"mysql": _mariadb, "postgresql": _postgresql}


def _run(*command: str, user: str | None) -> None:
    done = subprocess.run(command, user=user, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _daemon(command: tuple[str, ...], user: str | None, home: pathlib.Path, url: sa.URL) -> Iterator[None]:
    log = home / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, user=user, stdout=file, stderr=file, cwd="/")
    try:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        for _ in range(200):
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(sa.exc.OperationalError), engine.connect():
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"{command[0]} does not answer: {log.read_text()}")
        yield
    finally:
        process.send_signal(signal.SIGINT if "postgres" in command[0] else signal.SIGTERM)  # fast, both
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
