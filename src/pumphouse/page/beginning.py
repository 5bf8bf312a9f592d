"""What takes long and was asked for on the page: handed in here, watched elsewhere."""

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import RedirectResponse

from pumphouse.api.problems import Unanswerable
from pumphouse.model import Job, Migration, Selection
from pumphouse.service import Service
from pumphouse.service.desk import Desk


def seen(given: str, now: Callable[[], str]) -> Callable[[], None]:
    """Refuses what nobody has read.

    :param given: the ETag of what was read. :param now: the one of what would be done.
    """

    def look() -> None:
        if given != now():
            raise Unanswerable(
                412,
                "the clouds changed since you read what would be done",
                "Read it again, and approve it anew.",
            )

    return look


def to_watch(job: Job) -> RedirectResponse:
    """Where a job can be watched."""
    return RedirectResponse(f"/jobs/{job.id}", 303)


def migration_of(service: Service, selection: Selection) -> Migration | None:
    """The migration of a selection, once the ledger has it."""
    return next((m for m in service.migrations() if m.selection == selection), None)


def last_job(request: Request, selection: Selection) -> Job | None:
    """What was handed in last for a selection."""
    desk: Desk = request.app.state.desk
    return next((job for job in desk.jobs.all() if job.selection == selection), None)
