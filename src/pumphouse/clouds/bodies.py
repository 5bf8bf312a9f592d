"""Bodies of requests and answers, as each service writes them."""

from collections.abc import Iterable, Iterator

import requests
from keystoneauth1 import exceptions

from pumphouse.ports import Json


class Sized:
    """Chunks of known total size: sent with a Content-Length, so that a broken upload cannot look whole."""

    def __init__(self, chunks: Iterable[bytes], size: int) -> None:
        self._chunks = chunks
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def __len__(self) -> int:
        return self._size


def may_retry(method: str, fault: Exception) -> bool:
    """Whether a request that broke may be sent again: not a POST, which may have been carried out."""
    if isinstance(fault, exceptions.SSLError | exceptions.CatalogException | exceptions.HttpError):
        return False
    return method != "POST" and isinstance(
        fault, exceptions.ConnectFailure | exceptions.ConnectTimeout | exceptions.UnknownConnectionError
    )


def decoded(response: requests.Response) -> Json:
    """The body of an answer, or None when it has none."""
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        return None


def next_page(body: Json, many: str) -> str | None:
    """Address of the next page: each service says it in its own way."""
    for link in body.get(f"{many}_links") or ():
        if link.get("rel") == "next":
            return str(link["href"])
    following = body.get("next") or (body.get("links") or {}).get("next")
    return str(following) if following else None
