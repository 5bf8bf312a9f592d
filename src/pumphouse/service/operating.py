"""An operation on hosts as a run: its events, its log, and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from pumphouse.errors import Interrupted, PumphouseError
from pumphouse.model import Selection
from pumphouse.ports import Publish
from pumphouse.service.session import Session


@contextmanager
def operating(session: Session, operation: str, *hosts: str) -> Iterator[Publish]:
    """Within, something is done to hosts; gives where to publish what happens.

    :param operation: e.g. ``upgrade``; with its hosts it is what ``pumphouse status`` lists.
    """
    a, selection = session.adapters, Selection(operation, hosts)
    migration = a.journal.open(selection, ())
    publish = session.publisher(migration.id)
    publish("run.started", command=operation, selection=str(selection), steps=0, bytes=0)
    started = a.clock.now()
    try:
        yield publish
    except PumphouseError as error:
        a.journal.set_state(migration.id, "interrupted" if isinstance(error, Interrupted) else "failed")
        publish("run.failed", error=error.message)
        raise
    publish("run.done", result="ok", seconds=round(a.clock.now() - started, 3))
    a.journal.set_state(migration.id, "done")
