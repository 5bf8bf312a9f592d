"""What changed since it was carried over: who changed it decides what the plan does."""

from dataclasses import replace
from typing import Any

import pytest
from worlds import acme, changed, new_cloud, plan, problems, replaced, row, there, without, world

from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item
from pumphouse.plan import World
from pumphouse.plan.changes import brought_up, changes, remembered

BY_KEY = {i.key: i for i in acme()}
LAN = BY_KEY["network:lan"]
MADE = ("project:acme", "network:lan", "compute_quota:acme", "flavor:small", "keypair:ann/key", "user:ann")


def carried(key: str) -> dict[str, Any]:
    """What the ledger remembers of an item that arrived as it was."""
    return remembered(KINDS[key.partition(":")[0]], there(BY_KEY[key]).fields)


def later(source: list[Item], *there_now: Item, without_: str = "", **data: Any) -> World:
    """Some of acme was carried over, then clouds changed."""
    rows = [row(key, "done", there(BY_KEY[key]).id, carried=carried(key), **data) for key in MADE]
    arrived = replaced([*new_cloud(), *(there(BY_KEY[key]) for key in MADE)], *there_now)
    return world(without(replaced(acme(), *source), without_), arrived, *rows)


def step(of: World, key: str) -> Any:
    return next(s for s in plan(of).steps if s.key == key)


def test_what_did_not_change_is_left() -> None:
    found = later([])
    assert {step(found, key).action for key in MADE} == {Action.REUSE}
    assert not {rule for rule in problems(found) if rule.startswith(("changed", "gone"))}


def test_what_changed_at_the_source_is_updated() -> None:
    found = step(later([changed(LAN, description="after", mtu=1300)]), "network:lan")
    assert (found.action, found.changed) == (Action.UPDATE, ("description", "mtu"))
    assert found.reason == "description, mtu changed at the source"


def test_what_changed_in_the_destination_is_its_users_affair() -> None:
    of = later([], changed(there(LAN), description="theirs"))
    assert step(of, "network:lan").action is Action.REUSE
    assert "changed-on-both-sides" not in problems(of)


def test_what_changed_on_both_sides_is_left_and_told() -> None:
    of = later([changed(LAN, description="after", mtu=1300)], changed(there(LAN), description="theirs"))
    assert step(of, "network:lan").changed == ("mtu",)
    (problem,) = problems(of)["changed-on-both-sides"]
    assert "description changed at the source and in the destination" in problem.what


def test_the_same_change_on_both_sides_is_none() -> None:
    of = later([changed(LAN, description="after")], changed(there(LAN), description="after"))
    assert step(of, "network:lan").action is Action.REUSE
    assert "changed-on-both-sides" not in problems(of)


def test_an_interrupted_update_goes_on_whatever_it_left() -> None:
    half = changed(there(LAN), description="half")
    of = later([changed(LAN, description="after")], half, updating=["description"])
    assert step(of, "network:lan").changed == ("description",)
    of = later(
        [changed(LAN, description="after")], changed(half, description="after"), updating=["description"]
    )
    assert (step(of, "network:lan").action, step(of, "network:lan").changed) == (Action.UPDATE, ())


def test_what_no_api_changes_is_told() -> None:
    of = later([changed(BY_KEY["keypair:ann/key"], public_key="ssh-rsa other")])
    assert step(of, "keypair:ann/key").action is Action.REUSE
    (problem,) = problems(of)["changed-for-good"]
    assert "public_key changed at the source" in problem.what


def test_single_limits_are_updated() -> None:
    quota = BY_KEY["compute_quota:acme"]
    of = later([changed(quota, limits={"instances": 11, "cores": 20, "ram": 51200})])
    assert step(of, "compute_quota:acme").changed == ("instances",)


def test_what_is_gone_at_the_source_is_told() -> None:
    of = later([], without_="network:lan")
    of = world(
        without(
            of.source,
            "subnet:lan-subnet",
            "port:port",
            "router_interfaces:gate",
            "server:web-1",
            "floating_ip:float",
            "volume:data",
        ),
        of.destination,
        *of.rows.values(),
    )
    (problem,) = problems(of)["gone-at-source"]
    assert "network 'lan' (lan) was deleted at the source" in problem.what


