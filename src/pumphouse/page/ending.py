"""How a migration ends: verify, commit or rollback, each after a look at what it would do."""

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pumphouse.api.access import requires
from pumphouse.api.bodies import etag
from pumphouse.api.opening import Opened
from pumphouse.api.problems import Unanswerable
from pumphouse.errors import Refused
from pumphouse.model import Role, RunResult, Step
from pumphouse.page.beginning import begin
from pumphouse.page.forms import Sent
from pumphouse.page.rendering import page
from pumphouse.page.watching import find
from pumphouse.service import Service

OPERATOR, APPROVER = [Depends(requires(Role.OPERATOR))], [Depends(requires(Role.APPROVER))]
router = APIRouter()
Preview = Callable[[Service], tuple[Step, ...]]


@router.post("/migrations/{identifier}/verify", dependencies=OPERATOR)
def verify(request: Request, service: Opened, identifier: str, sent: Sent) -> Response:
    """Compare both clouds, field by field and byte by byte."""
    selection, running = find(service, identifier).selection, sent.one("accept_running") == "true"
    return begin(request, "verify", selection, lambda own: own.verify(selection, accept_running=running))


@router.get("/migrations/{identifier}/commit")
def commit_preview(request: Request, service: Opened, identifier: str) -> HTMLResponse:
    """What commit would delete at the source."""
    found = find(service, identifier)
    steps = service.commit_preview(found.selection)
    return page(request, "end", command="commit", migration=found, steps=steps, etag=etag(steps))


@router.post("/migrations/{identifier}/commit", dependencies=APPROVER)
def commit(request: Request, service: Opened, identifier: str, sent: Sent) -> Response:
    """Delete the originals at the source; this cannot be undone."""
    selection, seen = find(service, identifier).selection, sent.one("etag")

    def work(own: Service) -> RunResult:
        _refuse_another(own.commit_preview(selection), seen)
        return own.commit(selection)

    return begin(request, "commit", selection, work)


@router.get("/migrations/{identifier}/rollback")
def rollback_preview(request: Request, service: Opened, identifier: str) -> HTMLResponse:
    """What rollback would remove in the destination and start at the source."""
    found = find(service, identifier)
    steps = service.rollback_preview(found.selection)
    return page(request, "end", command="rollback", migration=found, steps=steps, etag=etag(steps))


@router.post("/migrations/{identifier}/rollback", dependencies=OPERATOR)
def rollback(request: Request, service: Opened, identifier: str, sent: Sent) -> Response:
    """Remove what was made in the destination and give the source back."""
    selection, seen = find(service, identifier).selection, sent.one("etag")

    def work(own: Service) -> RunResult:
        _refuse_another(own.rollback_preview(selection), seen)
        return own.rollback(selection)

    return begin(request, "rollback", selection, work)


@router.post("/runs/{identifier}/cancel", dependencies=OPERATOR)
def cancel(request: Request, identifier: str, sent: Sent) -> Response:
    """Stop a run at its next safe point."""
    runs = request.app.state.runs
    if runs.find(identifier) is None:
        raise Unanswerable(404, f"no run {identifier!r}", "What earlier ones did is under Migrations.")
    runs.cancel(identifier)
    return RedirectResponse(f"/runs/{identifier}", 303)


def _refuse_another(steps: tuple[Step, ...], seen: str) -> None:
    """Nobody carries out what nobody has read."""
    if etag(steps) != seen:
        raise Refused(
            "the clouds changed since you read what would be done", "Read it again and approve it anew."
        )
