"""Who goes where when a host is emptied: nothing is placed where it does not fit."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumphouse.model import ComputeHost, How, Occupancy, PlacedServer, Resources
from pumphouse.plan.evacuation import plan_evacuation
from pumphouse.plan.layout import matches

POLICIES = {"a": "anti-affinity", "b": "affinity", "c": "soft-anti-affinity", "d": "soft-affinity", "": ""}


def host(name: str, vcpus: float = 8, used: float = 0, **fields: Any) -> ComputeHost:
    state = {"up": True, "enabled": True, "zone": "nova"} | fields
    capacity, taken = Resources(vcpus, vcpus * 1024, 1000), Resources(used, used * 1024, 0)
    return ComputeHost(name, name, capacity=capacity, used=taken, **state)


def server(
    name: str, on: str = "h1", vcpus: float = 1, status: str = "ACTIVE", **fields: Any
) -> PlacedServer:
    return PlacedServer(name, name, "p", on, status, Resources(vcpus, vcpus * 1024, 1), **fields)


def cloud(*parts: ComputeHost | PlacedServer) -> Occupancy:
    hosts = tuple(part for part in parts if isinstance(part, ComputeHost))
    return Occupancy("source", hosts, tuple(part for part in parts if isinstance(part, PlacedServer)))


def targets(occupancy: Occupancy, **options: Any) -> Mapping[str, str]:
    return {move.server.name: move.target for move in plan_evacuation(occupancy, "h1", **options).moves}


def reasons(occupancy: Occupancy, **options: Any) -> Mapping[str, str]:
    return {each.server.name: each.reason for each in plan_evacuation(occupancy, "h1", **options).unmoved}


def test_servers_go_where_most_is_free() -> None:
    found = cloud(host("h1", used=3), host("h2", used=5), host("h3"), server("a"), server("b", vcpus=2))
    assert targets(found) == {"a": "h3", "b": "h3"}


def test_what_fits_only_when_one_host_is_filled_after_the_other_is_placed_too() -> None:
    # evenly spread, the two small ones would leave no host with room for... nothing here is left over
    found = cloud(host("h1"), host("h2", 4), host("h3", 5), *(server(f"s{n}", vcpus=n) for n in (4, 3, 2)))
    plan = plan_evacuation(found, "h1")
    assert not plan.unmoved and plan.arriving["h2"].vcpus == 4 and plan.arriving["h3"].vcpus == 5


@pytest.mark.parametrize(
    "other, reason",
    [
        (host("h2", up=False), "down"),
        (host("h2", enabled=False), "disabled"),
        (host("h2", zone="west"), "in availability zone west, not nova"),
        (host("h2", used=8), "no room: needs 1 vCPUs, 0 free; 1024 MiB of memory, 0 free"),
        (host("h2", used=9), "no room: needs 1 vCPUs, 0 free; 1024 MiB of memory, 0 free"),
        (host("h2"), "in no aggregate with ssd=true"),
        (host("h2", aggregates={"ssd": frozenset({"false"})}), "in no aggregate with ssd=true"),
        (
            host("h2", aggregates={"filter_tenant_id": frozenset({"q,r"})}),
            "kept for other projects by its aggregate",
        ),
    ],
)
def test_why_a_host_does_not_take_a_server_is_told(other: ComputeHost, reason: str) -> None:
    wanted = {"ssd": "true"} if "ssd" in reason else {}
    found = cloud(host("h1"), other, server("a", zone="nova", aggregates=wanted))
    assert reasons(found) == {"a": f"fits nowhere: h2: {reason}"}


def test_a_host_in_the_right_aggregates_takes_it() -> None:
    right = {"ssd": frozenset({"true"}), "filter_tenant_id": frozenset({"o, p"})}
    assert targets(cloud(host("h1"), host("h2", aggregates=right), server("a", aggregates={"ssd": "true"})))


@pytest.mark.parametrize(
    "has, wanted, fits",
    [
        ("a", "a", True),
        ("a", "b", False),
        ("b", "<or> a <or> b", True),
        ("c", "<or> a <or> b", False),
        ("x b y", "<or> a <or> x b y", True),
        ("12", "s== 12", True),
        ("12", "s!= 12", False),
        ("fast ssd", "<in> ssd", True),
        ("9", ">= 10", False),
        ("10", "= 10", True),
        ("many", ">= 10", False),
        (">=", ">=", True),
    ],
)
def test_words_of_nova_compare_metadata(has: str, wanted: str, fits: bool) -> None:
    assert matches(has, wanted) is fits


def test_hosts_that_are_kept_free_get_nothing() -> None:
    found = cloud(host("h1"), host("h2"), host("h3", 1), server("a"))
    assert targets(found, keep_off={"h2"}) == {"a": "h3"}


def test_a_cloud_of_one_host_has_no_other() -> None:
    assert reasons(cloud(host("h1"), server("a"))) == {"a": "fits nowhere: there is no other host"}


def group(name: str, on: str, **fields: Any) -> PlacedServer:
    return server(name, on, group=fields.pop("of", "g"), **{"group_policy": "anti-affinity"} | fields)


def test_an_anti_affinity_group_stays_apart() -> None:
    found = cloud(host("h1"), host("h2"), host("h3"), group("a", "h1"), group("b", "h2"))
    assert targets(found) == {"a": "h3"}
    crowded = cloud(host("h1"), host("h2"), group("a", "h1"), group("b", "h2"))
    assert reasons(crowded) == {"a": "fits nowhere: h2: another of its anti-affinity group is there"}
    two = cloud(host("h1"), host("h2"), group("a", "h1", group_limit=2), group("b", "h2", group_limit=2))
    assert targets(two) == {"a": "h2"}


def test_an_affinity_group_follows_its_members_and_nothing_else() -> None:
    together = {"group_policy": "affinity"}
    alone = cloud(host("h1"), host("h2"), group("a", "h1", **together), group("b", "h1", **together))
    assert set(reasons(alone)) == {"a", "b"}
    apart = cloud(host("h1"), host("h2", used=5), host("h3"), group("a", "h1", **together), group("b", "h2"))
    assert targets(apart) == {"a": "h2"}


def test_soft_groups_are_a_wish() -> None:
    apart = {"group_policy": "soft-anti-affinity"}
    found = cloud(host("h1"), host("h2", used=5), host("h3"), group("a", "h1", **apart), group("b", "h3"))
    assert targets(found) == {"a": "h2"}
    assert targets(cloud(*(part for part in (*found.hosts, *found.servers) if part.name != "h2"))) == {
        "a": "h3"
    }


def test_each_state_is_moved_as_nova_can_or_told() -> None:
    states = ("ACTIVE", "PAUSED", "SHUTOFF", "SHELVED")
    rest = ("SUSPENDED", "RESCUE", "ERROR", "VERIFY_RESIZE", "REBOOT", "UNKNOWN", "BUILD")
    found = cloud(host("h1"), host("h2", 99), *(server(s, status=s) for s in (*states, *rest)))
    plan = plan_evacuation(found, "h1")
    assert {move.server.name: move.how for move in plan.moves} == {
        "ACTIVE": How.LIVE,
        "PAUSED": How.LIVE,
        "SHUTOFF": How.COLD,
        "SHELVED": How.OFFLOAD,
    }
    assert {each.server.name for each in plan.unmoved} == set(rest)
    assert all(each.reason and each.remedy for each in plan.unmoved)


def test_busy_servers_are_told_and_those_on_their_way_waited_for() -> None:
    found = cloud(
        host("h1"),
        host("h2"),
        server("a", task="rebooting"),
        server("b", status="MIGRATING", task="migrating"),
        server("c", status="RESIZE", task="resize_migrating"),
        server("d", status="RESIZE", task="resize_migrating"),
    )
    plan = plan_evacuation(found, "h1", ours={"c"})
    assert [each.server.name for each in plan.unmoved] == ["a", "d"]
    assert [each.name for each in plan.travelling] == ["b", "c"]


def test_what_goes_to_the_destination_makes_room_and_leaves_its_group() -> None:
    found = cloud(host("h1"), host("h2", 1), server("a"), server("b"))
    plan = plan_evacuation(found, "h1", leaving={"a"})
    assert [move.server.name for move in plan.moves] == ["b"] and [s.name for s in plan.leaving] == ["a"]


def test_off_a_dead_host_go_servers_whose_disks_are_elsewhere() -> None:
    found = cloud(
        host("h1", up=False),
        host("h2"),
        server("volume", local=False),
        server("image"),
        server("failed", status="ERROR", local=False),
        server("paused", status="PAUSED", local=False),
        server("torn", status="MIGRATING", task="migrating", local=False),
    )
    plan = plan_evacuation(found, "h1")
    assert plan.dead and {m.server.name: m.how for m in plan.moves} == {
        "volume": How.EVACUATE,
        "failed": How.EVACUATE,
    }
    assert {each.server.name for each in plan.unmoved} == {"image", "paused", "torn"}
    moved = plan_evacuation(found, "h1", rebuild=True).moves
    assert {m.server.name: m.how for m in moved if m.how is How.REBUILD} == {"image": How.REBUILD}


def test_a_host_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="h9"):
        plan_evacuation(cloud(host("h1")), "h9")


@st.composite
def clouds(draw: st.DrawFn) -> Occupancy:
    hosts = [
        host(f"h{n}", draw(st.integers(0, 9)), up=draw(st.booleans()) or n == 1, enabled=draw(st.booleans()),
             zone=draw(st.sampled_from(["east", "west"])))
        for n in range(1, draw(st.integers(2, 5)))
    ]  # fmt: skip
    servers = []
    for n in range(draw(st.integers(0, 10))):
        of = draw(st.sampled_from("abcd") | st.just(""))
        zone, vcpus = draw(st.sampled_from(["", "", "east"])), draw(st.integers(1, 4))
        on = draw(st.sampled_from(["h1", "h1", *(h.name for h in hosts)]))
        status = draw(st.sampled_from(["ACTIVE", "SHUTOFF", "SHELVED", "SUSPENDED"]))
        servers.append(server(f"s{n}", on, vcpus, status, group=of, group_policy=POLICIES[of], zone=zone))
    used = {h.name: sum(s.needs.vcpus for s in servers if s.host == h.name) for h in hosts}
    return cloud(*(replace(h, used=Resources(u := used[h.name], u * 1024, 0)) for h in hosts), *servers)


@settings(max_examples=300, deadline=None)
@given(clouds())
def test_nothing_is_placed_where_it_does_not_belong(occupancy: Occupancy) -> None:
    plan = plan_evacuation(occupancy, "h1")
    hosts = {h.host: h for h in occupancy.hosts}
    everybody = [m.server for m in plan.moves] + [u.server for u in plan.unmoved]
    assert sorted(s.id for s in everybody) == sorted(s.id for s in occupancy.on("h1"))
    for target, needs in plan.arriving.items():
        assert target != "h1" and hosts[target].up and hosts[target].enabled
        assert hosts[target].free.covers(needs)
    placed = Counter((s.group, s.host) for s in occupancy.servers if s.host != "h1")
    placed.update((m.server.group, m.target) for m in plan.moves if m.target)
    for move in plan.moves:
        if move.target and move.server.group_policy == "anti-affinity":
            assert placed[move.server.group, move.target] == 1
        if move.target and move.server.zone:
            assert hosts[move.target].zone == move.server.zone


@settings(max_examples=100, deadline=None)
@given(clouds())
def test_who_stays_has_no_host_that_would_still_take_it(occupancy: Occupancy) -> None:
    plan = plan_evacuation(occupancy, "h1")
    for stuck in plan.unmoved:
        if stuck.server.status == "SUSPENDED" or stuck.server.group:
            continue
        for other in occupancy.hosts:
            room = other.free - plan.arriving.get(other.host, Resources())
            open_to_it = other.up and other.enabled and stuck.server.zone in ("", other.zone)
            assert other.host == "h1" or not (open_to_it and room.covers(stuck.server.needs))
