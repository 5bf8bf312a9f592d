"""What requests are handled with: a service for each, and the desk where jobs are handed in."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from pumphouse.api.access import CallerOf
from pumphouse.api.problems import Unanswerable
from pumphouse.events import Bus
from pumphouse.model import Job, Selection
from pumphouse.service import Service
from pumphouse.service.desk import Desk


def _service(request: Request) -> Iterator[Service]:
    with request.app.state.open_service(Bus()) as service:
        yield service


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


Opened = Annotated[Service, Depends(_service)]
AtDesk = Annotated[Desk, Depends(_desk)]


class Looking:
    """Nobody carries out what nobody has looked at."""

    def __init__(
        self,
        if_match: Annotated[
            str | None,
            Header(description="ETag of the plan that was looked at; * for whatever it is by now."),
        ] = None,
    ) -> None:
        self._seen = if_match

    def require(self, now: Callable[[], str]) -> None:
        """Refuse unless the ETag that was seen is the one of now, or any will do."""
        if self._seen is None:
            raise Unanswerable(
                428,
                "If-Match is missing",
                "Look at the plan first and send its ETag, or * to take whatever it is.",
            )
        if self._seen not in ("*", now()):
            raise Unanswerable(
                412, "the clouds changed since you looked at the plan", "Look again and send the new ETag."
            )


Looked = Annotated[Looking, Depends()]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="The same key of the same caller gives the same job."),
]


class Starting:
    """Hands in what takes long, and answers with where its job is."""

    def __init__(
        self,
        request: Request,
        response: Response,
        caller: CallerOf,
        desk: AtDesk,
        idempotency_key: IdempotencyKey = None,
    ) -> None:
        self._request, self._response = request, response
        self._caller, self._desk, self._key = caller, desk, idempotency_key

    def __call__(
        self,
        command: str,
        selection: Selection,
        options: Mapping[str, Any],
        look: Callable[[], None] = lambda: None,
    ) -> Job:
        """The job, handed in or found.

        :param look: refuses what nobody has looked at; not asked for a job that was handed in before.
        """
        self._request.state.about = f"{command} {selection}"
        if self._key is None or self._desk.jobs.with_key(self._caller.name, self._key) is None:
            look()
        job = self._desk.submit(self._caller, command, selection, options, self._key)
        self._response.headers["Location"] = f"/v1/jobs/{job.id}"
        return job


Start = Annotated[Starting, Depends()]
