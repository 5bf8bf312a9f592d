"""The picture of both clouds, as it is and as it changes."""

import time
from collections.abc import AsyncIterable, Mapping
from dataclasses import asdict
from typing import Annotated, Literal
from urllib.parse import urlencode

import anyio
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pumphouse.api.opening import Opened
from pumphouse.api.problems import Unanswerable
from pumphouse.model import Picture, ServerStatus
from pumphouse.page.drawing import STATES, Filter, Passing, draw, passing
from pumphouse.page.feed import Watched
from pumphouse.page.looks import Look
from pumphouse.page.rendering import page, render
from pumphouse.page.sessions import listening
from pumphouse.report.board import Workload
from pumphouse.service import Service

IDLE, BUSY = 60.0, 4.0  # seconds between two looks at the clouds
PAUSE, BEAT = 1.0, 5.0  # seconds between two looks at the ledger; between two signs of life
router = APIRouter()
Moving = Mapping[str, Mapping[str, Workload]]


def wanted(
    project: str = "",
    host: str = "",
    state: Annotated[Literal["", "running", "stopped", "failed", "moving", "moved"], Query()] = "",
    text: Annotated[str, Query(max_length=200)] = "",
) -> Filter:
    """What is to be shown."""
    return Filter(project, host, state, text.strip())


Wanted = Annotated[Filter, Depends(wanted)]


@router.get("/")
def overview(request: Request, service: Opened, wanted: Wanted) -> HTMLResponse:
    """The page with the picture; when the clouds were never looked at, it says so and asks for the first look."""
    look: Look = request.app.state.looks.last
    hosts = sorted({host.name for host in look.picture.hosts}) if look.picture else []
    projects = sorted({s.project for s in look.picture.servers}) if look.picture else []
    drawn = _drawn(request, service, look, wanted) if look.picture else ""
    choices = {"hosts": hosts, "projects": projects, "states": STATES}
    return page(request, "overview", wanted=wanted, drawn=drawn, choices=choices)


@router.get("/picture")
def picture(
    request: Request, service: Opened, wanted: Wanted, fresh: bool = False, first: bool = False
) -> HTMLResponse:
    """The picture alone.

    :param fresh: look at the clouds again, whatever is known.
    :param first: the page has shown nothing yet; it is loaded again with all that can be chosen.
    """
    look = request.app.state.looks.since(time.monotonic() - (0.0 if fresh else IDLE))
    if look.picture is None:
        return HTMLResponse(render("problem", what=look.error, remedy=look.remedy, title="No picture"))
    address = urlencode([(name, value) for name, value in asdict(wanted).items() if value])
    headers = {"HX-Refresh": "true"} if first else {"HX-Replace-Url": f"/?{address}" if address else "/"}
    return HTMLResponse(_drawn(request, service, look, wanted), headers=headers)


def _drawn(request: Request, service: Service, look: Look, wanted: Filter) -> str:
    """The picture as a part of the page."""
    assert look.picture is not None
    moving = moving_now(request, service)
    together = {key: each for workloads in moving.values() for key, each in workloads.items()}
    machines = {str(r.data["host"]): r.name for r in service.host_records() if r.data.get("host")}
    scene = draw(look.picture, together, request.app.state.signs, wanted, machines)
    lane = on_the_way(request, moving, look.picture)
    return render("picture", scene=scene, passing=lane, wanted=wanted, error=look.error, remedy=look.remedy)


@router.get("/picture/stream", response_class=EventSourceResponse)
async def stream(request: Request, service: Opened) -> AsyncIterable[ServerSentEvent]:
    """Tells when the picture is another one, and what is on its way."""
    looks = request.app.state.looks
    shown, lane, beaten = looks.last.number, "", 0.0
    keys, due = None, 0.0
    while listening(request):
        moving = await anyio.to_thread.run_sync(moving_now, request, service)
        now = frozenset(moving).union(*moving.values())
        if keys is not None and now != keys:
            due = time.monotonic()  # what begins or ends changes the picture
        due = max(due, time.monotonic() - (BUSY if now else IDLE))
        await anyio.to_thread.run_sync(looks.since, due)
        if looks.last.number != shown or (keys is not None and now != keys):
            shown = looks.last.number
            yield ServerSentEvent(event="picture", raw_data=str(shown))
        keys = now
        drawn = render("lane", passing=on_the_way(request, moving, looks.last.picture))
        if drawn != lane:
            lane = drawn
            yield ServerSentEvent(event="lane", raw_data=drawn)
        if time.monotonic() - beaten >= BEAT:
            beaten = time.monotonic()
            yield ServerSentEvent(event="beat", raw_data=f"{time.time():.1f}")
        await anyio.sleep(PAUSE)


def moving_now(request: Request, service: Service) -> Moving:
    """The workloads that are on their way, by migration."""
    running: Mapping[str, Watched] = request.app.state.feed.running(service)
    return {identifier: watched.under_way for identifier, watched in running.items()}


def on_the_way(request: Request, moving: Moving, seen: Picture | None) -> tuple[Passing, ...]:
    """The same, ready to be drawn."""
    servers = seen.servers if seen else ()
    projects = {f"server:{server.id}": server.project for server in servers if server.cloud == "source"}
    return passing(moving, projects, request.app.state.signs)


@router.get("/clouds/{role}/servers/{identifier}")
def server(request: Request, role: Literal["source", "destination"], identifier: str) -> HTMLResponse:
    """What is known of a server."""
    seen = request.app.state.looks.since(time.monotonic() - IDLE).picture
    servers: tuple[ServerStatus, ...] = seen.servers if seen else ()
    found = next((s for s in servers if (s.cloud, s.id) == (role, identifier)), None)
    if found is None:
        raise Unanswerable(404, f"no server {identifier!r} in the {role}", "Look at the picture again.")
    other = next((s for s in servers if s.id == found.counterpart), None)
    sign = request.app.state.signs.of([found.project])[found.project]
    return page(request, "server", server=found, other=other, sign=sign, at=seen.at if seen else 0.0)


@router.get("/clouds/{role}/hosts/{name}")
def host(request: Request, role: Literal["source", "destination"], name: str) -> HTMLResponse:
    """What is known of a host."""
    seen: Picture | None = request.app.state.looks.since(time.monotonic() - IDLE).picture
    found = next((h for h in (seen.hosts if seen else ()) if (h.cloud, h.name) == (role, name)), None)
    if found is None or seen is None:
        raise Unanswerable(404, f"no host {name!r} in the {role}", "Look at the picture again.")
    servers = [s for s in seen.servers if (s.cloud, s.host) == (role, name)]
    signs = request.app.state.signs.of(server.project for server in servers)
    return page(request, "host", host=found, servers=servers, signs=signs, at=seen.at)
