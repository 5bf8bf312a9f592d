"""Logging in, with a token that is pasted or came in the address, and out."""

from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pumphouse.api.access import caller
from pumphouse.api.problems import Unanswerable
from pumphouse.page.forms import Sent, form
from pumphouse.page.rendering import page
from pumphouse.page.sessions import same_site

router = APIRouter()


def login_address(request: Request) -> str:
    """Where to log in, and go on from there with what was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if asked == "/" else f"/login?{urlencode({'next': asked})}"


@router.get("/login")
def login_page(request: Request, token: str = "", next: str = "/") -> Response:
    """The form, or, with a token in the address, the way in: the address is gone at once."""
    return _enter(request, token, next) if token else page(request, "login", next=_inside(next), wrong="")


@router.post("/login")
def login(request: Request, sent: Sent) -> Response:
    """Log in with a token."""
    if not same_site(request):
        raise Unanswerable(
            403, "this login comes from another site", "Open the page itself and log in there."
        )
    return _enter(request, sent.one("token"), sent.one("next"))


@router.post("/logout", dependencies=[Depends(form), Depends(caller)])
def logout(request: Request) -> Response:
    """Log out."""
    answer = RedirectResponse("/login", 303)
    request.app.state.sessions.end(request, answer)
    return answer


def _enter(request: Request, token: str, after: str) -> Response:
    try:
        found = request.app.state.access.by_token(request, token)
    except Unanswerable as error:
        return _refused(request, error, after)
    answer = RedirectResponse(_inside(after), 303)
    request.app.state.sessions.begin(request, answer, found)
    return answer


def _refused(request: Request, error: Unanswerable, after: str) -> HTMLResponse:
    wrong = f"{error.detail[0].upper()}{error.detail[1:]}. {error.remedy}"
    return page(request, "login", error.status, next=_inside(after), wrong=wrong)


def _inside(address: str) -> str:
    """An address of this page; nobody is sent elsewhere."""
    good = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if good else "/"


@router.get("/session", dependencies=[Depends(caller)])
def session() -> Response:
    """Whether the session still holds: 401 when it does not."""
    return Response(status_code=204)
