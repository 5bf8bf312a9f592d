"""A plan file may put something of the destination in the place of a resource."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from worlds import (
    ACME,
    acme,
    changed,
    image,
    network,
    new_cloud,
    project,
    replaced,
    row,
    subnet,
    there,
    world,
)
from worlds import plan as make

from pumphouse.model import Action, Item, Plan, Row, Step
from pumphouse.service import planfile

BY_KEY = {i.key: i for i in acme()}


def destination(*more: Item) -> list[Item]:
    """The project is there, with a network of another name, and the deployer's public things."""
    return replaced(
        new_cloud(),
        project("new-acme", "acme"),
        project("new-lab", "lab"),
        network("office", "new-acme", mtu=9000),
        network("others", "new-lab"),
        network("twin-1", "new-acme", "twin"),
        network("twin-2", "new-acme", "twin"),
        network("open", "new-admin", shared=True),
        image("golden", "new-admin", visibility="public"),
        *more,
    )


def mapped(*rows: Row, there: list[Item] | None = None, **chosen: str) -> Plan:
    keys = {key.replace("__", ":"): value for key, value in chosen.items()}
    return make(replace(world(None, there or destination(), *rows), mapped=keys), ACME)


def step(of: Plan, key: str) -> Step:
    return next(s for s in of.steps if s.key == key)


@pytest.mark.parametrize("wanted", ["office", "open"])
def test_what_was_there_takes_its_place(wanted: str) -> None:
    found = mapped(network__lan=wanted)
    lan = step(found, "network:lan")
    assert (lan.action, lan.destination_id, lan.reason) == (Action.REUSE, wanted, "mapped in the plan file")
    assert step(found, "subnet:lan-subnet").action is Action.CREATE
    assert not found.blocked


def test_what_is_in_it_is_found_there() -> None:
    inside = subnet("inside", "office", "new-acme", name="lan-subnet")
    found = mapped(there=destination(inside), network__lan="office")
    assert (step(found, "subnet:lan-subnet").action, step(found, "subnet:lan-subnet").destination_id) == (
        Action.REUSE,
        "inside",
    )


@pytest.mark.parametrize(
    ("key", "wanted", "said"),
    [
        ("network:lan", "absent", "the destination has no network 'absent'"),
        ("network:lan", "twin", "the destination has 2 network 'twin'"),
        ("network:lan", "others", "'others' of the destination belongs to another project"),
        ("network:lan", "new-public", "that is the counterpart of network:public as well"),
        ("server:web-1", "any", "a server is moved"),
        ("volume:spare", "any", "a volume is moved"),
        ("subnet:lan-subnet", "new-public-subnet", "is not in the counterpart of its network"),
    ],
)
def test_what_makes_no_sense_is_blocked_with_the_reason(key: str, wanted: str, said: str) -> None:
    found = step(mapped(**{key.replace(":", "__"): wanted}), key)
    assert found.action is Action.BLOCK
    assert said in found.reason


def test_a_subnet_of_other_addresses_does_not_fit() -> None:
    of = destination(subnet("narrow", "open", "new-admin", "10.0.9.0/24"), subnet("fit", "open", "new-admin"))
    wrong = step(
        mapped(there=of, network__lan="open", **{"subnet__lan-subnet": "narrow"}), "subnet:lan-subnet"
    )
    assert "is 10.0.9.0/24: addresses of 10.0.0.0/24 do not fit" in wrong.reason
    right = step(mapped(there=of, network__lan="open", **{"subnet__lan-subnet": "fit"}), "subnet:lan-subnet")
    assert (right.action, right.destination_id) == (Action.REUSE, "fit")


def test_what_belongs_to_somebody_else_already_is_not_taken_twice() -> None:
    known = row("network:else", "reused", "office", "reused")
    assert (
        "counterpart of network:else already"
        in step(mapped(known, network__lan="office"), "network:lan").reason
    )


def test_what_differs_is_told() -> None:
    (problem,) = (p for p in mapped(network__lan="office").problems if p.rule == "mapped-differs")
    assert problem.key == "network:lan"
    assert "mapped to 'office' (office), which differs in name, mtu" in problem.what
    assert [p for p in mapped().problems if p.rule == "mapped-differs"] == []


def test_a_later_run_remembers_it_as_long_as_it_is_there() -> None:
    known = row("network:lan", "reused", "office", "reused", mapped=True)
    assert step(mapped(known), "network:lan").destination_id == "office"
    gone = row("network:lan", "reused", "absent", "reused", mapped=True)
    assert step(mapped(gone), "network:lan").action is Action.CREATE
    other = row("network:lan", "reused", "office", "reused")
    assert step(mapped(other), "network:lan").action is Action.CREATE


def test_what_was_carried_over_is_not_mapped_any_more() -> None:
    made = there(BY_KEY["network:lan"])
    found = mapped(
        row("project:acme", "reused", "new-acme", "reused"),
        row("network:lan", "done", made.id),
        there=destination(made),
        network__lan="office",
    )
    assert step(found, "network:lan").destination_id == made.id


# --- in the file ------------------------------------------------------------------------------------
def edited(path: Path, fresh: Plan, **values: Any) -> dict[str, str]:
    planfile.save(fresh, path)
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    next(s for s in data["steps"] if s["key"] == "network:lan").update(values)
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return planfile.mapped(path, planfile.read(path), fresh)


def test_the_file_maps_by_reuse_and_a_destination_id(tmp_path: Path) -> None:
    path, fresh = tmp_path / "plan.yaml", mapped()
    maps = edited(path, fresh, action="reuse", destination_id="office")
    assert maps == {"network:lan": "office"}
    chosen = planfile.agree(path, planfile.read(path), fresh, mapped(network__lan="office"))
    assert step(chosen, "network:lan").destination_id == "office"


def test_an_ambiguity_is_resolved_in_the_file(tmp_path: Path) -> None:
    twins = [changed(there(BY_KEY["network:lan"]), mtu=mtu) for mtu in (1, 2)]
    of = destination(*(replace(twin, id=f"lan-{n}", project_id="new-acme") for n, twin in enumerate(twins)))
    fresh = mapped(there=of)
    assert step(fresh, "network:lan").action is Action.BLOCK
    maps = edited(tmp_path / "plan.yaml", fresh, action="reuse", destination_id="lan-1")
    assert maps == {"network:lan": "lan-1"}
    chosen = mapped(there=of, network__lan="lan-1")
    assert not chosen.blocked


def test_what_was_reused_by_itself_and_is_gone_is_no_edit(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    maps = edited(path, mapped(), action="reuse", destination_id="x", reason="is there already, equal")
    assert maps == {}
