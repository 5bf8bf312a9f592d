"""Hosts: how they stand, and what is done to them; the end of the source."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, status

from pumphouse.api.access import APPROVER, OPERATOR
from pumphouse.api.bodies import ClosingBody, EvacuationRequest, HostPlanBody, etag_of
from pumphouse.api.opening import IdempotencyKey, Looked, Opened, Start
from pumphouse.api.problems import Unanswerable, responses
from pumphouse.errors import UsageError
from pumphouse.model import HostRecord, HostStatus, Job, Selection, WavePlan
from pumphouse.service import Service
from pumphouse.service.decommissioning import Fate
from pumphouse.service.evacuating import Emptying
from pumphouse.service.rolling import EVERYTHING

router = APIRouter(tags=["hosts"])
ACCEPTED = status.HTTP_202_ACCEPTED
LOOKING = responses(404, 409, 502, 504)
STARTING = responses(400, 404, 409, 412, 428, 502, 504)
Operation = Literal["upgrade", "acquire", "withdraw"]
Evacuate = Annotated[bool, Query(description="Empty it first: its servers go to other hosts of the source.")]
Controllers = Annotated[Fate, Query(description="What becomes of the controllers of the source.")]


@router.get("/hosts", responses=responses(502, 504))
def hosts(service: Opened) -> tuple[HostStatus, ...]:
    """The hosts of both clouds, with the state of their machines."""
    return service.hosts()


@router.get("/operations")
def operations(service: Opened) -> tuple[HostRecord, ...]:
    """The last operation on each host, and how far it is."""
    return service.host_records()


@router.get("/hosts/{name}", responses=responses(404, 502, 504))
def host(service: Opened, name: str) -> HostStatus:
    """One host."""
    try:
        return service.host(name)
    except UsageError as error:
        raise Unanswerable(404, error.message, error.remedy) from None


@router.post("/hosts/{name}/evacuation", responses=responses(400, 404, 409, 502, 504))
def evacuation(
    service: Opened, name: str, body: EvacuationRequest, response: Response, _key: IdempotencyKey = None
) -> Emptying:
    """Who on a host would go where; changes nothing. The ETag is for ``If-Match`` of evacuate and maintenance."""
    found = service.evacuation(name, body.move, body.wishes())
    response.headers["ETag"] = etag_of(found)
    return found


@router.post("/hosts/{name}/evacuate", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING)
def evacuate(service: Opened, start: Start, looked: Looked, name: str, body: EvacuationRequest) -> Job:
    """Keep new servers off a host of the source, and empty it."""
    return _empty(service, start, looked, "evacuate", name, body)


@router.post("/hosts/{name}/maintenance", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING)
def maintenance(service: Opened, start: Start, looked: Looked, name: str, body: EvacuationRequest) -> Job:
    """Empty a host of the source, until it is opened again."""
    return _empty(service, start, looked, "maintenance", name, body)


@router.post("/hosts/{name}/reopen", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING)
def reopen(start: Start, name: str) -> Job:
    """Let servers onto a host again, when it was Pumphouse that kept them off."""
    return start("reopen", Selection("maintenance", (name,)), {})


@router.get("/upgrade", responses=responses(409, 502, 504))
def waves(service: Opened, response: Response) -> WavePlan:
    """The whole source, wave by wave: what would move, and which hosts follow. The ETag is for ``If-Match``."""
    plan = service.waves.plan({})
    response.headers["ETag"] = etag_of(plan)
    return plan


@router.post("/upgrade", status_code=ACCEPTED, dependencies=APPROVER, responses=STARTING)
def upgrade_everything(service: Opened, start: Start, looked: Looked) -> Job:
    """Move the whole source. What has moved and verified is deleted there, and the disks of hosts are erased."""
    return start("upgrade", EVERYTHING, {}, lambda: looked.require(lambda: etag_of(service.waves.plan({}))))


@router.get("/hosts/{name}/{operation}", responses=LOOKING)
def preview(
    service: Opened, name: str, operation: Operation, response: Response, evacuate: Evacuate = False
) -> HostPlanBody:
    """What an operation would do with a host. The ETag is what ``If-Match`` of that operation takes."""
    plan = _plan(service, operation, name, evacuate=evacuate)
    response.headers["ETag"] = etag_of(plan)
    return plan


@router.post("/hosts/{name}/upgrade", status_code=ACCEPTED, dependencies=APPROVER, responses=STARTING)
def upgrade(service: Opened, start: Start, looked: Looked, name: str, evacuate: Evacuate = False) -> Job:
    """Make an empty host of the source a compute host of the destination. This erases its disks."""
    return _start(service, start, looked, "upgrade", name, evacuate=evacuate)


@router.post("/hosts/{name}/acquire", status_code=ACCEPTED, dependencies=APPROVER, responses=STARTING)
def acquire(service: Opened, start: Start, looked: Looked, name: str) -> Job:
    """Take an empty host out of the source for whoever installs the destination."""
    return _start(service, start, looked, "acquire", name)


@router.post("/hosts/{name}/withdraw", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING)
def withdraw(service: Opened, start: Start, looked: Looked, name: str) -> Job:
    """Give a host back to the source, as long as nothing has been written to it."""
    return _start(service, start, looked, "withdraw", name)


@router.get("/decommission", responses=responses(409, 502, 504))
def closing(service: Opened, response: Response, controllers: Controllers = "keep") -> ClosingBody:
    """What decommission would do. The ETag is what ``If-Match`` of it takes."""
    plan = ClosingBody.of(service.decommission_preview(controllers))
    response.headers["ETag"] = etag_of(plan)
    return plan


@router.post("/decommission", status_code=ACCEPTED, dependencies=APPROVER, responses=STARTING)
def decommission(service: Opened, start: Start, looked: Looked, controllers: Controllers = "keep") -> Job:
    """Remove what the empty source knows of dead hosts; on order its controllers go, too."""

    def now() -> str:
        return etag_of(ClosingBody.of(service.decommission_preview(controllers)))

    return start(
        "decommission", Selection("decommission"), {"controllers": controllers}, lambda: looked.require(now)
    )


def _empty(
    service: Service, start: Start, looked: Looked, command: str, name: str, body: EvacuationRequest
) -> Job:
    def look() -> None:
        found = service.evacuation(name, body.move, body.wishes())
        service.refuse_evacuation(found)
        looked.require(lambda: etag_of(found))

    return start(command, Selection(command, (name,)), body.model_dump(exclude_defaults=True), look)


def _start(
    service: Service, start: Start, looked: Looked, operation: Operation, name: str, *, evacuate: bool = False
) -> Job:
    def look() -> None:
        now = etag_of(_plan(service, operation, name, evacuate=evacuate))
        looked.require(lambda: now)

    return start(operation, Selection(operation, (name,)), {"evacuate": True} if evacuate else {}, look)


def _plan(service: Service, operation: Operation, name: str, *, evacuate: bool) -> HostPlanBody:
    try:
        return HostPlanBody.of(service.host_plan(operation, name, evacuate=evacuate))
    except UsageError as error:
        raise Unanswerable(404, error.message, error.remedy) from None
