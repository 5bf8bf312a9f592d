"""The page as an application of its own, mounted into that of the API: it answers with pages, errors too."""

from collections.abc import Callable

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from pumphouse.api.access import caller
from pumphouse.api.problems import TITLES, Unanswerable, problem, status_of
from pumphouse.errors import PumphouseError
from pumphouse.page import ending, entry, hosting, overview, planning, reading, watching
from pumphouse.page.feed import Feed
from pumphouse.page.forms import form
from pumphouse.page.headers import SecurityHeaders
from pumphouse.page.looks import Looks
from pumphouse.page.rendering import page, wants_part
from pumphouse.page.sessions import Sessions
from pumphouse.page.signs import Signs


def add_page(app: FastAPI, stopping: Callable[[], bool]) -> None:
    """Let the application of the API serve the page, at every address that the API does not use.

    Sessions of the page count for the API too.

    :param stopping: whether the server ends: nothing is streamed any more then.
    """
    own = FastAPI(title="Pumphouse", openapi_url=None)
    for name in ("open_service", "desk", "access"):
        setattr(own.state, name, getattr(app.state, name))
    own.state.sessions, own.state.signs, own.state.feed = Sessions(), Signs(), Feed()
    own.state.looks, own.state.stopping = Looks(app.state.open_service), stopping
    app.state.access.sessions.append(own.state.sessions.caller)
    own.mount("/assets", StaticFiles(packages=[("pumphouse.page", "assets")]))
    own.include_router(entry.router)
    for part in (overview, planning, watching, ending, hosting, reading):
        # The form is read first: it holds the secret by which the session is believed.
        own.include_router(part.router, dependencies=[Depends(form), Depends(caller)])
    own.add_middleware(SecurityHeaders)
    _install_errors(own)
    app.mount("/", own)


def _install_errors(own: FastAPI) -> None:
    """Errors as pages for people, as problem documents for programs."""

    def answer(request: Request, status: int, what: str, remedy: str) -> Response:
        if "text/html" not in request.headers.get("accept", "") and not wants_part(request):
            return problem(status, what, remedy)
        if status == 401 and request.method == "GET" and not wants_part(request):
            return RedirectResponse(entry.login_address(request), 303)
        title = TITLES.get(status, "Error")
        template = "problem" if wants_part(request) else "error"
        return page(request, template, status, title=title, what=what, remedy=remedy)

    def handles(kind: type[Exception], read: Callable[..., tuple[int, str, str]]) -> None:
        own.add_exception_handler(kind, lambda request, error: answer(request, *read(error)))

    def unreadable(error: RequestValidationError) -> tuple[int, str, str]:
        fault = error.errors()[0]
        return 422, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}", "Go back and try again."

    handles(PumphouseError, lambda error: (status_of(error), error.message, error.remedy))
    handles(Unanswerable, lambda error: (error.status, error.detail, error.remedy))
    handles(HTTPException, lambda error: (error.status_code, str(error.detail), ""))
    handles(RequestValidationError, unreadable)
