"""A plan is saved, edited and carried out; one that makes no sense is refused before anything is touched."""

import pytest
import yaml
from clouds import changes

USAGE, REFUSED = 2, 3
BACK = ("network", "shop-back")


@pytest.fixture(scope="module")
def planned(lab, untouched, tmp_path_factory):
    file = tmp_path_factory.mktemp("plan") / "plan.yaml"
    lab.run("plan", *BACK, "-o", str(file))
    return file


def step(plan, kind, name):
    (found,) = (each for each in plan["steps"] if (each["kind"], each["name"]) == (kind, name))
    return found


def network(plan):
    return step(plan, "network", "shop-back")


EDITS = {
    "unknown key": (lambda p: p.update(haste=True), USAGE, "haste"),
    "unknown action": (lambda p: network(p).update(action="teleport"), USAGE, "action"),
    "other name": (lambda p: network(p).update(name="front"), USAGE, "name"),
    "other action": (lambda p: network(p).update(action="move"), REFUSED, "move"),
    "reuse of nothing": (lambda p: network(p).update(action="reuse"), USAGE, "destination_id"),
    "reuse of what is not there": (
        lambda p: network(p).update(action="reuse", destination_id="absent"),
        REFUSED,
        "blocked",
    ),
    "older source": (lambda p: network(p).update(fingerprint="0" * 16), REFUSED, "shop-back"),
    "step removed": (lambda p: p["steps"].remove(network(p)), REFUSED, "shop-back"),
    "needed and skipped": (lambda p: network(p).update(action="skip"), USAGE, "skipped"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_plan_edited_wrongly_is_refused(lab, planned, tmp_path, name):
    edit, code, word = EDITS[name]
    plan = yaml.safe_load(planned.read_text())
    edit(plan)
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(plan))
    done = lab.run("migrate", "--plan", str(file), "--yes", check=False)
    assert done.returncode == code, done.stderr
    (error,) = (line for line in done.stderr.splitlines() if line.startswith("pumphouse: error:"))
    assert word in error


def test_a_plan_that_is_not_yaml_is_refused(lab, planned, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(planned.read_text() + "\n- [")
    done = lab.run("migrate", "--plan", str(file), "--yes", check=False)
    assert done.returncode == USAGE
    assert "line" in done.stderr


def test_planning_and_a_dry_run_touch_nothing(lab, untouched, planned):
    dry = lab.look("migrate", "--plan", str(planned), "--dry-run")
    assert "shop-back" in dry.done.stdout
    for side in ("source", "destination"):
        assert changes(untouched.inventories[side], dry.inventories[side]) == []


def test_a_plan_is_carried_out_and_undone(lab, untouched, planned):
    """Only what the network needs comes along: no other network, no router, no server."""
    moved = lab.look("migrate", "--plan", str(planned), "--yes")
    there = moved.portraits["destination", "acme-shop"]
    assert there["network"] == {
        "shop-back": untouched.portraits["source", "acme-shop"]["network"]["shop-back"]
    }
    assert list(there["subnet"]) == ["shop-back-v4"]
    assert (there["router"], there["server"], there["volume"]) == ({}, {}, {})
    undone = lab.look("rollback", *BACK, "--yes")
    for side in ("source", "destination"):
        assert changes(untouched.inventories[side], undone.inventories[side]) == []
