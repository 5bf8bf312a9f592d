"""Waves: a source gets empty host by host, and nothing is placed where it does not fit."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pumphouse.model import ComputeHost, Occupancy, PlacedServer, Portion, Resources, Selection, WavePlan
from pumphouse.plan.waves import plan_waves


def sized(vcpus: float) -> Resources:
    return Resources(vcpus, 1024 * vcpus, 10 * vcpus)


def host(name: str, vcpus: float = 4, used: float = 0, **more: object) -> ComputeHost:
    known = {"up": True, "enabled": True, "zone": "nova", **more}
    return ComputeHost(name, f"{name}.example.org", capacity=sized(vcpus), used=sized(used), **known)  # type: ignore[arg-type]


def server(name: str, on: str, vcpus: float = 1, **more: object) -> PlacedServer:
    known = {"project": name[0], "status": "ACTIVE", "local": False, **more}
    return PlacedServer(name, name, host=f"{on}.example.org" if on else "", needs=sized(vcpus), **known)  # type: ignore[arg-type]


def cloud(role: str, hosts: list[ComputeHost], *servers: PlacedServer) -> Occupancy:
    """Hosts with the servers on them."""
    used = Counter[str]()
    for each in servers:
        used[each.host] += each.needs.vcpus  # type: ignore[assignment]
    return Occupancy(role, tuple(replace(h, used=h.used + sized(used[h.host])) for h in hosts), servers)


def portioned(servers: tuple[PlacedServer, ...]) -> list[list[Portion]]:
    """By project, by application (the first two letters), one by one."""

    def by(length: int, what: str) -> Iterator[Portion]:
        for key in dict.fromkeys(each.name[:length] for each in servers):
            members = tuple(each for each in servers if each.name[:length] == key)
            yield Portion(Selection(what, tuple(m.name for m in members) if length > 1 else (key,)), members)

    return [list(by(1, "project")), list(by(2, "server")), list(by(99, "server"))]


def waves(source: Occupancy, destination: Occupancy, **more: object) -> WavePlan:
    return plan_waves(source, destination, portioned(source.servers), **more)  # type: ignore[arg-type]


def told(plan: WavePlan) -> list[tuple[str, str, str]]:
    """Each wave as what moves, what is shifted within the source, and what follows."""
    return [
        (
            " ".join(str(portion.selection) for portion in wave.portions),
            " ".join(move.server.name for each in wave.emptied for move in each.moves),
            " ".join(wave.upgrades),
        )
        for wave in plan.waves
    ]


FOUR = [host(f"h{n}") for n in range(1, 5)]
#: Three projects with four servers each, spread over four hosts.
TWELVE = tuple(server(f"{'abc'[n // 4]}{n % 4}", f"h{n % 4 + 1}") for n in range(12))


def test_each_host_that_follows_makes_room_for_the_next_project() -> None:
    plan = waves(cloud("source", FOUR, *TWELVE), cloud("destination", [host("d1")]))
    assert told(plan) == [
        ("project a", "b0 c0", "h1"),
        ("project b", "c1", "h2"),
        ("project c", "", "h3 h4"),
    ]
    assert plan.remains == ()
    assert [each.used.vcpus for each in plan.waves[0].destination] == [4, 0]
    assert [each.name for each in plan.waves[-1].destination] == ["d1", "h1", "h2", "h3", "h4"]


def test_where_everything_fits_nothing_moves_twice() -> None:
    plan = waves(cloud("source", FOUR, *TWELVE), cloud("destination", [host("d1", 16)]))
    assert told(plan) == [("project a project b project c", "", "h1 h2 h3 h4")]


def test_a_destination_without_hosts_gets_its_first_before_anything_moves() -> None:
    plan = waves(cloud("source", FOUR, *TWELVE), cloud("destination", []))
    assert told(plan)[0] == ("", "a0 b0 c0", "h1")
    assert plan.remains == ()


def test_an_empty_host_goes_at_once() -> None:
    here = cloud("source", [*FOUR, host("spare")], *TWELVE)
    assert told(waves(here, cloud("destination", [host("d1", 0)])))[0] == ("", "", "spare")


def test_a_project_too_big_for_the_destination_goes_by_application_then_by_server() -> None:
    full = [host("h1"), host("h2")]
    here = cloud("source", full, *(server(f"a{n}{i}", f"h{n}") for n in (1, 2) for i in range(4)))
    plan = waves(here, cloud("destination", [host("d1")]))
    assert told(plan) == [("server a10 a11 a12 a13", "", "h1"), ("project a", "", "h2")]
    plan = waves(here, cloud("destination", [host("d1", 2), host("d2", 2)]))
    assert told(plan)[0] == ("server a10 a11 a12 a13", "", "h1")
    here = cloud("source", full, *(server(f"a{n}", f"h{n // 4 + 1}") for n in range(8)))
    plan = waves(here, cloud("destination", [host("d1")]))
    assert [part for part, _, _ in told(plan)] == ["server a0 server a1 server a2 server a3", "project a"]


def test_what_is_begun_goes_first_and_needs_no_room() -> None:
    here, there = cloud("source", FOUR, *TWELVE), cloud("destination", [host("d1")])
    plan = waves(here, there, arrived=["b0", "b1"])
    assert told(plan)[0] == ("project b", "a0 c0", "h1")
    assert plan.waves[0].destination[0].used.vcpus == 2


def test_a_host_that_gets_nothing_new_is_emptied_first() -> None:
    hosts = [*FOUR[:3], host("h4", enabled=False)]
    plan = waves(cloud("source", hosts, *TWELVE), cloud("destination", [host("d1")]))
    assert told(plan)[0][2] == "h4"


def test_hosts_in_quarantine_stay_and_the_rest_goes_on() -> None:
    plan = waves(
        cloud("source", FOUR, *TWELVE), cloud("destination", [host("d1")]), kept={"h1": "its disk fails"}
    )
    assert {name for wave in plan.waves for name in wave.upgrades} == {"h2", "h3", "h4"}
    assert [(each.what, each.why) for each in plan.remains] == [("host h1", "its disk fails")]


def test_servers_that_do_not_move_are_shifted_out_of_the_way() -> None:
    plan = waves(
        cloud("source", FOUR, *TWELVE), cloud("destination", [host("d1", 16)]), staying={"b0": "was refused"}
    )
    assert {name for wave in plan.waves for name in wave.upgrades} == {"h2", "h3", "h4"}
    assert [each.what for each in plan.remains] == ["server b0", "host h1"]
    assert plan.remains[0].why == "was refused"


def test_a_server_that_no_host_takes_is_told_with_the_reason() -> None:
    here = cloud("source", [host("h1", 8)], server("a1", "h1", 6), server("b1", "h1"))
    plan = waves(here, cloud("destination", [host("d1")]))
    assert told(plan) == [("project b", "", "")]
    assert plan.remains[0].what == "server a1"
    assert "d1: no room: needs 6 vCPUs, 3 free" in plan.remains[0].why


def test_zones_and_groups_are_kept() -> None:
    there = cloud("destination", [host("d1"), host("d2", zone="other")])
    here = cloud("source", [host("h1")], server("a1", "h1", zone="other"), server("a2", "h1", zone="none"))
    plan = waves(here, there)
    assert told(plan) == [("server a1", "", "")]
    assert "in availability zone nova, not none" in plan.remains[0].why
    apart = {"group": "g", "group_policy": "anti-affinity"}
    here = cloud("source", [host("h1"), host("h2")], server("a1", "h1", **apart), server("b1", "h2", **apart))
    plan = waves(here, cloud("destination", [host("d1")]))
    assert told(plan) == [("project a", "", "h1"), ("project b", "", "h2")]
    together = {"group": "g", "group_policy": "affinity"}
    here = cloud("source", [host("h1")], *(server(f"a{n}", "h1", **together) for n in range(2)))
    plan = waves(here, cloud("destination", [host("d1", 1), host("d2", 2)]))
    assert [each.used.vcpus for each in plan.waves[0].destination] == [0, 2, 0]


def test_servers_of_a_dead_host_come_off_it_before_they_move() -> None:
    hosts = [host("h1", up=False), host("h2")]
    here = cloud("source", hosts, server("a1", "h1"), server("b1", "h2"))
    plan = waves(here, cloud("destination", [host("d1")]))
    assert told(plan) == [("project b", "a1", "h1"), ("project a", "", "h2")]
    here = cloud("source", hosts, server("a1", "h1", local=True), server("b1", "h2"))
    plan = waves(here, cloud("destination", [host("d1")]))
    assert [each.what for each in plan.remains] == ["server a1", "host h1"]
    assert "has disks on the dead host" in plan.remains[1].why


@st.composite
def situations(draw: st.DrawFn) -> tuple[Occupancy, Occupancy]:
    """Small clouds of any shape; what is on a host fits there."""
    hosts = [
        host(f"h{n}", draw(st.integers(1, 8)), enabled=draw(st.booleans()))
        for n in range(draw(st.integers(1, 5)))
    ]
    there = [
        host(f"d{n}", size := draw(st.integers(1, 8)), draw(st.integers(0, size)))
        for n in range(draw(st.integers(0, 3)))
    ]
    servers, free = list[PlacedServer](), {each.name: each.capacity.vcpus for each in hosts}
    for number in range(draw(st.integers(0, 14))):
        on, size = draw(st.sampled_from(hosts)).name, draw(st.integers(1, 4))
        if size <= free[on]:
            free[on] -= size
            more = draw(st.sampled_from([{}, {"group": "g", "group_policy": "anti-affinity"}]))
            taken = any(s.group == "g" and s.host.startswith(f"{on}.") for s in servers)
            name = f"{draw(st.sampled_from('abc'))}{draw(st.sampled_from('12'))}-{number}"
            servers.append(server(name, on, size, **({} if taken else more)))
    return cloud("source", hosts, *servers), cloud("destination", there)


@settings(deadline=None, max_examples=200)
@given(situations(), st.data())
def test_whatever_the_clouds_are_nothing_is_placed_where_it_does_not_fit(
    situation: tuple[Occupancy, Occupancy], data: st.DataObject
) -> None:
    source, destination = situation
    names = [each.name for each in source.hosts]
    kept = dict.fromkeys(data.draw(st.sets(st.sampled_from(names))), "is in quarantine")
    plan = waves(source, destination, kept=kept)
    where = {each.name: each.host for each in source.servers}
    needs = {each.name: each.needs for each in source.servers}
    groups = {each.name for each in source.servers if each.group}
    left = {each.host: each for each in source.hosts}
    used = sum(each.used.vcpus for each in destination.hosts)
    for wave in plan.waves:
        for each in (member for portion in wave.portions for member in portion.servers):
            assert where.pop(each.name) == each.host  # once, and from where it was
            used += each.needs.vcpus
        assert sum(each.used.vcpus for each in wave.destination) == used
        for move in (move for each in wave.emptied for move in each.moves):
            assert left[move.target].enabled
            where[move.server.name] = move.target
        for each in left.values():
            on_it = [name for name, at in where.items() if at == each.host]
            assert sum(needs[name].vcpus for name in on_it) <= each.capacity.vcpus
            assert len(groups & set(on_it)) <= 1
        for name in wave.upgrades:
            assert name not in kept
            gone = left.pop(f"{name}.example.org")
            assert gone.host not in where.values()
        assert {each.host: each for each in wave.source}.keys() == left.keys()
        assert all(each.free.covers(Resources()) for each in (*wave.source, *wave.destination))
        assert wave.portions or wave.emptied or wave.upgrades
    stays = {each.what.partition(" ")[2]: each.why for each in plan.remains}
    assert {*where, *(each.name for each in left.values())} == stays.keys()
    assert all(stays.values())
