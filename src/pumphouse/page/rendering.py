"""Templates: everything that comes from a cloud is escaped."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from pumphouse import __version__
from pumphouse.model import Role
from pumphouse.report import units
from pumphouse.report.brief import sides

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("pumphouse", "page/templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _percent(pair: tuple[int, int] | None) -> float:
    """How full something is; never more than all of it."""
    return min(100.0, 100.0 * pair[0] / pair[1]) if pair and pair[1] else 0.0


_environment.filters.update(
    size=units.size,
    rate=units.rate,
    duration=units.duration,
    moment=units.moment,
    clock=lambda at: time.strftime("%H:%M:%S", time.localtime(at)),
    kind=lambda name: name.replace("_", " "),
    memory=lambda mib: units.size(mib * 1024 * 1024),
    percent=_percent,
    part=lambda text: quote(text, safe=""),
    query=lambda pairs: urlencode(list(pairs)),
    sides=lambda difference: sides(difference, 200),
)
_environment.globals.update(version=__version__, Role=Role, count=units.count)


def render(name: str, **values: Any) -> str:
    """A template as text."""
    return _environment.get_template(f"{name}.html.j2").render(**values)


def page(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page, for whoever is logged in.

    :param values: what the template shows.
    """
    session = request.app.state.sessions.find(request)
    facts: Mapping[str, Any] = {
        "layout": "part.html.j2" if wants_part(request) else "base.html.j2",
        "caller": session.caller if session else None,
        "csrf": session.csrf if session else "",
        "path": request.url.path,
    }
    return HTMLResponse(render(name, **facts, **values), status)


def wants_part(request: Request) -> bool:
    """Whether htmx asks, for a part of the page."""
    return request.headers.get("hx-request") == "true"
