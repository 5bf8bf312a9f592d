"""Answers and exceptions of the SDK, turned into our tree of errors."""

import json
from typing import Any

import requests
from keystoneauth1 import exceptions

from pumphouse.errors import (
    CloudError,
    Conflict,
    Forbidden,
    Missing,
    NotAuthenticated,
    Overlimit,
    Unreachable,
)

_BY_STATUS: dict[int, type[CloudError]] = {
    401: NotAuthenticated,
    403: Forbidden,
    404: Missing,
    409: Conflict,
    413: Overlimit,
    502: Unreachable,
    503: Unreachable,
    504: Unreachable,
}


def from_answer(where: str, response: requests.Response) -> CloudError:
    """The error for an answer with a status of 400 or more.

    :param where: cloud, service, verb and path, for the message.
    """
    text, status = _message(response), response.status_code
    kind = _BY_STATUS.get(status, CloudError)
    # Nova refuses with 403, Neutron with 409 and Cinder with 413 when a quota is exceeded.
    if status in (403, 409, 413) and "quota" in text.lower() and "exceed" in text.lower():
        kind = Overlimit
    return kind(f"{where}: {text} (HTTP {status})", status=status)


def from_exception(where: str, error: Exception) -> CloudError:
    """The error for an exception of keystoneauth or requests."""
    if isinstance(error, exceptions.Unauthorized):
        return NotAuthenticated(
            f"{where}: the credentials are not accepted",
            "Check user name, password, project and domains in config.yaml or clouds.yaml.",
            401,
        )
    if isinstance(error, exceptions.EndpointNotFound | exceptions.CatalogException):
        return Missing(f"{where}: no such service in the catalog", "Check region and interface.", 404)
    if isinstance(error, exceptions.SSLError | requests.exceptions.SSLError):
        return Unreachable(
            f"{where}: the TLS certificate is not trusted", "Set 'cacert' of this cloud in config.yaml."
        )
    if isinstance(
        error,
        exceptions.ConnectFailure
        | exceptions.ConnectTimeout
        | exceptions.DiscoveryFailure
        | exceptions.ConnectionError
        | requests.exceptions.RequestException,
    ):
        return Unreachable(f"{where}: nothing answers, or the connection broke", "Check address and network.")
    if isinstance(error, exceptions.HttpError):
        return CloudError(f"{where}: {error.message or error}", status=error.http_status or 0)
    return CloudError(f"{where}: {error}")


def _message(response: requests.Response) -> str:
    """The one line inside an error body; each service wraps it differently."""
    try:
        body: Any = response.json()
    except (ValueError, json.JSONDecodeError):
        text = response.text.strip()
        if "<" in text:  # an HTML page of webob or of a proxy in between
            return str(response.reason)
        return " ".join(text.split())[:300] or str(response.reason)
    while isinstance(body, dict):
        if str(body.get("error_message", "")).startswith("{"):  # Ironic's: JSON as text in JSON
            body = json.loads(body["error_message"])
        for name in ("message", "error_message", "faultstring"):
            if isinstance(body.get(name), str):
                return " ".join(str(body[name]).replace("<br />", " ").split())[:500]  # webob's, also in JSON
        inner = [value for value in body.values() if isinstance(value, dict)]
        if not inner and isinstance(body.get("errors"), list) and body["errors"]:
            detail = body["errors"][0]
            return " ".join(str(detail.get("detail") or detail.get("title")).split())[:500]
        body = inner[0] if inner else str(response.reason)
    return " ".join(str(body).split())[:500]
