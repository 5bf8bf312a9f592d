"""The Clock port: real time, and the one place that sleeps and that learns of a stop."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from pumphouse.errors import CloudError, Interrupted

T = TypeVar("T")
FIRST_POLL, LAST_POLL = 0.1, 2.0  # seconds between two looks, growing


class StoppableClock:
    """See :class:`pumphouse.ports.Clock`.

    While work is being undone it goes on in spite of a stop: see :meth:`shielded`.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._local = threading.local()

    def stop(self) -> None:
        """Make every wait of every thread raise Interrupted, from now on."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def shielded(self, work: Callable[[], T]) -> T:
        """Run work of this thread to its end although a stop was asked for; for undoing."""
        before = getattr(self._local, "shielded", False)
        self._local.shielded = True
        try:
            return work()
        finally:
            self._local.shielded = before

    def now(self) -> float:
        """See the port."""
        return time.time()

    def check(self) -> None:
        """See the port."""
        if self._stop.is_set() and not getattr(self._local, "shielded", False):
            raise Interrupted("stopped", "The same command goes on where it was.")

    def sleep(self, seconds: float) -> None:
        """See the port."""
        self.check()
        if getattr(self._local, "shielded", False):
            time.sleep(seconds)
        else:
            self._stop.wait(seconds)
            self.check()

    def wait(self, what: str, timeout: float, poll: Callable[[], T | None]) -> T:
        """See the port."""
        end, pause = time.monotonic() + timeout, FIRST_POLL
        while True:
            answer = poll()
            if answer is not None:
                return answer
            if time.monotonic() > end:
                raise CloudError(
                    f"waited {timeout:g} s for {what}",
                    "Look why it takes so long, then run the same command again; policy.timeouts sets the limit.",
                )
            self.sleep(pause)
            pause = min(pause * 1.5, LAST_POLL)
