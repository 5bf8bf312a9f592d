"""A service for each request."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request

from pumphouse.api.runs import Runs
from pumphouse.events import Bus
from pumphouse.service import Service


def _service(request: Request) -> Iterator[Service]:
    with request.app.state.open_service(Bus()) as service:
        yield service


def _runs(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


Opened = Annotated[Service, Depends(_service)]
Running = Annotated[Runs, Depends(_runs)]
