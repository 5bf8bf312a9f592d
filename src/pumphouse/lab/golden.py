"""A copy of each cloud as its first start left it, so that later first starts are mere starts.

It holds for one home only: its endpoints name ports, its cells name paths, its users have the
home's password.
"""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from pumphouse.lab.cloud import Cloud

KEYS = ("fernet-keys", "credential-keys")


def _golden(cloud: Cloud) -> Path:
    return cloud.home / "golden" / cloud.name


def has_state(cloud: Cloud) -> bool:
    """Whether this cloud was ever started."""
    return any(cloud.db.glob("*.sqlite"))


def save_golden(cloud: Cloud) -> None:
    """Copy databases and keys of a cloud that runs and that nobody has used yet."""
    golden, partial = _golden(cloud), _golden(cloud).with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "db").mkdir(parents=True)
    for database in cloud.db.glob("*.sqlite"):
        with (
            contextlib.closing(sqlite3.connect(database)) as origin,
            contextlib.closing(sqlite3.connect(partial / "db" / database.name)) as copy,
        ):
            origin.backup(copy)
    for keys in KEYS:
        shutil.copytree(cloud.etc / keys, partial / keys)
    shutil.rmtree(golden, ignore_errors=True)
    partial.rename(golden)


def has_golden(cloud: Cloud) -> bool:
    """Whether there is a copy to begin from."""
    return _golden(cloud).is_dir()


def empty(cloud: Cloud) -> None:
    """Delete all a stopped cloud holds, and put the golden copy in its place where there is one.

    What it has among the shared volumes stays: the files do not tell whose they are.
    """
    shutil.rmtree(cloud.root, ignore_errors=True)
    if not has_golden(cloud):
        return
    shutil.copytree(_golden(cloud) / "db", cloud.db)
    for keys in KEYS:
        shutil.copytree(_golden(cloud) / keys, cloud.etc / keys)
