"""One run at a time works with a ledger; the lock goes with the process, kill -9 included."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pumphouse.errors import Refused


@contextmanager
def locked(ledger: str) -> Iterator[None]:
    """Hold the lock of a ledger that is a file.

    :raises Refused: when another process holds it; says which.
    """
    if "://" in ledger:
        yield
        return
    path = Path(f"{ledger}.lock")
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Refused(
                f"another pumphouse (process {file.read().strip() or 'unknown'}) is working with {ledger}",
                "Wait for it to end, or stop it; 'pumphouse status --follow' shows what it does.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
