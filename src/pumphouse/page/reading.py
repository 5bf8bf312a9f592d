"""What is only read: reports, rules, settings, the audit trail."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from pumphouse.api.access import APPROVER
from pumphouse.api.opening import AtDesk, Opened
from pumphouse.page.rendering import page
from pumphouse.page.watching import find
from pumphouse.report import to_html
from pumphouse.service.rules import rules

#: The report brings its own style, and nothing else.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
MOST = 200  # entries of the trail at once
router = APIRouter()


@router.get("/migrations/{identifier}/report")
def report(service: Opened, identifier: str) -> HTMLResponse:
    """What a migration did, as a page of its own that can be kept."""
    text = to_html(service.report(find(service, identifier).selection))
    return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/rules")
def all_rules(request: Request) -> HTMLResponse:
    """Every problem that a plan may tell."""
    return page(request, "rules", rules=rules())


@router.get("/settings")
def settings(request: Request, service: Opened) -> HTMLResponse:
    """The configuration in force, without its secrets."""
    return page(request, "settings", settings=service.settings())


@router.get("/audit", dependencies=APPROVER)
def audit(
    request: Request, desk: AtDesk, before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> HTMLResponse:
    """Who asked for what that changes something, or was refused."""
    return page(request, "audit", entries=desk.trail.entries(before, MOST), most=MOST)
