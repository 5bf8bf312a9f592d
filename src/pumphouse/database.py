"""Databases of others, by SQLAlchemy URL: opened with patience, shown and complained about without their secrets."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from pumphouse.errors import ConfigError

PATIENCE = 10  # seconds to connect


def parse(address: str) -> URL:
    """The URL.

    :raises ConfigError: when it is none; does not show it, for it may hold a password.
    """
    try:
        return make_url(address)
    except sa.exc.ArgumentError:
        raise ConfigError(
            "not an SQLAlchemy URL", "Write e.g. mysql+pymysql://user:secret@host/keystone."
        ) from None


def shown(url: URL) -> str:
    """Which database it is, for a person: never the URL, which holds a password and may hold more in its options."""
    path = file(url)
    if path:
        return str(path)
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()} database {url.database!r} at {url.host or 'this machine'}{port}"


def file(url: URL) -> Path | None:
    """The file of an SQLite database; None for every other."""
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def open_existing(url: URL) -> sa.Engine:
    """An engine for a database that must be there; SQLite would make a file that is missing.

    :raises ConfigError: when the driver is not installed, or there is no such file.
    """
    path = file(url)
    if path and not path.is_file():
        raise ConfigError(f"{shown(url)}: no such file", "Check the path.")
    patience = {"timeout": PATIENCE * 3} if path else {"connect_timeout": PATIENCE}
    try:
        return sa.create_engine(url, connect_args=patience, poolclass=sa.pool.NullPool)
    except ImportError as error:
        remedy = "pip install 'pumphouse[mysql]' or 'pumphouse[postgresql]'"
        raise ConfigError(f"the driver {error.name} is not installed", remedy) from None
    except sa.exc.SQLAlchemyError as error:
        raise ConfigError(f"{shown(url)}: {reason(error, url)}", "Check the URL.") from None


def reason(error: sa.exc.SQLAlchemyError, url: URL) -> str:
    """What the driver says, in one line, without password and options, and without what was to be written."""
    text = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
    for secret in filter(None, (url.password, *map(str, url.query.values()))):
        text = text.replace(secret, "***")
    return text
