"""Hosts: how they stand, and what is done to them, each after a look at its stages."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from pumphouse.api.access import APPROVER, OPERATOR
from pumphouse.api.bodies import HostPlanBody, etag_of
from pumphouse.api.hosting import Operation
from pumphouse.api.opening import Opened, Start
from pumphouse.model import Selection
from pumphouse.page.beginning import seen, to_watch
from pumphouse.page.forms import Sent
from pumphouse.page.rendering import page
from pumphouse.service import Service

router = APIRouter()


@router.get("/hosts")
def hosts(request: Request, service: Opened) -> HTMLResponse:
    """The hosts of both clouds with their machines, and what was last done to them."""
    migrations = {m.selection: m.id for m in service.migrations()}
    records = [
        (record, migrations.get(Selection(record.operation, (record.name,))))
        for record in service.host_records()
    ]
    return page(request, "hosts", hosts=service.hosts(), records=records)


@router.get("/hosts/{name}/{operation}")
def preview(request: Request, service: Opened, name: str, operation: Operation) -> HTMLResponse:
    """What an operation would do with a host, stage by stage."""
    plan = _plan(service, operation, name)
    return page(request, "operation", plan=plan, etag=etag_of(plan))


@router.post("/hosts/{name}/upgrade", dependencies=APPROVER)
def upgrade(service: Opened, start: Start, name: str, sent: Sent) -> Response:
    """Make an empty host of the source a compute host of the destination; this erases its disks."""
    return _begin(service, start, "upgrade", name, sent)


@router.post("/hosts/{name}/acquire", dependencies=APPROVER)
def acquire(service: Opened, start: Start, name: str, sent: Sent) -> Response:
    """Take an empty host out of the source."""
    return _begin(service, start, "acquire", name, sent)


@router.post("/hosts/{name}/withdraw", dependencies=OPERATOR)
def withdraw(service: Opened, start: Start, name: str, sent: Sent) -> Response:
    """Give a host back to the source, as long as nothing has been written to it."""
    return _begin(service, start, "withdraw", name, sent)


def _begin(service: Service, start: Start, operation: Operation, name: str, sent: Sent) -> Response:
    look = seen(sent.one("etag"), lambda: etag_of(_plan(service, operation, name)))
    return to_watch(start(operation, Selection(operation, (name,)), {}, look))


def _plan(service: Service, operation: Operation, name: str) -> HostPlanBody:
    return HostPlanBody.of(service.host_plan(operation, name))
