"""The application: its parts, what all of them answer, and how it stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from pumphouse import __version__
from pumphouse.api import looking, migrating, problems, watching
from pumphouse.api.access import Access, Tokens, caller
from pumphouse.api.problems import ProblemDocument, responses
from pumphouse.api.runs import OpenService, Runs

ABOUT = """\
Whatever the command line can do with migrations. What takes long answers 202 with the address of its run;
errors are problem documents (RFC 9457) with a remedy."""


def create_app(open_service: OpenService, tokens: Tokens) -> FastAPI:
    """The HTTP API of one configuration.

    :param open_service: opens a service whose events go to the bus given.
    :param tokens: who has which token.
    """
    runs = Runs(open_service)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        yield
        runs.stop()

    app = FastAPI(
        title="Pumphouse",
        version=__version__,
        description=ABOUT,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.open_service, app.state.runs, app.state.access = open_service, runs, Access(tokens)
    problems.install(app)
    app.include_router(looking.health)
    inside = {"dependencies": [Depends(caller)], "responses": responses(401, 403, 422, 429, 500)}
    for part in (looking, migrating, watching):
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
