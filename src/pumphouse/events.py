"""An in-process bus for events; it knows no transport."""

import threading
from collections.abc import Callable

from pumphouse.model import Event

Subscriber = Callable[[Event], None]


class Bus:
    """Hands every event to every subscriber, in order, from whichever thread publishes it."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._lock = threading.RLock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Add a subscriber; it must be quick and must not raise."""
        with self._lock:
            self._subscribers.append(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Hand it no further events."""
        with self._lock:
            self._subscribers.remove(subscriber)

    def publish(self, event: Event) -> None:
        """Call every subscriber."""
        with self._lock:
            for subscriber in self._subscribers:
                subscriber(event)
