"""Planning, migrating, verifying, and how it ends."""

from fastapi import APIRouter, Depends, Response, status

from pumphouse.api.access import requires
from pumphouse.api.bodies import MigrationRequest, PlanRequest, VerifyRequest, etag
from pumphouse.api.opening import Looked, Opened, Running, Start
from pumphouse.api.problems import Unanswerable, responses
from pumphouse.api.runs import Run
from pumphouse.model import Migration, Plan, Role, Row, RunResult, Step
from pumphouse.report import Report
from pumphouse.service import Service

ACCEPTED_BY = "the API"
router = APIRouter(tags=["migrations"])
OPERATOR, APPROVER = [Depends(requires(Role.OPERATOR))], [Depends(requires(Role.APPROVER))]
STARTING = responses(400, 404, 409, 412, 428, 502, 504)


@router.post("/plans", responses=responses(400, 409, 502, 504))
def plan(service: Opened, body: PlanRequest, response: Response) -> Plan:
    """What has to be done; changes nothing. The ETag is what ``If-Match`` of a migration takes."""
    made = service.plan(body.selection.selection(), body.accept, ACCEPTED_BY)
    response.headers["ETag"] = etag(made)
    return made


@router.post("/migrations", status_code=status.HTTP_202_ACCEPTED, dependencies=OPERATOR, responses=STARTING)
def migrate(service: Opened, start: Start, looked: Looked, body: MigrationRequest) -> Run:
    """Carry out the plan that was looked at."""
    selection = body.selection.selection()

    def planned(own: Service) -> Plan:
        return own.plan(selection, body.accept, ACCEPTED_BY)

    def work(own: Service) -> RunResult:
        return own.migrate(planned(own), prepare_only=body.prepare_only)

    looked.require(lambda: etag(planned(service)))
    return start("migrate", selection, work)


@router.get("/migrations")
def migrations(service: Opened) -> tuple[Migration, ...]:
    """Every migration, the one last worked on first."""
    return service.migrations()


@router.get("/migrations/{identifier}", responses=responses(404))
def migration(service: Opened, identifier: str) -> Migration:
    """One migration."""
    return _find(service, identifier)


@router.get("/migrations/{identifier}/resources", responses=responses(404))
def rows(service: Opened, identifier: str) -> tuple[Row, ...]:
    """What the ledger knows of its resources."""
    found = _find(service, identifier)
    return (*service.rows(found.id), *service.rolled_back(found.id))


@router.get("/migrations/{identifier}/report", responses=responses(404))
def report(service: Opened, identifier: str) -> Report:
    """What it did."""
    return service.report(_find(service, identifier).selection)


@router.post(
    "/migrations/{identifier}/verify",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=OPERATOR,
    responses=STARTING,
)
def verify(service: Opened, start: Start, identifier: str, body: VerifyRequest) -> Run:
    """Compare both clouds, field by field and byte by byte."""
    selection = _find(service, identifier).selection

    def work(own: Service) -> RunResult:
        return own.verify(selection, data=body.data, accept_running=body.accept_running)

    return start("verify", selection, work)


@router.get("/migrations/{identifier}/commit", responses=responses(404, 409, 502, 504))
def commit_preview(service: Opened, identifier: str, response: Response) -> tuple[Step, ...]:
    """What commit would delete at the source. The ETag is what ``If-Match`` of the commit takes."""
    return _previewed(response, service.commit_preview(_find(service, identifier).selection))


@router.post(
    "/migrations/{identifier}/commit",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=APPROVER,
    responses=STARTING,
)
def commit(service: Opened, start: Start, looked: Looked, identifier: str) -> Run:
    """Delete the originals at the source. This cannot be undone."""
    selection = _find(service, identifier).selection
    looked.require(lambda: etag(service.commit_preview(selection)))
    return start("commit", selection, lambda own: own.commit(selection))


@router.get("/migrations/{identifier}/rollback", responses=responses(404, 409, 502, 504))
def rollback_preview(service: Opened, identifier: str, response: Response) -> tuple[Step, ...]:
    """What rollback would remove in the destination and start at the source."""
    return _previewed(response, service.rollback_preview(_find(service, identifier).selection))


@router.post(
    "/migrations/{identifier}/rollback",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=OPERATOR,
    responses=STARTING,
)
def rollback(service: Opened, start: Start, looked: Looked, identifier: str) -> Run:
    """Remove what was made in the destination and give the source back."""
    selection = _find(service, identifier).selection
    looked.require(lambda: etag(service.rollback_preview(selection)))
    return start("rollback", selection, lambda own: own.rollback(selection))


@router.get("/runs")
def all_runs(runs: Running) -> tuple[Run, ...]:
    """What was asked for through this process, the newest first."""
    return runs.all()


@router.get("/runs/{identifier}", responses=responses(404))
def run(runs: Running, identifier: str) -> Run:
    """How a run stands."""
    found = runs.find(identifier)
    if found is None:
        raise Unanswerable(
            404, f"no run {identifier!r}", "See /v1/runs; what older ones did: /v1/migrations."
        )
    return found


@router.post(
    "/runs/{identifier}/cancel",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=OPERATOR,
    responses=responses(404),
)
def cancel(runs: Running, identifier: str) -> Run:
    """Stop a run at its next safe point; the same request goes on later."""
    found = run(runs, identifier)
    runs.cancel(found.id)
    return found


def _find(service: Service, identifier: str) -> Migration:
    for each in service.migrations():
        if each.id == identifier:
            return each
    raise Unanswerable(404, f"no migration {identifier!r}", "See /v1/migrations.")


def _previewed(response: Response, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    response.headers["ETag"] = etag(steps)
    return steps
