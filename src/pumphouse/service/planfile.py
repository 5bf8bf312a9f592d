"""A plan as a YAML file that a person can read and edit: steps may be skipped or mapped, nothing else changed."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pumphouse.config import describe, read_yaml
from pumphouse.errors import ConfigError, Refused
from pumphouse.model import Acceptance, Action, Plan, Selection, Step

FORMAT = 1
HEADER = """\
# A plan of Pumphouse. Carry it out with: pumphouse migrate --plan FILE
# You may set the action of a step to 'skip', then also of what needs it; or to 'reuse', with the id or name of what
# is to take its place in the destination as destination_id. Everything else must stay as it is: the plan is
# compared with the clouds before anything is touched.
"""
# What a person must not change; of the rest, `reason` and the numbers are for reading.
FIXED = ("kind", "name", "project", "needs")


class _Dumper(yaml.SafeDumper):
    """Quotes what holds line breaks that people don't see; unquoted they would come back as spaces."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if set(value) & set("\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Selection(_Strict):
    what: str
    names: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    connected: bool = False


class _Step(_Strict):
    key: str
    kind: str
    name: str
    project: str
    action: Action
    reason: str = ""
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    destination_id: str | None = None
    bytes: int = 0
    downtime: float = 0.0
    changed: tuple[str, ...] = ()
    because: str = ""
    fingerprint: str


class _Accepted(_Strict):
    rule: str
    resource: str = "*"
    by: str = ""
    what: str = ""


class PlanFile(_Strict):
    """What the file holds."""

    pumphouse_plan: Literal[1]
    source: str
    destination: str
    selection: _Selection
    accepted: tuple[_Accepted, ...] = ()
    steps: tuple[_Step, ...]


def save(plan: Plan, path: Path) -> None:
    """Write a plan.

    :raises ConfigError: when the file cannot be written.
    """
    steps = [{f.name: _plain(getattr(step, f.name)) for f in fields(Step)} for step in plan.steps]
    data = {
        "pumphouse_plan": FORMAT,
        "source": plan.source,
        "destination": plan.destination,
        "selection": {name: _plain(value) for name, value in asdict(plan.selection).items()},
        "accepted": [
            {"rule": p.rule, "resource": p.key or "*", "by": p.accepted, "what": p.what}
            for p in plan.problems
            if p.accepted
        ],
        "steps": steps,
    }
    try:
        text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        path.write_text(HEADER + text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Action):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def read(path: Path) -> PlanFile:
    """Read and validate a plan file.

    :raises ConfigError: says where in the file what is wrong.
    """
    try:
        return PlanFile.model_validate(read_yaml(path))
    except ValidationError as error:
        raise ConfigError(
            describe(path, error), "Make the plan again: 'pumphouse plan ... -o FILE'."
        ) from None


def selection(file: PlanFile) -> Selection:
    """What the plan was made for."""
    return Selection(**file.selection.model_dump())


def accepted(file: PlanFile, by: str) -> tuple[Acceptance, ...]:
    """What the plan takes knowingly.

    :param by: who carries it out, and so accepts what nobody else has.
    """
    return tuple(Acceptance(a.rule, a.resource, a.by or by) for a in file.accepted)


def mapped(path: Path, file: PlanFile, fresh: Plan) -> dict[str, str]:
    """What the file gives another counterpart than planning does: key → id or name in the destination.

    :param fresh: the plan made now for the same selection.
    :raises ConfigError: when it does not say which.
    """
    now = {step.key: step for step in fresh.steps}
    found: dict[str, str] = {}
    for step in file.steps:
        fresh_step = now.get(step.key)
        if step.action is not Action.REUSE or fresh_step is None or fresh_step.reason == "migrated before":
            continue
        if fresh_step.action is not Action.REUSE and step.reason.startswith("is there already"):
            continue  # it was reused by itself, and is there no longer: the plan is stale
        edited = fresh_step.action is not Action.REUSE or step.destination_id != fresh_step.destination_id
        if edited and not step.destination_id:
            raise ConfigError(
                f"{path}: step {step.key}: action reuse needs a destination_id",
                "Give the id or name of what takes its place in the destination.",
            )
        if edited and step.destination_id:
            found[step.key] = step.destination_id
    return found


