"""What is only read: hosts, reports, rules, settings."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pumphouse.api.opening import Opened
from pumphouse.page.rendering import page
from pumphouse.page.watching import find
from pumphouse.report import to_html
from pumphouse.service.rules import rules

#: The report brings its own style, and nothing else.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
router = APIRouter()


@router.get("/hosts")
def hosts(request: Request, service: Opened) -> HTMLResponse:
    """The hosts of both clouds with their machines, and what was last done to them."""
    return page(request, "hosts", hosts=service.hosts(), records=service.host_records())


@router.get("/migrations/{identifier}/report")
def report(service: Opened, identifier: str) -> HTMLResponse:
    """What a migration did, as a page of its own that can be kept."""
    text = to_html(service.report(find(service, identifier).selection))
    return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/rules")
def all_rules(request: Request) -> HTMLResponse:
    """Every problem that a plan may tell."""
    return page(request, "rules", rules=rules())
