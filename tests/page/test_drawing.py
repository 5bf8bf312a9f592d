"""What is drawn, without a browser."""

import time
from dataclasses import replace

import pytest
from clouds_of_tiles import Estate
from fake_service import DEMO

from pumphouse.model import Event
from pumphouse.page.chart import POINTS, Throughput
from pumphouse.page.drawing import Filter, draw, natural
from pumphouse.page.feed import Feed, Watched
from pumphouse.page.looks import Looks
from pumphouse.page.signs import Signs
from pumphouse.report.board import Workload


def scene(estate, moving=(), **wanted):
    way = {f"server:{key}": Workload(key) for key in moving}
    return draw(estate.picture(), way, Signs(), Filter(**wanted), {"new-1": "compute-0"})


def tiles(side):
    return {tile.id: tile for box in side.boxes for tile in box.tiles}


def moved(estate):
    first = estate.servers[0]
    estate.servers[0] = replace(first, status="SHUTOFF", moved="done", counterpart="d0")
    estate.servers.append(
        replace(first, id="d0", cloud="destination", host="new-1", moved="created", counterpart="s0")
    )
    return estate


def test_a_server_that_moved_is_one_thing_in_two_places():
    source, destination = scene(moved(Estate())).sides
    original, arrived = tiles(source)["s0"], tiles(destination)["d0"]
    assert original.key == arrived.key == "s0"
    assert original.rests and not arrived.rests
    assert "this is the original" in original.words and "has moved here" in arrived.words


def test_what_is_on_its_way_is_in_neither_cloud():
    source, destination = scene(moved(Estate()), moving=["s0"]).sides
    assert tiles(source)["s0"].rests and tiles(destination)["d0"].rests
    assert tiles(source)["s0"].state == "moving"


def test_a_host_keeps_its_key_when_it_changes_clouds():
    source, destination = scene(Estate()).sides
    assert "host:compute-0" in {box.key for box in source.boxes}
    assert {box.name: box.key for box in destination.boxes}["new-1"] == "host:compute-0"


def test_servers_on_no_host_have_a_box_that_is_no_host():
    estate = Estate()
    estate.servers[0] = replace(estate.servers[0], host="", status="SHELVED_OFFLOADED")
    source = scene(estate).sides[0]
    assert source.hosts == 4 and [box.name for box in source.boxes][-1] == "on no host"


def test_a_filter_says_what_it_leaves_out():
    source = scene(Estate(), project="demo").sides[0]
    assert len(tiles(source)) == 4
    assert sum(box.hidden for box in source.boxes) + 4 == 12


def test_names_and_letters_give_way_as_servers_become_many():
    assert [scene(Estate(count)).size for count in (12, 500, 2000)] == ["few", "many", "crowd"]


@pytest.mark.parametrize("count", [3, 500])
def test_no_two_projects_have_the_same_letters(count):
    signs = Signs()
    names = [f"acme-{n}" for n in range(count)] + ["Acme", "acme", "übung", "--", "42"]
    found = signs.of(names)
    assert len({sign.code for sign in found.values()}) == len(set(names))
    assert signs.of([*names, "another"])["acme-1"] == found["acme-1"]


def test_throughput_spreads_what_came_between_two_reports():
    throughput = Throughput()
    for at, done in ((100.0, 20 << 20), (110.0, 120 << 20)):
        throughput.add(at, "server:s0", done)
    step, rates = throughput.rates()
    assert sum(rate * step for rate in rates) == pytest.approx(120 << 20)
    assert max(rates) <= 20 << 20
    assert "at most" in throughput.chart().text


def test_however_long_it_takes_the_chart_stays_small():
    throughput = Throughput()
    for n in range(5000):
        throughput.add(n * 2.0, "volume:v", n << 20)
    assert len(throughput.rates()[1]) <= POINTS


def event(seq, type, key="", **data):
    return Event(time.time() + seq, "m1", type, key, data, seq)


def test_reading_back_is_no_copying_and_a_new_run_begins_anew():
    watched, key = Watched(), "server:s0"
    watched.apply(
        [
            event(1, "run.started", command="migrate", steps=1, bytes=10),
            event(2, "workload.started", key, name="web0"),
            event(3, "step.started", key, action="transfer", workload=key),
            event(4, "progress", key, done=10, total=10, rate=5.0, workload=key),
            event(5, "step.started", key, action="verify", workload=key),
            event(8, "progress", key, done=10, total=10, rate=5.0, workload=key),
        ]
    )
    assert sum(rate * 2 for rate in watched.throughput.rates()[1]) == 10
    assert list(watched.under_way) == [key] and watched.run.active
    watched.apply(
        [event(9, "workload.done", key, name="web0"), event(10, "run.done", result="ok", seconds=9)]
    )
    assert not watched.under_way and not watched.run.active
    watched.apply([event(11, "run.started", command="migrate", steps=0, bytes=0)])
    assert not watched.board.workloads and [line.tone for line in watched.lines].count("mark") == 3


def test_names_are_sorted_as_people_do():
    assert sorted(["web10", "Web2", "db²", "web", ""], key=natural) == ["", "db²", "web", "Web2", "web10"]


def test_whatever_works_on_a_migration_is_heard_of_and_a_killed_run_is_not_for_ever(monkeypatch):
    estate, feed = Estate(), Feed()
    estate.state, estate.selection = "migrated", DEMO
    estate.tell("run.started", command="migrate")
    estate.tell("run.done", result="ok")
    assert feed.running(estate) == {}
    estate.tell("run.started", command="rollback")  # the state of the migration does not tell
    assert list(feed.running(estate)) == ["m1"]
    assert list(feed.running(estate)) == ["m1"]
    monkeypatch.setattr("pumphouse.page.feed.SILENCE", 0.0)
    assert feed.running(estate) == {}


def test_who_comes_while_somebody_looks_gets_what_is_known_and_one_look_serves_all():
    estate = Estate()
    looks = Looks(estate.opened)
    asked = time.monotonic()
    assert looks.since(asked).number == 1
    assert looks.since(asked).number == 1 and estate.looks == 1
    assert looks.since(time.monotonic()).number == 2
    estate.down = True
    failed = looks.since(time.monotonic())
    assert failed.error and failed.picture is not None and failed.number == 3
    assert looks.since(time.monotonic()).number == 3
