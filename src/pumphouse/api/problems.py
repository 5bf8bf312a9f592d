"""Errors as problem documents (RFC 9457), one status per class of error."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pumphouse import errors

MEDIA_TYPE = "application/problem+json"
# The first class that fits counts.
STATUS: tuple[tuple[type[errors.PumphouseError], int], ...] = (
    (errors.UsageError, 400),
    (errors.Refused, 409),
    (errors.Interrupted, 409),
    (errors.Unreachable, 504),
    (errors.CloudError, 502),
    (errors.BmcError, 502),
    (errors.ProvisionError, 502),
)
TITLES = {
    400: "The request makes no sense",
    401: "Log in first",
    403: "Not allowed",
    404: "Not there",
    405: "Not possible here",
    409: "Must not be done",
    413: "Too much",
    412: "Not what you saw",
    422: "The request cannot be read",
    428: "Look first",
    429: "Too many attempts",
    500: "Pumphouse cannot",
    502: "A cloud answered with an error",
    503: "Not ready",
    504: "A cloud does not answer",
}


class ProblemDocument(BaseModel):
    """What went wrong, for the person and for the program."""

    type: str = Field("about:blank", description="Always about:blank: the status says it all.")
    title: str = Field(description="The status in words.", examples=[TITLES[409]])
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(
        description="What failed, on which resource, and why.",
        examples=["'project acme-shop' is being worked on by 'migrate project acme-shop'"],
    )
    remedy: str = Field("", description="What to do next.", examples=["Wait for it to end, or stop it."])


class Unanswerable(Exception):
    """An answer of the API itself that no use case gave.

    :param status: HTTP status.
    """

    def __init__(self, status: int, detail: str, remedy: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.remedy = status, detail, remedy


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These problems, for the OpenAPI description of an operation."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {status: {"description": TITLES[status], "content": content} for status in statuses}


def problem(status: int, detail: str, remedy: str = "") -> JSONResponse:
    """The answer that tells of a problem."""
    document = ProblemDocument(title=TITLES.get(status, "Error"), status=status, detail=detail, remedy=remedy)
    return JSONResponse(document.model_dump(), status, media_type=MEDIA_TYPE)


def status_of(error: errors.PumphouseError) -> int:
    """The HTTP status of an error; 500 for what only the operator of the service can mend."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def install(app: FastAPI) -> None:
    """Have the application answer every error with a problem document."""

    @app.exception_handler(errors.PumphouseError)
    def _ours(_request: Request, error: errors.PumphouseError) -> JSONResponse:
        return problem(status_of(error), error.message, error.remedy)

    @app.exception_handler(Unanswerable)
    def _own(_request: Request, error: Unanswerable) -> JSONResponse:
        return problem(error.status, error.detail, error.remedy)

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(error.status_code, str(error.detail), "See /openapi.json.")
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    def _bug(_request: Request, error: Exception) -> JSONResponse:
        what = f"this is a bug in pumphouse: {type(error).__name__}"
        return problem(500, what, "Its traceback is in the log of the service.")

    @app.exception_handler(RequestValidationError)
    def _unreadable(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        return problem(422, "; ".join(faults), "See /openapi.json.")
