"""While something runs: its progress is shown, and Ctrl-C or SIGTERM stops it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from pumphouse.cli.progress import watch

if TYPE_CHECKING:
    from pumphouse.cli.main import App
    from pumphouse.events import Bus, Subscriber
    from pumphouse.model import Event
    from pumphouse.service import Service

_NOTICE = "stopping: running steps end at their next safe point; press Ctrl-C again to quit at once"


@contextmanager
def running(app: "App", service: "Service", bus: "Bus") -> Iterator[None]:
    """Within, the events of the bus are shown and the run can be stopped."""
    with watch(app) as progress, stoppable(service.cancel, progress.say, progress.leave):
        shown = as_long_as_shown(progress)
        bus.subscribe(shown)
        try:
            yield
        finally:
            bus.leave(shown)


def as_long_as_shown(show: "Subscriber") -> "Subscriber":
    """The display until its terminal or pipe is gone: what runs goes on without it."""
    gone = False

    def apply(event: "Event") -> None:
        nonlocal gone
        if not gone:
            try:
                show(event)
            except OSError:
                gone = True

    return apply


@contextmanager
def stoppable(
    cancel: Callable[[], None], say: Callable[[str], None], leave: Callable[[], None]
) -> Iterator[None]:
    """Within, the first signal cancels and the second one ends the process.

    :param leave: puts the terminal in order before the process ends.
    """
    requests: list[threading.Thread] = []

    def request() -> None:
        cancel()
        say(_NOTICE)

    def stop(_number: int, _frame: FrameType | None) -> None:
        if requests:
            leave()
            os._exit(130)
        # In a thread of its own: what was interrupted may hold a lock that cancelling or printing needs.
        requests.append(threading.Thread(target=request))
        requests[0].start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for thread in requests:
            thread.join()
