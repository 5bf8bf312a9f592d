"""Choosing what is to be moved, reading the plan, approving it."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from pumphouse.api.access import OPERATOR, CallerOf
from pumphouse.api.bodies import etag
from pumphouse.api.opening import Opened, Start
from pumphouse.model import Action, Problem, Severity, Step
from pumphouse.page.beginning import seen, to_watch
from pumphouse.page.forms import AskedWish, Sent, SentWish
from pumphouse.page.overview import IDLE
from pumphouse.page.rendering import page

router = APIRouter()


@dataclass(frozen=True)
class Group:
    """The steps of one project by kind; of none, when they are shared."""

    project: str
    kinds: dict[str, list[Step]]

    @property
    def moving(self) -> int:
        """How many of its steps change something."""
        quiet = (Action.REUSE, Action.SKIP)
        return sum(step.action not in quiet for steps in self.kinds.values() for step in steps)


@dataclass(frozen=True)
class Choice:
    """Something that can be chosen, with what is in it."""

    name: str
    servers: int
    running: int
    moved: int


@router.get("/choose")
def choose(request: Request, what: str = "project") -> HTMLResponse:
    """What can be chosen: the projects and the hosts of the source."""
    look = request.app.state.looks.since(time.monotonic() - IDLE)
    servers = [s for s in look.picture.servers if s.cloud == "source"] if look.picture else []
    projects = [p.name for p in look.picture.projects if p.cloud == "source"] if look.picture else []
    hosts = [h.name for h in look.picture.hosts if h.cloud == "source"] if look.picture else []
    signs = request.app.state.signs.of(projects)
    by_project = _choices(projects, [(s.project, s.status, bool(s.counterpart)) for s in servers])
    by_host = _choices(hosts, [(s.host, s.status, bool(s.counterpart)) for s in servers])
    return page(
        request, "choose", what=what, projects=by_project, hosts=by_host, signs=signs, error=look.error
    )


def _choices(names: Iterable[str], servers: list[tuple[str, str, bool]]) -> list[Choice]:
    """Those with servers first, by name."""
    count = Counter(name for name, _, _ in servers)
    running = Counter(name for name, status, _ in servers if status == "ACTIVE")
    moved = Counter(name for name, _, gone in servers if gone)
    found = [Choice(name, count[name], running[name], moved[name]) for name in set(names)]
    return sorted(found, key=lambda choice: (not choice.servers, choice.name.casefold()))


@router.get("/plan")
def plan(request: Request, service: Opened, caller: CallerOf, wish: AskedWish) -> HTMLResponse:
    """The plan: what would happen; nothing is changed."""
    made = service.plan(wish.selection, wish.accept, caller.name)
    down = [step.downtime for step in made.to_do if step.downtime]
    return page(
        request,
        "plan",
        plan=made,
        wish=wish,
        etag=etag(made),
        groups=_groups(made.steps),
        actions=_counts(made.steps),
        counts=_counts,
        problems=sorted(made.problems, key=_urgency),
        down=down,
        capacity=[limit for limit in made.capacity if limit.added],
    )


def _counts(steps: Iterable[Step]) -> list[tuple[Action, int]]:
    """How many steps do what."""
    return list(Counter(step.action for step in steps).items())


def _groups(steps: Iterable[Step]) -> list[Group]:
    """Steps as a tree: what is shared first, then the projects by name."""
    groups: dict[str, dict[str, list[Step]]] = defaultdict(lambda: defaultdict(list))
    for step in steps:
        groups[step.project][step.kind].append(step)
    return [Group(project, dict(groups[project])) for project in sorted(groups, key=str.casefold)]


def _urgency(problem: Problem) -> tuple[bool, int]:
    """What must be solved first, what was accepted last."""
    return bool(problem.accepted), list(Severity).index(problem.severity)


@router.post("/migrate", dependencies=OPERATOR)
def migrate(service: Opened, caller: CallerOf, start: Start, wish: SentWish, sent: Sent) -> Response:
    """Carry out the plan that was read."""
    options: dict[str, Any] = {"accept": wish.accept} if wish.accept else {}
    if sent.one("prepare_only") == "true":
        options["prepare_only"] = True

    def now() -> str:
        return etag(service.plan(wish.selection, wish.accept, caller.name))

    return to_watch(start("migrate", wish.selection, options, seen(sent.one("etag"), now)))
