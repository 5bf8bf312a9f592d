"""Around every request: limits, headers for browsers, the audit trail, numbers for /metrics."""

import time
from typing import Any

import anyio
from fastapi import HTTPException
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from pumphouse.api.access import begin
from pumphouse.jobs import Trail

BODY = 1 << 20  # bytes of a request's body
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
REFUSED = (401, 403)


class Meters:
    """How many requests were answered, how, and how fast."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ("method", "operation")
        self.answers = Counter(
            "pumphouse_http_answers", "Requests answered.", (*names, "status"), registry=registry
        )
        self.seconds = Histogram(
            "pumphouse_http_seconds", "From a request to the head of its answer.", names, registry=registry
        )


class Guard:
    """ASGI middleware around the whole application.

    :param trail: where requests are noted that change something, or are refused.
    """

    def __init__(self, app: Any, trail: Trail, meters: Meters) -> None:
        self._app, self._trail, self._meters = app, trail, meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, begun = time.monotonic(), [False]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun[0] = True
                await self._note(scope, message["status"], time.monotonic() - started)
                headers = MutableHeaders(scope=message)
                for name, value in (HEADERS | (OVER_TLS if scope["scheme"] == "https" else {})).items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, _limited(scope, receive), answer)
        except Exception:
            if not begun[0]:
                await self._note(scope, 500, time.monotonic() - started)
            raise

    async def _note(self, scope: Scope, status: int, seconds: float) -> None:
        operation = getattr(scope.get("endpoint"), "__name__", "none")
        self._meters.answers.labels(scope["method"], operation, status).inc()
        self._meters.seconds.labels(scope["method"], operation).observe(seconds)
        request = Request(scope)
        audited: int | None = getattr(request.state, "audited", None)
        if audited is None and status not in REFUSED:
            return
        await anyio.to_thread.run_sync(self._write, request, audited, status)

    def _write(self, request: Request, audited: int | None, status: int) -> None:
        if audited is None:
            audited = begin(self._trail, request)
        self._trail.end(audited, status, getattr(request.state, "about", ""))


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Bodies end at the limit, whatever the client said of their length."""
    said = dict(scope["headers"]).get(b"content-length", b"0")
    got = 0

    async def limited() -> Message:
        nonlocal got
        if said.isdigit() and int(said) > BODY:
            raise HTTPException(413, f"the body has more than {BODY >> 20} MiB")
        message = await receive()
        got += len(message.get("body", b""))
        if got > BODY:
            raise HTTPException(413, f"the body has more than {BODY >> 20} MiB")
        return message

    return limited
