"""Planning, migrating, verifying, and how it ends."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response, status

from pumphouse.api.access import APPROVER, OPERATOR, CallerOf
from pumphouse.api.bodies import MigrationRequest, PlanRequest, VerifyRequest, etag
from pumphouse.api.opening import AtDesk, IdempotencyKey, Looked, Opened, Start
from pumphouse.api.problems import Unanswerable, responses
from pumphouse.model import SELECTABLE, Job, Migration, Plan, Row, Selection, Step
from pumphouse.report import Report
from pumphouse.service import Service
from pumphouse.service.desk import Desk

router = APIRouter(tags=["migrations"])
ACCEPTED = status.HTTP_202_ACCEPTED
STARTING = responses(400, 404, 409, 412, 428, 502, 504)


@router.post("/plans", responses=responses(400, 409, 502, 504))
def plan(
    service: Opened, caller: CallerOf, body: PlanRequest, response: Response, _key: IdempotencyKey = None
) -> Plan:
    """What has to be done; changes nothing. The ETag is what ``If-Match`` of a migration takes."""
    made = _planned(service, body, caller.name)
    response.headers["ETag"] = etag(made)
    return made


@router.post("/migrations", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING)
def migrate(service: Opened, caller: CallerOf, start: Start, looked: Looked, body: MigrationRequest) -> Job:
    """Carry out the plan that was looked at."""
    options = body.model_dump(exclude={"selection"}, exclude_defaults=True)
    return start(
        "migrate",
        body.selection.selection(),
        options,
        lambda: looked.require(lambda: etag(_planned(service, body, caller.name))),
    )


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
    "/migrations/{identifier}/retry", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING
)
def retry(service: Opened, desk: AtDesk, start: Start, identifier: str) -> Job:
    """Migrate the same selection again, as the last time: what is missing, or failed, is done."""
    found = _find(service, identifier)
    return start("migrate", found.selection, _as_last(desk, found))


@router.post(
    "/migrations/{identifier}/resources/{key}/retry",
    status_code=ACCEPTED,
    dependencies=OPERATOR,
    responses=STARTING,
)
def retry_one(service: Opened, desk: AtDesk, start: Start, identifier: str, key: str) -> Job:
    """Migrate one resource of a migration again, with what it needs."""
    return start("migrate", _one(service, identifier, key), _as_last(desk, _find(service, identifier)))


@router.post(
    "/migrations/{identifier}/resources/{key}/rollback",
    status_code=ACCEPTED,
    dependencies=OPERATOR,
    responses=STARTING,
)
def rollback_one(service: Opened, start: Start, looked: Looked, identifier: str, key: str) -> Job:
    """Give one resource of a migration back to the source."""
    selection = _one(service, identifier, key)
    now = _preview_of(service.rollback_preview, selection)
    return start("rollback", selection, {}, lambda: looked.require(now))


@router.post(
    "/migrations/{identifier}/verify", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING
)
def verify(service: Opened, start: Start, identifier: str, body: VerifyRequest) -> Job:
    """Compare both clouds, field by field and byte by byte."""
    return start("verify", _find(service, identifier).selection, body.model_dump(exclude_defaults=True))


@router.get("/migrations/{identifier}/commit", responses=responses(404, 409, 502, 504))
def commit_preview(service: Opened, identifier: str, response: Response) -> tuple[Step, ...]:
    """What commit would delete at the source. The ETag is what ``If-Match`` of the commit takes."""
    return _previewed(response, service.commit_preview(_find(service, identifier).selection))


@router.post(
    "/migrations/{identifier}/commit", status_code=ACCEPTED, dependencies=APPROVER, responses=STARTING
)
def commit(service: Opened, start: Start, looked: Looked, identifier: str) -> Job:
    """Delete the originals at the source. This cannot be undone."""
    selection = _find(service, identifier).selection
    now = _preview_of(service.commit_preview, selection)
    return start("commit", selection, {}, lambda: looked.require(now))


@router.get("/migrations/{identifier}/rollback", responses=responses(404, 409, 502, 504))
def rollback_preview(service: Opened, identifier: str, response: Response) -> tuple[Step, ...]:
    """What rollback would remove in the destination and start at the source."""
    return _previewed(response, service.rollback_preview(_find(service, identifier).selection))


@router.post(
    "/migrations/{identifier}/rollback", status_code=ACCEPTED, dependencies=OPERATOR, responses=STARTING
)
def rollback(service: Opened, start: Start, looked: Looked, identifier: str) -> Job:
    """Remove what was made in the destination and give the source back."""
    selection = _find(service, identifier).selection
    now = _preview_of(service.rollback_preview, selection)
    return start("rollback", selection, {}, lambda: looked.require(now))


def _planned(service: Service, body: PlanRequest, by: str) -> Plan:
    made = service.plan(body.selection.selection(), body.accept, by)
    return service.skip_blocked(made) if body.skip_blocked else made


def _find(service: Service, identifier: str) -> Migration:
    for each in service.migrations():
        if each.id == identifier:
            return each
    raise Unanswerable(404, f"no migration {identifier!r}", "See /v1/migrations.")


def _as_last(desk: Desk, migration: Migration) -> Mapping[str, Any]:
    """The options of the last job that migrated the same."""
    same = (j for j in desk.jobs.all() if (j.command, j.selection) == ("migrate", migration.selection))
    return next((job.options for job in same), {})


def _one(service: Service, identifier: str, key: str) -> Selection:
    """One resource of a migration, selected as the migration does it otherwise."""
    whole, (kind, _, own) = _find(service, identifier).selection, key.partition(":")
    known = {row.key for row in (*service.rows(identifier), *service.rolled_back(identifier))}
    if key not in known:
        raise Unanswerable(404, f"no {key!r} in migration {identifier}", "See its resources.")
    if kind not in SELECTABLE:
        raise Unanswerable(409, f"a {kind} goes only with what needs it", "Take the whole migration.")
    return replace(whole, what=kind, names=(own,), filters=(), exclude=(), connected=False)


def _preview_of(preview: Any, selection: Selection) -> Any:
    return lambda: etag(preview(selection))


def _previewed(response: Response, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    response.headers["ETag"] = etag(steps)
    return steps
