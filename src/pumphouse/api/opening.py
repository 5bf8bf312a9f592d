"""What requests are handled with: a service for each, and the runs of the process."""

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from pumphouse.api.problems import Unanswerable
from pumphouse.api.runs import Run, Runs, Work
from pumphouse.events import Bus
from pumphouse.model import Selection
from pumphouse.service import Service


def _service(request: Request) -> Iterator[Service]:
    with request.app.state.open_service(Bus()) as service:
        yield service


def _runs(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


Opened = Annotated[Service, Depends(_service)]
Running = Annotated[Runs, Depends(_runs)]


class Starting:
    """Begins what takes long, and answers with where its run is."""

    def __init__(
        self,
        runs: Running,
        response: Response,
        idempotency_key: Annotated[
            str | None,
            Header(
                max_length=200, description="The same key gives the same run, as long as it is remembered."
            ),
        ] = None,
    ) -> None:
        self._runs, self._response, self._key = runs, response, idempotency_key

    def __call__(self, command: str, selection: Selection, work: Work) -> Run:
        """The run, begun or found."""
        run = self._runs.start(command, str(selection), work, self._key)
        self._response.headers["Location"] = f"/v1/runs/{run.id}"
        return run


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


Start = Annotated[Starting, Depends()]
Looked = Annotated[Looking, Depends()]
