"""How a migration ends: verify, commit or rollback, each after a look at what it would do."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from pumphouse.api.access import APPROVER, OPERATOR
from pumphouse.api.bodies import etag
from pumphouse.api.opening import Opened, Start
from pumphouse.page.beginning import seen, to_watch
from pumphouse.page.forms import Sent
from pumphouse.page.rendering import page
from pumphouse.page.watching import find

router = APIRouter()


@router.post("/migrations/{identifier}/verify", dependencies=OPERATOR)
def verify(service: Opened, start: Start, identifier: str, sent: Sent) -> Response:
    """Compare both clouds, field by field and byte by byte."""
    options = {"accept_running": True} if sent.one("accept_running") == "true" else {}
    return to_watch(start("verify", find(service, identifier).selection, options))


@router.get("/migrations/{identifier}/commit")
def commit_preview(request: Request, service: Opened, identifier: str) -> HTMLResponse:
    """What commit would delete at the source."""
    found = find(service, identifier)
    steps = service.commit_preview(found.selection)
    return page(request, "end", command="commit", migration=found, steps=steps, etag=etag(steps))


@router.post("/migrations/{identifier}/commit", dependencies=APPROVER)
def commit(service: Opened, start: Start, identifier: str, sent: Sent) -> Response:
    """Delete the originals at the source; this cannot be undone."""
    selection = find(service, identifier).selection
    look = seen(sent.one("etag"), lambda: etag(service.commit_preview(selection)))
    return to_watch(start("commit", selection, {}, look))


@router.get("/migrations/{identifier}/rollback")
def rollback_preview(request: Request, service: Opened, identifier: str) -> HTMLResponse:
    """What rollback would remove in the destination and start at the source."""
    found = find(service, identifier)
    steps = service.rollback_preview(found.selection)
    return page(request, "end", command="rollback", migration=found, steps=steps, etag=etag(steps))


@router.post("/migrations/{identifier}/rollback", dependencies=OPERATOR)
def rollback(service: Opened, start: Start, identifier: str, sent: Sent) -> Response:
    """Remove what was made in the destination and give the source back."""
    selection = find(service, identifier).selection
    look = seen(sent.one("etag"), lambda: etag(service.rollback_preview(selection)))
    return to_watch(start("rollback", selection, {}, look))
