"""Sessions of browsers: a cookie says whose requests are, a second secret that they come from the page itself."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request, Response

from pumphouse.api.problems import Unanswerable
from pumphouse.model import Caller

COOKIE = "pumphouse_session"
HEADER = "x-csrf-token"
IDLE, LIFE = (
    8 * 3600.0,
    24 * 3600.0,
)  # seconds without a request, and in all, after which one has to log in again
MOST = 1000  # sessions at once; the one that was idle longest goes
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Session:
    """One browser that logged in.

    :param csrf: what forms of the page send along; other sites cannot know it.
    """

    caller: Caller
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    began: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)


class Sessions:
    """The sessions of this process; whoever restarts it logs in again."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, request: Request, response: Response, caller: Caller) -> None:
        """Let a browser be somebody from now on; what it was before is over."""
        self.end(request, response)
        identifier = secrets.token_urlsafe(32)
        with self._lock:
            self._forget_old()
            self._sessions[identifier] = Session(caller)
        # A proxy in between may speak TLS: then the browser says so.
        tls = "https" in (request.url.scheme, urlsplit(request.headers.get("origin", "")).scheme)
        response.set_cookie(COOKIE, identifier, httponly=True, samesite="lax", secure=tls)

    def end(self, request: Request, response: Response) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")

    def find(self, request: Request) -> Session | None:
        """The session of a request; None when there is none, or it is over."""
        now = time.monotonic()
        with self._lock:
            found = self._sessions.get(request.cookies.get(COOKIE, ""))
            if found is None or now - found.used > IDLE or now - found.began > LIFE:
                return None
            found.used = now
            return found

    def caller(self, request: Request) -> Caller | None:
        """Whose request it is, for :attr:`pumphouse.api.access.Access.sessions`.

        :raises Unanswerable: 403 when it would change something, and does not come from the page.
        """
        found = self.find(request)
        if found is None:
            return None
        if request.method in CHANGING:
            given = request.headers.get(HEADER, "") or getattr(request.state, "csrf", "")
            if not same_site(request) or not secrets.compare_digest(given.encode(), found.csrf.encode()):
                raise Unanswerable(
                    403,
                    "this request does not come from the page that was served to this session",
                    "Load the page again and repeat it.",
                )
        return found.caller

    def _forget_old(self) -> None:
        now = time.monotonic()
        over = [
            key for key, each in self._sessions.items() if now - each.used > IDLE or now - each.began > LIFE
        ]
        if len(self._sessions) - len(over) >= MOST:
            over.append(min(self._sessions, key=lambda key: self._sessions[key].used))
        for key in over:
            self._sessions.pop(key, None)


def listening(request: Request) -> bool:
    """Whether somebody who is logged in may still be told what happens: the server runs, the session holds."""
    return not request.app.state.stopping() and request.app.state.sessions.find(request) is not None


def same_site(request: Request) -> bool:
    """Whether a browser says that the request comes from here, as far as it says where it comes from."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
