"""Overrides: which policy is in force where."""

import pytest
from worlds import (
    acme,
    changed,
    floating_ip,
    plan,
    port,
    problems,
    replaced,
    server,
    volume,
    volume_snapshot,
    world,
)

from pumphouse.inventory import Inventory
from pumphouse.plan.inforce import policy_of
from pumphouse.policy import Policy

OVERRIDES = (
    {"project": "acme", "verify_disks": "checksum"},
    {"project": "acme", "server": "web-*", "lock_source": False},
    {"server": "web-2", "lock_source": True, "verify_disks": "read-back"},
    {"server": "an-id", "lock_source": False},
)


def policy(*overrides: dict[str, object]) -> Policy:
    return Policy.model_validate({"overrides": overrides or OVERRIDES})


@pytest.mark.parametrize(
    ("project", "name", "verify", "lock"),
    [
        ("acme", "", "checksum", True),
        ("acme", "db", "checksum", True),
        ("acme", "web-1", "checksum", False),
        ("acme", "web-2", "read-back", True),
        ("other", "web-1", "read-back", True),
        ("other", "", "read-back", True),
    ],
)
def test_later_overrides_win_and_the_rest_stays(project: str, name: str, verify: str, lock: bool) -> None:
    found = policy().at(project, name)
    assert (found.verify_disks, found.lock_source) == (verify, lock)
    assert found.concurrency == policy().concurrency


def test_what_belongs_to_a_server_has_its_policy() -> None:
    source = Inventory("source", acme())
    for key in ("server:web-1", "port:port", "floating_ip:float", "volume:data"):
        item = source.by_key(key)
        assert item and not policy_of(item, source, policy()).lock_source, key
    for key in ("volume:spare", "network:lan", "project:acme"):
        item = source.by_key(key)
        assert item and policy_of(item, source, policy()).verify_disks == "checksum", key
        assert policy_of(item, source, policy()).lock_source, key
    flavor = source.by_key("flavor:small")
    assert flavor and policy_of(flavor, source, policy()).verify_disks == "read-back"


@pytest.mark.parametrize(("server_", "dropped"), [("web-1", True), ("db", False)])
def test_snapshots_follow_the_server_of_their_volume(server_: str, dropped: bool) -> None:
    parts = replaced(acme(), volume_snapshot("before", "data", "acme"))
    of = world(parts, overrides=({"server": server_, "snapshots": "drop"},))
    (step,) = (s for s in plan(of).steps if s.kind == "volume_snapshot")
    assert (step.reason == "dropped by policy.snapshots") == dropped


def test_projects_and_servers_may_be_named_by_their_ids() -> None:
    twin = changed(server("an-id", "acme", "ann"), name="web-2")
    source = Inventory("source", replaced(acme(), twin))
    assert not policy_of(twin, source, policy()).lock_source


def test_the_port_of_a_router_and_an_address_without_a_port_belong_to_no_server() -> None:
    parts = (port("r", "lan", "acme", server_="gate"), floating_ip("f", "192.0.2.8", "public", "acme"))
    source = Inventory("source", replaced(acme(), *parts))
    assert all(policy_of(part, source, policy()).lock_source for part in parts)


def test_a_volume_of_nobody_known_has_the_policy_of_the_run() -> None:
    orphan = volume("orphan", None, "ann")
    assert policy_of(orphan, Inventory("source", [orphan]), policy()).verify_disks == "read-back"


@pytest.mark.parametrize(
    ("override", "unused"),
    [
        ({"project": "acme"}, False),
        ({"project": "ac*", "server": "web-1"}, False),
        ({"server": "web-*"}, False),
        ({"project": "admin"}, False),
        ({"project": "acmee"}, True),
        ({"project": "admin", "server": "web-*"}, True),
        ({"server": "wbe-*"}, True),
    ],
)
def test_an_override_that_names_nothing_is_told(override: dict[str, object], unused: bool) -> None:
    found = problems(world(overrides=({**override, "lock_source": False},)))
    assert ("override-unused" in found) == unused