def agree(path: Path, file: PlanFile, fresh: Plan, chosen: Plan | None = None) -> Plan:
    """The plan of the file, when the clouds are still as it says.

    :param fresh: the plan made now for the same selection.
    :param chosen: the same with what the file maps, when it maps something.
    :raises ConfigError: when the file was edited in a way that makes no sense.
    :raises Refused: when the clouds changed in a way that matters.
    """
    if (file.source, file.destination) != (fresh.source, fresh.destination):
        raise Refused(
            f"{path}: the plan is for {file.source} → {file.destination}, "
            f"config.yaml has {fresh.source} → {fresh.destination}"
        )
    now = {step.key: step for step in fresh.steps}
    planned = {step.key: step for step in file.steps}
    if len(planned) != len(file.steps):
        raise ConfigError(f"{path}: the same step is there twice")
    maps = mapped(path, file, fresh) if chosen else {}
    for step in file.steps:
        _agree_step(path, step, now.get(step.key), mapped=step.key in maps)
    added = [step for step in fresh.steps if step.key not in planned]
    if added:
        raise Refused(
            f"{path}: {added[0].kind} {added[0].name!r} ({added[0].key}) is not in the plan"
            + (f", and {len(added) - 1} more" if len(added) > 1 else ""),
            "It is new at the source, or was removed from the file: set 'action: skip' instead, or plan again.",
        )
    skipped = {key for key, step in planned.items() if step.action is Action.SKIP}
    plan = chosen or fresh
    for key in skipped:
        plan = plan.with_action(key, Action.SKIP, "skipped in the plan file")
    _check_needs(path, plan, skipped)
    return replace(plan, problems=tuple(p for p in plan.problems if p.key not in skipped))


def _agree_step(path: Path, step: _Step, now: Step | None, *, mapped: bool) -> None:
    if now is None:
        raise Refused(
            f"{path}: step {step.key!r} is not what the clouds hold: it is gone, or the key was edited",
            "Plan again.",
        )
    # What an interrupted run made is known only since the plan was made: that is no edit.
    for name in FIXED:
        if getattr(step, name) != getattr(now, name):
            raise ConfigError(
                f"{path}: step {step.key}: {name} is {getattr(step, name)!r}, it must be {getattr(now, name)!r}",
                "Only the action may be changed, to 'skip', or to 'reuse' with a destination_id.",
            )
    if step.fingerprint != now.fingerprint:
        raise Refused(
            f"{now.kind} {now.name!r} ({step.key}) changed at the source since the plan was made",
            "Plan again.",
        )
    if mapped or step.action in (now.action, Action.SKIP) or now.reason == "migrated before":
        return
    if now.action is Action.BLOCK or step.action in (Action.CREATE, Action.MOVE, Action.REUSE):
        raise Refused(
            f"{path}: step {step.key}: the plan says {step.action}, the clouds as they are now say {now.action}"
            + (f": {now.reason}" if now.reason else ""),
            "Plan again; only 'skip', or 'reuse' with a destination_id, may be put in place of an action.",
        )
    raise ConfigError(
        f"{path}: step {step.key}: action {step.action} cannot be chosen", "Only 'skip' and 'reuse' can."
    )


def _check_needs(path: Path, plan: Plan, skipped: set[str]) -> None:
    for step in plan.to_do:
        hindered = [key for key in step.needs if key in skipped]
        if hindered:
            raise ConfigError(
                f"{path}: step {step.key} needs {hindered[0]}, which is skipped",
                "Skip it too, or do not skip what it needs.",
            )
