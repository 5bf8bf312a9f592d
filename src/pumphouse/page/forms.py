"""What the page's forms send, and what its addresses say."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request
from pydantic import ValidationError

from pumphouse.api.bodies import SelectionBody
from pumphouse.api.problems import Unanswerable
from pumphouse.model import Selection

Strings = tuple[str, ...]
LONGEST = 256 * 1024  # bytes of a form


class Form:
    """The fields of a form that was sent; each may be there several times."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The value of a field; empty when it was not sent."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return tuple(self._fields.get(name, ()))


async def form(request: Request) -> Form:
    """Read a form, and keep the secret that says it is the page's own.

    :raises Unanswerable: 413 when it is too long, 422 when it is none.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise Unanswerable(413, f"the form is longer than {LONGEST} bytes", "Choose less at once.")
    try:
        sent = Form(parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError:
        raise Unanswerable(422, "the form cannot be read", "Load the page again and repeat it.") from None
    request.state.csrf = sent.one("csrf")
    return sent


Sent = Annotated[Form, Depends(form)]


@dataclass(frozen=True)
class Wish:
    """What somebody wants to be planned.

    :param accept: what is taken knowingly, as ``RULE`` or ``RULE:RESOURCE``.
    """

    selection: Selection
    accept: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The same as fields of a form, or of an address."""
        chosen = self.selection
        lists = {
            "name": chosen.names,
            "filter": chosen.filters,
            "exclude": chosen.exclude,
            "accept": self.accept,
        }
        found = [("what", chosen.what), *((field, v) for field, values in lists.items() for v in values)]
        return [*found, ("connected", "true")] if chosen.connected else found


def _wish(
    what: str, names: Strings, filters: Strings, exclude: Strings, connected: bool, accept: Strings
) -> Wish:
    try:
        body = SelectionBody(what=what, names=names, filters=filters, exclude=exclude, connected=connected)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Unanswerable(422, said, "Go back and choose again.") from None
    return Wish(body.selection(), accept)


def sent_wish(sent: Sent) -> Wish:
    """What is wanted, from a form.

    :raises Unanswerable: 422 when it makes no sense.
    """
    lists = (tuple(filter(None, sent.all(field))) for field in ("name", "filter", "exclude"))
    names, filters, exclude = lists
    return _wish(
        sent.one("what"), names, filters, exclude, sent.one("connected") == "true", sent.all("accept")
    )


def asked_wish(request: Request) -> Wish:
    """What is wanted, from the address.

    :raises Unanswerable: 422 when it makes no sense.
    """
    query = request.query_params
    lists = (tuple(filter(None, query.getlist(field))) for field in ("name", "filter", "exclude", "accept"))
    names, filters, exclude, accept = lists
    connected = query.get("connected") == "true"
    return _wish(query.get("what", "project"), names, filters, exclude, connected, accept)


SentWish = Annotated[Wish, Depends(sent_wish)]
AskedWish = Annotated[Wish, Depends(asked_wish)]
