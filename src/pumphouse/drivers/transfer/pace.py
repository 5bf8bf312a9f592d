"""A cap on bytes per second, shared by all transfers."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets bytes through at a rate; None lets them through at once.

    Every spender reserves the next free moment, so that all together keep to the rate.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._free = time.monotonic()
        self._lock = threading.Lock()

    def spend(self, count: int, sleep: Callable[[float], None]) -> None:
        """Wait until ``count`` more bytes may pass."""
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            start = max(self._free, now)
            self._free = start + count / self._rate
        if start > now:
            sleep(start - now)
