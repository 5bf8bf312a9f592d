"""What is sent to the API and what it answers, where it is not a value of the model itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pumphouse.inventory import Inventory
from pumphouse.model import (
    FILTERS,
    SELECTABLE,
    EvacuationPlan,
    Item,
    Plan,
    Selection,
    Step,
    WavePlan,
    Wishes,
    fingerprint,
    is_filter,
)
from pumphouse.service.decommissioning import Closing, Fate
from pumphouse.service.evacuating import Emptying
from pumphouse.service.upgrading import HostPlan

WHAT = (*SELECTABLE, "identity", "all")


class SelectionBody(BaseModel):
    """What to work on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"what": "project", "names": ["acme-shop"]}]}
    )

    what: str = Field(
        description="Kind of what is named; identity and all take no names.",
        json_schema_extra={"enum": list(WHAT)},
    )
    names: tuple[str, ...] = Field((), description="Names or ids.")
    filters: tuple[str, ...] = Field(
        (), description=f"KEY=VALUE; keys: {', '.join(FILTERS)}, metadata.KEY. All must hold."
    )
    exclude: tuple[str, ...] = Field((), description="KIND:NAME left out; may hold * and ?.")
    connected: bool = Field(False, description="With the servers that hang together with these.")

    @model_validator(mode="after")
    def _makes_sense(self) -> "SelectionBody":
        if self.what not in WHAT:
            raise ValueError(f"cannot select {self.what!r}: choose one of {', '.join(WHAT)}")
        if (self.what in SELECTABLE) != bool(self.names):
            raise ValueError(
                f"{self.what} takes {'at least one name' if self.what in SELECTABLE else 'no names'}"
            )
        if wrong := [text for text in self.filters if not is_filter(text)]:
            raise ValueError(f"{wrong[0]!r} is no filter")
        if not all(all(text.partition(":")) for text in self.exclude):
            raise ValueError("'exclude' holds KIND:NAME")
        return self

    def selection(self) -> Selection:
        """As a value."""
        return Selection(self.what, self.names, self.filters, self.exclude, self.connected)


class PlanRequest(BaseModel):
    """What to plan."""

    model_config = ConfigDict(extra="forbid")

    selection: SelectionBody
    accept: tuple[str, ...] = Field(
        (), description="Taken knowingly: RULE or RULE:RESOURCE.", examples=[["server-local-disks:batch-*"]]
    )
    skip_blocked: bool = Field(False, description="Leave out what cannot be moved.")


class MigrationRequest(PlanRequest):
    """What to migrate. ``If-Match`` names the plan that was looked at."""

    prepare_only: bool = Field(False, description="Do what needs no downtime; servers keep running.")
    concurrency: int | None = Field(None, ge=1, le=64, description="Servers moved at once.")
    bandwidth: float | None = Field(None, gt=0, le=1e6, description="Cap of all transfers, in MiB/s.")


class VerifyRequest(BaseModel):
    """How to compare."""

    model_config = ConfigDict(extra="forbid")

    data: bool = Field(True, description="Read every disk; else fields only.")
    accept_running: bool = Field(False, description="Disks of servers that ran since the move may differ.")


@dataclass(frozen=True)
class Resource:
    """One resource of a cloud."""

    kind: str
    id: str
    name: str
    project: str
    status: str

    @classmethod
    def of(cls, item: Item, inventory: Inventory) -> "Resource":
        """The item, for a reader."""
        project = inventory.name_of("project", item.project_id)
        return cls(item.kind, item.id, item.name, project, str(item.observed.get("status") or ""))


@dataclass(frozen=True)
class Page:
    """Some of the resources.

    :param next: what to send as ``after`` for the rest; None when there is none.
    """

    resources: tuple[Resource, ...]
    next: str | None


@dataclass(frozen=True)
class ProjectBody:
    """A project of the source.

    :param resources: how many it has, by kind.
    :param migrations: ids of the migrations that name it.
    """

    id: str
    name: str
    resources: Mapping[str, int]
    migrations: tuple[str, ...]


@dataclass(frozen=True)
class RuleBody:
    """A problem that a plan may tell."""

    id: str
    severity: str
    acceptable: bool
    about: str


@dataclass(frozen=True)
class Capacity:
    """Services, versions and hypervisors of a cloud, as labels and values."""

    role: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class StageBody:
    """A stage of an operation on a host.

    :param limit: seconds it may take; None when it has no limit.
    """

    name: str
    about: str
    limit: float | None


@dataclass(frozen=True)
class HostPlanBody:
    """What an operation does with a host.

    :param done: where it is already, when there is nothing to do.
    :param evacuation: who on it goes where before that; None when it is not emptied.
    """

    operation: str
    host: str
    stages: tuple[StageBody, ...]
    done: str
    evacuation: EvacuationPlan | None = None

    @classmethod
    def of(cls, plan: HostPlan) -> "HostPlanBody":
        """The plan, for a reader."""
        stages = tuple(StageBody(s.name, s.about, s.limit or None) for s in plan.stages)
        return cls(plan.operation, plan.host, stages, plan.done, plan.evacuation)


class EvacuationRequest(BaseModel):
    """How a host is emptied."""

    model_config = ConfigDict(extra="forbid")

    move: tuple[str, ...] = Field(
        (),
        description="What goes to the destination first: KIND:NAME, or fitting.",
        examples=[["project:acme"]],
    )
    reason: str = Field("", description="Shown to whoever asks why the host is disabled.")
    keep_off: tuple[str, ...] = Field((), description="Hosts that get nothing.")
    rebuild: bool = Field(False, description="Off a dead host: also servers with disks of their own.")

    def wishes(self) -> Wishes:
        """As a value."""
        return Wishes(self.reason, (), self.keep_off, self.rebuild)


@dataclass(frozen=True)
class ClosingBody:
    """What is left to do at the source.

    :param hosts: dead hosts that are removed from it.
    :param controllers: machines that go after that. :param fate: where they go.
    """

    hosts: tuple[str, ...]
    controllers: tuple[str, ...]
    fate: Fate

    @classmethod
    def of(cls, plan: Closing) -> "ClosingBody":
        """The plan, for a reader."""
        return cls(
            tuple(name for name, _ in plan.hosts), tuple(host.name for host in plan.controllers), plan.fate
        )


def etag_of(plan: HostPlanBody | Emptying | ClosingBody | WavePlan) -> str:
    """Changes when what is planned changes."""
    return f'"{fingerprint(asdict(plan))}"'


def etag(value: Plan | tuple[Step, ...]) -> str:
    """Changes when what is planned changes."""
    steps = value.steps if isinstance(value, Plan) else value
    problems = value.problems if isinstance(value, Plan) else ()
    seen: list[Any] = [[asdict(step) for step in steps], [asdict(problem) for problem in problems]]
    return f'"{fingerprint(seen)}"'