GRANT = "role_assignment:member/ann/acme"


def revoking(*also_gone: str) -> World:
    """An assignment that was carried over is gone at the source, and perhaps what it speaks of."""
    of, grant = later([]), there(BY_KEY[GRANT])
    rows = [
        *of.rows.values(),
        row(GRANT, "done", grant.id),
        row("role:member", "reused", "new-member", "reused"),
    ]
    return world(without(of.source, GRANT, *also_gone), [*of.destination, grant], *rows)


def test_a_grant_that_was_taken_back_is_taken_back_there() -> None:
    (found,) = (s for s in plan(revoking()).to_do if s.action is Action.REMOVE)
    assert (found.key, found.destination_id) == (GRANT, "new-member/ann/acme")
    assert "gone-at-source" not in problems(revoking())


@pytest.mark.parametrize("gone", ["user:ann", "role:member"])
def test_a_grant_that_went_with_what_it_speaks_of_stays(gone: str) -> None:
    parts = ("keypair:ann/key", "server:web-1", "volume:data", "volume:spare", "server_group:apart")
    assert not [s for s in plan(revoking(gone, *parts)).steps if s.action is Action.REMOVE]


def test_a_grant_that_was_deleted_by_commit_stays() -> None:
    of = revoking()
    rows = {**of.rows, GRANT: replace(of.rows[GRANT], data={"committing": True})}
    assert not [s for s in plan(replace(of, rows=rows)).steps if s.action is Action.REMOVE]


def test_what_moved_is_told_and_not_updated() -> None:
    server = BY_KEY["server:web-1"]
    keys = [i.key for i in acme()]
    rows = [row(k, "done", there(BY_KEY[k]).id, carried=carried(k)) for k in keys]
    arrived = replaced(new_cloud(), *(there(BY_KEY[k]) for k in keys))
    port = changed(BY_KEY["port:port"], description="after")
    of = world(replaced(acme(), changed(server, description="after"), port), arrived, *rows)
    assert step(of, "server:web-1").action is Action.REUSE
    assert step(of, "port:port").action is Action.REUSE
    assert {p.key for p in problems(of)["changed-after-move"]} == {"server:web-1", "port:port"}


def test_what_policy_decides_is_no_change_at_the_source() -> None:
    zones = {"nova": "north"}
    server = changed(BY_KEY["server:web-1"], availability_zone="nova")
    moved = changed(there(server), availability_zone="north")
    rows = [row(k, "done", there(i).id, carried=carried(k)) for k, i in BY_KEY.items()]
    rows = [r for r in rows if r.key != server.key]
    rows.append(row(server.key, "done", moved.id, carried=remembered(KINDS["server"], moved.fields)))
    arrived = replaced(new_cloud(), *(there(i) for i in acme()), moved)
    of = world(replaced(acme(), server), arrived, *rows, availability_zones=zones)
    assert "changed-after-move" not in problems(of)


def test_what_was_there_before_is_never_updated() -> None:
    reused = row("network:lan", "reused", "new-lan", "reused", carried=carried("network:lan"))
    want = {**carried("network:lan"), "description": "after"}
    assert changes(KINDS["network"], reused, want, carried("network:lan")).here == ()


def test_secrets_are_not_remembered() -> None:
    assert "user_data" not in remembered(KINDS["server"], {"user_data": "secret", "name": "web"})


@pytest.mark.parametrize(
    ("known", "want", "names", "now"),
    [
        ({"a": 1, "b": 2}, {"a": 3, "b": 4}, ["a"], {"a": 3, "b": 2}),
        ({"limits": {"x": 1, "y": 2}}, {"limits": {"x": 3, "y": 4}}, ["y"], {"limits": {"x": 1, "y": 4}}),
    ],
)
def test_only_what_was_carried_is_remembered(
    known: dict[str, Any], want: dict[str, Any], names: list[str], now: dict[str, Any]
) -> None:
    assert brought_up(known, want, names) == now
