"""Events as they happen, from any process: server-sent events that can be taken up again."""

from collections.abc import AsyncIterable
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pumphouse.api.opening import Opened
from pumphouse.model import Event

PAUSE = 0.5  # seconds between two looks at the ledger
router = APIRouter(tags=["events"])


@router.get("/events", response_class=EventSourceResponse)
async def events(
    service: Opened,
    migration: Annotated[str | None, Query(description="Only of this migration.")] = None,
    types: Annotated[
        tuple[str, ...], Query(alias="type", description="Only of these types; may be given several times.")
    ] = (),
    key: Annotated[str | None, Query(description="Only of this resource, e.g. server:ID.")] = None,
    after: Annotated[int, Query(ge=0, description="Only those after the one of this id.")] = 0,
    follow: Annotated[bool, Query(description="Go on with what happens; else end with what has.")] = True,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> AsyncIterable[ServerSentEvent]:
    """Every event with its id, in order; ``Last-Event-ID`` goes on after that one. Nothing is lost between."""
    seen = last_event_id if last_event_id is not None else after
    while True:
        for event in await anyio.to_thread.run_sync(service.events, seen, migration):
            seen = event.seq
            if (types and event.type not in types) or key not in (None, event.key):
                continue
            yield ServerSentEvent(data=_body(event), id=str(event.seq), event=event.type)
        if not follow:
            return
        await anyio.sleep(PAUSE)


def _body(event: Event) -> dict[str, object]:
    return {"at": event.at, "migration": event.migration, "key": event.key, "data": dict(event.data)}
