"""What a run shows, driven by its events only."""

import io

from fake_service import migration_events

from pumphouse.cli.board import Board, amount
from pumphouse.cli.progress import LiveProgress, PlainProgress
from pumphouse.cli.running import as_long_as_shown
from pumphouse.events import Bus
from pumphouse.model import Event


def shown(events):
    lines = []
    progress = PlainProgress(lines.append)
    with progress:
        for event in events:
            progress(event)
    return [line.partition(" ")[2] for line in lines]


def test_a_line_per_phase_and_the_end_of_each_workload():
    assert shown(migration_events()) == [
        "web1: stopping",
        "web1: copying",
        "1 of 2 resources, 1.0 GiB of 2.0 GiB, 256 MiB/s, 4.0 s left",
        "web1: starting",
        "web1: done in 18 s, 2.0 GiB copied, without service for 15 s",
    ]


def test_a_run_goes_on_when_nobody_reads_its_progress_any_more():
    tried = []

    def say(line):
        tried.append(line)
        raise BrokenPipeError

    bus = Bus()
    bus.subscribe(as_long_as_shown(PlainProgress(say)))
    for event in migration_events():
        bus.publish(event)
    assert len(tried) == 1


def test_progress_is_said_at_most_every_five_seconds():
    start = Event(0.0, "m", "workload.started", "volume:v", {"name": "data"})
    steps = [
        Event(
            at / 10,
            "m",
            "progress",
            "volume:v",
            {"done": at, "total": 300, "rate": 10.0, "workload": "volume:v"},
        )
        for at in range(1, 300)
    ]
    assert (
        len([line for line in shown([Event(0.0, "m", "run.started"), start, *steps]) if "300 B" in line]) == 5
    )


def test_failures_are_said_with_their_reason():
    events = [
        Event(
            0, "m", "step.started", "network:n", {"action": "ensure", "kind": "network", "name": "private"}
        ),
        Event(1, "m", "step.failed", "network:n", {"action": "ensure", "error": "no such physical network"}),
        Event(1, "m", "step.skipped", "subnet:s", {"action": "ensure", "reason": "needs network private"}),
        Event(2, "m", "workload.started", "server:s", {"name": "web1"}),
        Event(3, "m", "step.failed", "server:s", {"action": "stop", "error": "still running"}),
        Event(3, "m", "workload.failed", "server:s", {"name": "web1", "error": "still running"}),
    ]
    assert shown(events) == [
        "network private: failed: no such physical network",
        "subnet:s: skipped: needs network private",
        "web1: failed: still running",
    ]


def test_parts_of_a_workload_are_added_up():
    board = Board()
    board.apply(Event(0, "m", "workload.started", "server:s", {"name": "web1"}))
    for volume, done in (("volume:a", 100), ("volume:b", 50)):
        data = {"done": done, "total": 100, "rate": 5.0, "workload": "server:s"}
        board.apply(Event(1, "m", "progress", volume, data))
    assert board.workloads["server:s"].copied == (150, 200, 5.0)
    assert amount(*board.copied) == "150 B of 200 B, 5 B/s, 10 s left"


def test_the_live_display_takes_the_same_events():
    stream = io.StringIO()
    with LiveProgress(stream) as progress:
        for event in migration_events():
            progress(event)
        progress.say("stopping [soon]")
    assert "web1: done in 18 s" in stream.getvalue()
    assert "stopping [soon]" in stream.getvalue()


def test_reading_back_is_not_copying():
    board = Board()
    for event in migration_events()[:13]:
        board.apply(event)
    copied = board.copied
    board.apply(Event(1, "m", "step.started", "server:s1", {"action": "verify", "workload": "server:s1"}))
    board.apply(Event(2, "m", "progress", "server:s1", {"done": 5, "total": 10, "rate": 1.0}))
    assert board.copied == copied
    assert board.workloads["server:s1"].at_work == (5, 10, 1.0)
