"""Migrations: the list, and one of them as it goes on."""

import time
from collections.abc import AsyncIterable
from typing import Any, Literal

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pumphouse.api.access import OPERATOR, CallerOf, refuse_below
from pumphouse.api.opening import AtDesk, Opened
from pumphouse.api.problems import Unanswerable
from pumphouse.model import Job, Migration, Role
from pumphouse.page.beginning import last_job, migration_of, to_watch
from pumphouse.page.feed import Watched
from pumphouse.page.forms import Sent, Wish
from pumphouse.page.overview import BEAT, PAUSE
from pumphouse.page.rendering import page, render, wants_part
from pumphouse.page.sessions import listening
from pumphouse.report.board import Workload
from pumphouse.service import Service
from pumphouse.service.conductor import FINAL
from pumphouse.service.desk import Desk

SHOWN = 60  # workloads that are through, of those shown while others are on their way
router = APIRouter()


@router.get("/migrations")
def migrations(request: Request, service: Opened) -> HTMLResponse:
    """Every migration, the one last worked on first."""
    return page(request, "migrations", migrations=service.migrations())


@router.get("/migrations/{identifier}")
def migration(request: Request, service: Opened, identifier: str) -> HTMLResponse:
    """One migration."""
    found = find(service, identifier)
    return page(request, "migration", **_state(request, service, found), **_shown(request, service, found))


@router.get("/migrations/{identifier}/state")
def state(request: Request, service: Opened, identifier: str) -> HTMLResponse:
    """What can be done with it now, and what came of it."""
    found = find(service, identifier)
    return page(request, "state", **_state(request, service, found))


@router.get("/migrations/{identifier}/stream", response_class=EventSourceResponse)
async def stream(request: Request, service: Opened, identifier: str) -> AsyncIterable[ServerSentEvent]:
    """How it goes on: whole parts of the page, so whoever comes back has missed nothing."""
    before, progress, beaten = "", "", 0.0
    while listening(request):
        found = await anyio.to_thread.run_sync(find, service, identifier)
        values = await anyio.to_thread.run_sync(_shown, request, service, found)
        job = await anyio.to_thread.run_sync(last_job, request, found.selection)
        standing = f"{found.state} {job.id} {job.state} {job.wish}" if job else found.state
        if before and standing != before:
            yield ServerSentEvent(event="state", raw_data=standing)
        before = standing
        drawn = await anyio.to_thread.run_sync(lambda: render("progress", **values))  # noqa: B023 - run at once
        if drawn != progress:
            progress = drawn
            yield ServerSentEvent(event="progress", raw_data=drawn)
        if time.monotonic() - beaten >= BEAT:
            beaten = time.monotonic()
            yield ServerSentEvent(event="beat", raw_data=f"{time.time():.1f}")
        await anyio.sleep(PAUSE)


@router.get("/jobs/{identifier}")
def job(request: Request, service: Opened, desk: AtDesk, identifier: str) -> Response:
    """Something that was just handed in; goes on to its migration as soon as there is one."""
    found = _job(desk, identifier)
    if target := migration_of(service, found.selection):
        address = f"/migrations/{target.id}"
        if wants_part(request):
            return Response(headers={"HX-Redirect": address})
        return RedirectResponse(address, 303)
    return page(request, "job_part" if wants_part(request) else "job", job=found)


@router.post("/jobs/{identifier}/resume", dependencies=OPERATOR)
def resume(request: Request, desk: AtDesk, caller: CallerOf, identifier: str, sent: Sent) -> Response:
    """Go on with a job that was paused."""
    found = _job(desk, identifier)
    refuse_below(caller, Role.APPROVER if found.command in FINAL else Role.OPERATOR)
    request.state.about = str(found)
    return to_watch(desk.resume(found.id))


@router.post("/jobs/{identifier}/{wish}", dependencies=OPERATOR)
def stop(request: Request, desk: AtDesk, identifier: str, wish: Literal["cancel", "pause"]) -> Response:
    """Stop a job at its next safe point; a paused one is taken up again later."""
    found = _job(desk, identifier)
    request.state.about = str(found)
    desk.stop(found.id, wish)
    return to_watch(found)


def _job(desk: Desk, identifier: str) -> Job:
    found = desk.jobs.find(identifier)
    if found is None:
        raise Unanswerable(404, f"no job {identifier!r}", "What was done is under Migrations.")
    return found


def find(service: Service, identifier: str) -> Migration:
    """The migration of this id.

    :raises Unanswerable: 404 when there is none.
    """
    for each in service.migrations():
        if each.id == identifier:
            return each
    raise Unanswerable(404, f"no migration {identifier!r}", "All there are is under Migrations.")


def _state(request: Request, service: Service, found: Migration) -> dict[str, Any]:
    report = service.report(found.selection)
    return {
        "migration": found,
        "wish": Wish(found.selection),
        "job": last_job(request, found.selection),
        "report": report,
        "failing": [d for d in report.differences if d.failing],
    }


def _shown(request: Request, service: Service, found: Migration) -> dict[str, Any]:
    watched: Watched = request.app.state.feed.of(service, found.id)
    workloads = sorted(watched.board.workloads.items(), key=_order)
    on_their_way = sum(not each.result for _, each in workloads)
    shown = workloads[: on_their_way + SHOWN]
    return {
        "undone": found.state == "rolled back",
        "watched": watched,
        "board": watched.board,
        "workloads": shown,
        "left_out": len(workloads) - len(shown),
        "chart": watched.throughput.chart(),
        "lines": list(watched.lines)[::-1],
    }


def _order(pair: tuple[str, Workload]) -> tuple[bool, bool, str]:
    """On their way first, then what failed, then by name."""
    return bool(pair[1].result), pair[1].result != "failed", pair[1].name
