"""The application: its parts, what all of them answer, and how it stops."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry

from pumphouse import __version__
from pumphouse.api import hosting, looking, measuring, migrating, problems, watching, working
from pumphouse.api.access import Access, Tokens, caller
from pumphouse.api.guarding import Guard, Meters
from pumphouse.api.problems import ProblemDocument, responses
from pumphouse.service.conductor import Conductor, OpenService
from pumphouse.service.desk import Desk

ABOUT = """\
Whatever the command line can do with migrations. What takes long answers 202 with the address of its job;
errors are problem documents (RFC 9457) with a remedy."""


def create_app(
    open_service: OpenService, desk: Desk, tokens: Tokens, conductor: Conductor | None = None
) -> FastAPI:
    """The HTTP API of one configuration.

    :param open_service: opens a service whose events go to the bus given.
    :param desk: where jobs are handed in.
    :param tokens: who has which token.
    :param conductor: works as long as the application does; None when others carry out its jobs.
    """

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        if conductor is None:
            yield
            return
        thread = threading.Thread(target=conductor.run, name="conductor")
        thread.start()
        yield
        conductor.stop()
        await anyio.to_thread.run_sync(thread.join)

    app = FastAPI(
        title="Pumphouse",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=life,
    )
    registry = CollectorRegistry()
    app.state.open_service, app.state.desk, app.state.access = open_service, desk, Access(tokens)
    app.state.registry = registry
    app.add_middleware(Guard, trail=desk.trail, meters=Meters(registry))
    problems.install(app)
    app.include_router(looking.health)
    inside = {
        "dependencies": [Depends(caller)],
        "responses": responses(401, 403, 413, 422, 429, 500, 502, 504),
    }
    app.include_router(measuring.router, **inside)  # type: ignore[arg-type]
    for part in (looking, migrating, hosting, working, watching):
        app.include_router(part.router, prefix="/v1", **inside)  # type: ignore[arg-type]
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with the problem document that FastAPI does not know of."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        document = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemDocument"] = document
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        app.openapi_schema = schema
    return app.openapi_schema
