"""Who may what: callers come with a token, or with a session that the page looks after."""

import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pumphouse.api.problems import Unanswerable
from pumphouse.jobs import Trail
from pumphouse.model import Caller, Role
from pumphouse.service.desk import Desk

TOKEN_BYTES = 32
ATTEMPTS, PERIOD = 10, 60.0  # refused logins of one address, and the seconds in which they are counted
SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
_bearer = HTTPBearer(
    auto_error=False, description="A token of Keystone, or the one 'pumphouse serve' prints."
)

#: Who has this token; None when nobody has.
Tokens = Callable[[str], Caller | None]
#: Whose session this request belongs to; None when it has none. Raises Unanswerable when it was forged.
Session = Callable[[Request], Caller | None]


def new_token() -> str:
    """A token nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def one_token(token: str) -> Tokens:
    """Whoever has this token may do everything.

    :param token: compared in constant time.
    """
    known = token.encode()

    def caller(given: str) -> Caller | None:
        return Caller("token", Role.APPROVER) if secrets.compare_digest(given.encode(), known) else None

    return caller


class Access:
    """Finds out who calls; ``app.state.access``.

    :param tokens: whose token it is.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._refused: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()
        self.sessions: list[Session] = []

    def by_token(self, request: Request, token: str) -> Caller:
        """Who has a token; for requests, and for the login of the page.

        :raises Unanswerable: 401 when nobody has, 429 when too many wrong ones came from there.
        """
        origin = origin_of(request)
        self._let_try(origin)
        caller = self._tokens(token)
        if caller is None:
            with self._lock:
                self._refused[origin].append(time.monotonic())
            raise Unanswerable(
                401, "the token is wrong, has expired, or gives no role here", "Get a new one and try again."
            )
        return caller

    def find(self, request: Request, token: str | None) -> Caller:
        """Who sends this request.

        :raises Unanswerable: 401 when nobody says so.
        """
        if token is not None:
            return self.by_token(request, token)
        for session in self.sessions:
            if found := session(request):
                return found
        raise Unanswerable(
            401, "nobody is logged in", "Send 'Authorization: Bearer TOKEN'; docs/api.md says which tokens."
        )

    def _let_try(self, origin: str) -> None:
        since = time.monotonic() - PERIOD
        with self._lock:
            for address, times in list(self._refused.items()):
                while times and times[0] < since:
                    times.popleft()
                if not times:
                    del self._refused[address]
            tried = len(self._refused[origin]) if origin in self._refused else 0
        if tried >= ATTEMPTS:
            raise Unanswerable(
                429, f"too many wrong tokens came from {origin}", f"Wait for {PERIOD:g} seconds."
            )


def origin_of(request: Request) -> str:
    """The address a request came from."""
    return request.client.host if request.client else ""


def caller(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Who sends this request; refuses with 401 when nobody is logged in."""
    access: Access = request.app.state.access
    found = access.find(request, given.credentials if given else None)
    request.state.caller = found
    if request.method not in SAFE:
        desk: Desk = request.app.state.desk
        request.state.audited = begin(desk.trail, request)
    return found


def begin(trail: Trail, request: Request) -> int:
    """Note who asks for what, before it is done; its number in the audit trail."""
    who: Caller | None = getattr(request.state, "caller", None)
    return trail.begin(who, origin_of(request), f"{request.method} {request.url.path}")


#: The caller of a request, as an argument of its handler.
CallerOf = Annotated[Caller, Depends(caller)]


def requires(role: Role) -> Callable[[Caller], Caller]:
    """A dependency that refuses callers who may less than this role."""

    def allowed(found: CallerOf) -> Caller:
        refuse_below(found, role)
        return found

    return allowed


def refuse_below(found: Caller, role: Role) -> None:
    """Refuse a caller who may less than this role."""
    if not found.role.covers(role):
        raise Unanswerable(
            403,
            f"{found.name} is {found.role}; this needs {role}",
            f"Ask for a role that makes you {role}: 'api.roles' in config.yaml says which.",
        )


#: For ``dependencies`` of a route.
OPERATOR, APPROVER = [Depends(requires(Role.OPERATOR))], [Depends(requires(Role.APPROVER))]
