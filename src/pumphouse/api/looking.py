"""Looking: health, clouds, what they hold, rules."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from pumphouse.api.bodies import Capacity, Page, ProjectBody, Resource, RuleBody
from pumphouse.api.opening import Opened
from pumphouse.api.problems import Unanswerable, responses
from pumphouse.errors import PumphouseError
from pumphouse.events import Bus
from pumphouse.model import CheckResult, Item, Migration
from pumphouse.service.rules import rules

Role = Literal["source", "destination"]
health = APIRouter(tags=["health"])
router = APIRouter(tags=["clouds"])


@health.get("/healthz")
def alive() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "alive"}


@health.get("/readyz", responses=responses(503))
def ready(request: Request) -> dict[str, str]:
    """Whether the configuration holds and the ledger can be read."""
    try:
        with request.app.state.open_service(Bus()) as service:
            service.migrations()
    except PumphouseError as error:
        raise Unanswerable(503, error.message, error.remedy) from None
    return {"status": "ready"}


@router.get("/check", responses=responses(502, 504))
def check(service: Opened) -> tuple[CheckResult, ...]:
    """Whether everything a migration needs is there."""
    return tuple(service.check())


@router.get("/clouds", responses=responses(502, 504))
def clouds(service: Opened) -> tuple[Capacity, ...]:
    """Services, versions and capacity of both clouds."""
    return tuple(Capacity(each.role, dict(each.rows())) for each in service.discover())


@router.get("/clouds/{role}/resources", responses=responses(502, 504))
def resources(
    service: Opened,
    role: Role,
    kind: Annotated[str | None, Query(description="Only this kind, e.g. server.")] = None,
    project: Annotated[str | None, Query(description="Only of this project, by name.")] = None,
    name: Annotated[str | None, Query(description="Only with this name; may hold * and ?.")] = None,
    status: Annotated[str | None, Query(description="Only in this state, e.g. ACTIVE.")] = None,
    after: Annotated[str | None, Query(description="'next' of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Page:
    """What a cloud holds, in the order of kind and id."""
    inventory = service.inventory(role)
    found = sorted((Resource.of(item, inventory) for item in inventory), key=lambda r: (r.kind, r.id))
    wanted = [
        r
        for r in found
        if kind in (None, r.kind) and project in (None, r.project) and status in (None, r.status)
        if name is None or fnmatchcase(r.name, name)
    ]
    rest = [r for r in wanted if after is None or f"{r.kind}:{r.id}" > after]
    more = len(rest) > limit
    page = tuple(rest[:limit])
    return Page(page, f"{page[-1].kind}:{page[-1].id}" if more else None)


@router.get("/projects", responses=responses(502, 504))
def projects(service: Opened) -> tuple[ProjectBody, ...]:
    """The projects of the source, what is in each, and the migrations that name it."""
    inventory, migrations = service.inventory("source"), service.migrations()
    counts: dict[str | None, Counter[str]] = defaultdict(Counter)
    for item in inventory:
        counts[item.project_id][item.kind] += 1
    return tuple(
        ProjectBody(item.id, item.name, dict(counts[item.id]), _naming(migrations, item))
        for item in sorted(inventory.of("project"), key=lambda item: (item.name, item.id))
    )


def _naming(migrations: Iterable[Migration], project: Item) -> tuple[str, ...]:
    names = {project.name, project.id}
    return tuple(m.id for m in migrations if m.selection.what == "project" and names & set(m.selection.names))


@router.get("/rules")
def all_rules() -> tuple[RuleBody, ...]:
    """Every problem that a plan may tell."""
    return tuple(RuleBody(r.id, str(r.severity), r.can_be_accepted, r.about) for r in rules())
