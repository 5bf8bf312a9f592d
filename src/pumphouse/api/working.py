"""Jobs: what was handed in, how it stands, and how it is stopped and taken up again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, status

from pumphouse.api.access import APPROVER, OPERATOR, CallerOf, refuse_below
from pumphouse.api.opening import AtDesk, IdempotencyKey
from pumphouse.api.problems import Unanswerable, responses
from pumphouse.model import Audited, Job, JobState, Role, RunResult
from pumphouse.service.conductor import FINAL
from pumphouse.service.desk import Desk

router = APIRouter(tags=["jobs"])


@router.get("/jobs")
def jobs(
    desk: AtDesk,
    state: Annotated[JobState | None, Query(description="Only those in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> tuple[Job, ...]:
    """What was handed in, the newest first."""
    return tuple(job for job in desk.jobs.all(limit if state is None else 1000) if state in (None, job.state))


@router.get("/jobs/{identifier}", responses=responses(404))
def job(desk: AtDesk, identifier: str) -> Job:
    """How a job stands."""
    return _find(desk, identifier)


@router.get("/jobs/{identifier}/result", responses=responses(404))
def result(desk: AtDesk, identifier: str) -> RunResult | None:
    """What a job did, resource by resource; null as long as it has not ended, or when it was stopped."""
    found: RunResult | None = desk.jobs.result(_find(desk, identifier).id)
    return found


@router.post(
    "/jobs/{identifier}/cancel",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=OPERATOR,
    responses=responses(404),
)
def cancel(request: Request, desk: AtDesk, identifier: str, _key: IdempotencyKey = None) -> Job:
    """Stop a job at its next safe point; servers that were under way are given back to the source."""
    return _stop(request, desk, identifier, "cancel")


@router.post(
    "/jobs/{identifier}/pause",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=OPERATOR,
    responses=responses(404),
)
def pause(request: Request, desk: AtDesk, identifier: str, _key: IdempotencyKey = None) -> Job:
    """Stop a job at its next safe point, as cancel does, to go on later."""
    return _stop(request, desk, identifier, "pause")


@router.post(
    "/jobs/{identifier}/resume",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=OPERATOR,
    responses=responses(404, 409),
)
def resume(
    request: Request, desk: AtDesk, caller: CallerOf, identifier: str, _key: IdempotencyKey = None
) -> Job:
    """Go on with a job that was paused or cancelled, or failed: it is planned again, and does what is missing."""
    found = _find(desk, identifier)
    refuse_below(caller, Role.APPROVER if found.command in FINAL else Role.OPERATOR)
    request.state.about = str(found)
    return desk.resume(found.id)


@router.get("/audit", dependencies=APPROVER)
def audit(
    desk: AtDesk,
    before: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Only older than this number.")
    ] = None,
    who: Annotated[str, Query(description="Only of this caller.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> tuple[Audited, ...]:
    """Who asked for what that changes something, or was refused, the newest first."""
    return desk.trail.entries(before, limit, who)


def _stop(request: Request, desk: Desk, identifier: str, wish: str) -> Job:
    found = _find(desk, identifier)
    request.state.about = str(found)
    return desk.stop(found.id, wish)


def _find(desk: Desk, identifier: str) -> Job:
    found = desk.jobs.find(identifier)
    if found is None:
        raise Unanswerable(404, f"no job {identifier!r}", "See /v1/jobs.")
    return found
