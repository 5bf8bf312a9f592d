"""What takes long and was asked for on the page: begun here, watched elsewhere."""

from fastapi import Request
from fastapi.responses import RedirectResponse

from pumphouse.api.runs import Run, Work
from pumphouse.model import Migration, Selection
from pumphouse.service import Service


def begin(request: Request, command: str, selection: Selection, work: Work) -> RedirectResponse:
    """Begin it, and go where it can be watched.

    :raises Refused: when the same is running already.
    """
    run = request.app.state.runs.start(command, str(selection), work)
    return RedirectResponse(f"/runs/{run.id}", 303)


def migration_of(service: Service, run: Run) -> Migration | None:
    """The migration that a run works on, once the ledger has it."""
    return next((m for m in service.migrations() if str(m.selection) == run.selection), None)


def last_run(request: Request, migration: Migration) -> Run | None:
    """What was asked of this process last for a migration."""
    runs: tuple[Run, ...] = request.app.state.runs.all()
    return next((run for run in runs if run.selection == str(migration.selection)), None)
