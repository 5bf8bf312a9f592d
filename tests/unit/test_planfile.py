"""A plan as a file that a person edits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from worlds import ACME, acme, bare_step, changed, new_cloud, replaced, row, there, world
from worlds import plan as full_plan

from pumphouse.errors import ConfigError, PumphouseError, Refused
from pumphouse.model import Acceptance, Action, Plan, Problem, Selection, Severity, Step
from pumphouse.plan import World
from pumphouse.service import planfile

BY_KEY = {i.key: i for i in acme()}
#: A few steps are enough, and quickly written.
STEPS = ("project:acme", "flavor:small", "network:public", "image:cirros", "image_member:cirros/admin")
STEPS += ("volume:spare", "volume:data")


def plan(of: World | None = None, selection: Selection = ACME) -> Plan:
    full = full_plan(of, selection)
    return replace(full, steps=tuple(s for s in full.steps if s.key in STEPS))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.yaml"


def load(path: Path, fresh: Plan | None = None) -> Plan:
    file, fresh = planfile.read(path), fresh or plan()
    planfile.mapped(path, file, fresh)
    return planfile.agree(path, file, fresh)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    planfile.save(plan(), path)
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def found(data: dict[str, Any], key: str) -> dict[str, Any]:
    return next(s for s in data["steps"] if s["key"] == key)


def test_a_plan_comes_back_as_it_was(path: Path) -> None:
    planfile.save(plan(), path)
    assert load(path) == plan()
    assert planfile.selection(planfile.read(path)) == plan().selection


def test_the_file_says_what_may_be_edited(path: Path) -> None:
    planfile.save(plan(), path)
    first = path.read_text(encoding="utf-8").splitlines()[:3]
    assert all(line.startswith("#") for line in first)
    assert "'skip'" in first[1]


def test_a_selection_comes_back_with_filters_and_excludes(path: Path) -> None:
    selection = Selection("project", ("acme",), ("name=web-*",), ("volume:spare",))
    planfile.save(plan(None, selection), path)
    assert planfile.selection(planfile.read(path)) == selection


def test_what_was_accepted_comes_back_with_who_did(path: Path) -> None:
    loss = Problem("disks", Severity.BLOCK, "server:web-1", "it is lost", "Copy it.", "ann", True)
    planfile.save(replace(plan(), problems=(loss,)), path)
    assert planfile.accepted(planfile.read(path), "bob") == (Acceptance("disks", "server:web-1", "ann"),)


def test_who_carries_a_plan_out_accepts_what_nobody_else_has(path: Path) -> None:
    edit(path, lambda data: data.update(accepted=[{"rule": "disks"}]))
    assert planfile.accepted(planfile.read(path), "bob") == (Acceptance("disks", "*", "bob"),)


@settings(max_examples=20, deadline=None)
@example(name="next\x85line\u2028", action=Action.SKIP)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=12), action=st.sampled_from(Action))
def test_any_name_comes_back(tmp_path_factory: pytest.TempPathFactory, name: str, action: Action) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    step = bare_step("image:i", action, name=name, reason=name, fingerprint="f", needs=("a:b",))
    planfile.save(Plan(Selection("image", (name,)), "old", "new", (step,)), path)
    file = planfile.read(path)
    assert Step(**file.steps[0].model_dump()) == step
    assert file.selection.names == (name,)


# --- skipping -------------------------------------------------------------------------------------
def skip(*keys: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: [found(data, key).update(action="skip") for key in keys] and None


def test_a_step_may_be_skipped(path: Path) -> None:
    edit(path, skip("image_member:cirros/admin"))
    loaded = load(path)
    step = next(s for s in loaded.steps if s.key == "image_member:cirros/admin")
    assert (step.action, step.reason) == (Action.SKIP, "skipped in the plan file")
    assert [s for s in loaded.steps if s != step] == [s for s in plan().steps if s.key != step.key]


def test_what_is_needed_may_not_be_skipped_alone(path: Path) -> None:
    edit(path, skip("image:cirros"))
    with pytest.raises(
        ConfigError, match="step image_member:cirros/admin needs image:cirros, which is skipped"
    ):
        load(path)
    edit(path, skip("image:cirros", "image_member:cirros/admin"))
    load(path)


def test_a_skipped_step_takes_its_problems_with_it(path: Path) -> None:
    broken = replaced(acme(), changed(BY_KEY["volume:spare"], observed={"encrypted": True}))
    fresh = plan(world(broken))
    assert [p.key for p in fresh.blocked] == ["volume:spare"]
    planfile.save(fresh, path)
    text = path.read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    skip("volume:spare")(data)
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert load(path, fresh).blocked == ()


# --- wrong edits ----------------------------------------------------------------------------------
def at(step: str, /, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: found(data, step).update(values)


WRONG: dict[str, tuple[type[PumphouseError], str, Callable[[dict[str, Any]], object]]] = {
    "another format": (ConfigError, "pumphouse_plan", lambda d: d.update(pumphouse_plan=2)),
    "no format": (ConfigError, "pumphouse_plan: is required", lambda d: d.pop("pumphouse_plan")),
    "unknown key": (ConfigError, "colour: unknown key", lambda d: d.update(colour="red")),
    "unknown key of a step": (
        ConfigError,
        r"steps\.0\.colour: unknown key",
        lambda d: d["steps"][0].update(colour=1),
    ),
    "unknown action": (ConfigError, r"steps\.\d+\.action", at("flavor:small", action="ignore")),
    "number as a name": (ConfigError, r"steps\.\d+\.name", at("flavor:small", name=7)),
    "no steps": (ConfigError, "steps", lambda d: d.update(steps=None)),
    "no fingerprint": (ConfigError, "fingerprint: is required", lambda d: d["steps"][0].pop("fingerprint")),
    "twice the same": (ConfigError, "same step is there twice", lambda d: d["steps"].append(d["steps"][0])),
    "other name": (ConfigError, "flavor:small: name is 'big'", at("flavor:small", name="big")),
    "other kind": (ConfigError, "flavor:small: kind is 'role'", at("flavor:small", kind="role")),
    "other project": (ConfigError, "image:cirros: project is 'lab'", at("image:cirros", project="lab")),
    "other needs": (ConfigError, "image:cirros: needs", at("image:cirros", needs=[])),
    "counterpart of no name": (
        ConfigError,
        "network:public: action reuse needs a destination_id",
        at("network:public", destination_id=None),
    ),
    "step that is not there": (
        Refused,
        "'flavor:big' is not what the clouds hold",
        at("flavor:small", key="flavor:big"),
    ),
    "step removed": (
        Refused,
        "flavor 'small' .* is not in the plan",
        lambda d: d["steps"].remove(found(d, "flavor:small")),
    ),
    "steps removed": (Refused, "and 1 more", lambda d: d.update(steps=d["steps"][:-2])),
    "other fingerprint": (Refused, "changed at the source", at("flavor:small", fingerprint="0")),
    "reuse instead of create": (
        ConfigError,
        "flavor:small: action reuse needs a destination_id",
        at("flavor:small", action="reuse"),
    ),
    "create instead of reuse": (Refused, "says create, .* say reuse", at("network:public", action="create")),
    "block instead of create": (
        ConfigError,
        "action block cannot be chosen",
        at("flavor:small", action="block"),
    ),
    "other clouds": (Refused, "the plan is for elsewhere → new", lambda d: d.update(source="elsewhere")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_edit_is_refused_in_words(path: Path, case: str) -> None:
    error, words, change = WRONG[case]
    edit(path, change)
    with pytest.raises(error, match=words) as raised:
        load(path)
    assert raised.value.exit_code == (2 if error is ConfigError else 3)


@pytest.mark.parametrize("text", ["", "hello", "[1, 2]", "a: [", "\t- x", "pumphouse_plan: 1"])
def test_what_is_no_plan_is_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"plan\.yaml"):
        planfile.read(path)


def test_what_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError):
        planfile.read(path)


def test_a_file_that_is_not_there_or_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        planfile.read(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be written"):
        planfile.save(plan(), tmp_path / "none" / "plan.yaml")


# --- clouds that changed --------------------------------------------------------------------------
def test_a_change_at_the_source_is_refused(path: Path) -> None:
    planfile.save(plan(), path)
    fresh = plan(world(replaced(acme(), changed(BY_KEY["flavor:small"], ram=1))))
    with pytest.raises(Refused, match=r"flavor 'small' .* changed at the source"):
        load(path, fresh)


def test_a_change_in_the_destination_that_matters_is_refused(path: Path) -> None:
    planfile.save(plan(), path)
    fresh = plan(world(None, replaced(new_cloud(), there(BY_KEY["flavor:small"], ram=1))))
    with pytest.raises(Refused, match=r"says create, .* say block: the destination has one"):
        load(path, fresh)


def test_what_was_done_since_is_no_change(path: Path) -> None:
    planfile.save(plan(), path)
    made = replaced(new_cloud(), there(BY_KEY["flavor:small"]))
    fresh = plan(world(None, made, row("flavor:small", "done", "new-small")))
    assert load(path, fresh) == fresh


def test_what_a_run_left_unfinished_is_no_change(path: Path) -> None:
    planfile.save(plan(), path)
    half = replaced(new_cloud(), there(BY_KEY["image:cirros"]))
    fresh = plan(world(None, half, row("image:cirros", "created", "new-cirros")))
    assert load(path, fresh) == fresh


def test_the_numbers_and_reasons_are_for_reading_only(path: Path) -> None:
    edit(path, at("volume:data", bytes=1, reason="because", downtime=5.0))
    assert load(path) == plan()
    assert replace(plan()) == plan()
