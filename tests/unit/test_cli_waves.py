"""``pumphouse upgrade``: what it shows and asks, and how it goes on and ends."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_service import FakeService, Shell
from test_waves import FOUR, TWELVE, cloud, host, waves

from pumphouse.cli.wave_view import lines, share
from pumphouse.model import Event, Remainder, Wave, WavePlan

PLAN = waves(cloud("source", FOUR, *TWELVE), cloud("destination", [host("d1")]))
STAYS = Remainder("host h1", "its disk fails", "Change the disk.")


@dataclass
class Waves:
    """Does as it was planned; fails where a test says so.

    :param fails: what a wave gives back, by its number.
    """

    fails: dict[int, dict[str, str]] = field(default_factory=dict)
    stuck: bool = False
    remains: tuple[Remainder, ...] = ()
    planned: list[dict[str, str]] = field(default_factory=list)
    done: list[Wave] = field(default_factory=list)
    closed: int = 0
    publish: Callable[[Event], None] = lambda event: None

    def plan(self, failed: dict[str, str]) -> WavePlan:
        self.planned.append(dict(failed))
        rest = PLAN.waves[0 if self.stuck else len(self.done) :]
        return replace(PLAN, waves=rest, remains=self.remains if failed or not rest else ())

    def carry_out(self, wave: Wave) -> dict[str, str]:
        self.done.append(wave)
        for name in wave.upgrades:
            told = {"host": name, "stage": "leave", "state": "done", "percent": 100, "message": ""}
            self.publish(Event(1.0, "m1", "host.stage", f"host:{name}", told))
        return self.fails.get(len(self.done), {})

    def finish(self) -> dict[str, str]:
        self.closed += 1
        return self.fails.get(0, {})


@pytest.fixture
def service() -> FakeService:
    made = FakeService()
    made.waves = Waves()  # type: ignore[attr-defined]
    return made


@pytest.fixture
def shell(service: FakeService, tmp_path: Path) -> Any:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"source": {"cloud": "a"}, "destination": {"cloud": "b"}}))
    return Shell(service, config)


def test_the_plan_is_a_picture_and_nothing_happens(shell: Any, service: Any) -> None:
    assert shell("upgrade --plan") == 0
    printed = [line.rstrip() for line in shell.out.splitlines()]
    assert printed[0].split() == ["now", "1", "2", "3"]
    assert printed[1:6] == [
        "source",
        "  h1         ████░░  →",
        "  h2         ████░░  ████░░  →",
        "  h3         ████░░  ████░░  ███░░░  →",
        "  h4         ████░░  ███░░░  ███░░░  →",
    ]
    assert printed[6:8] == ["destination", "  d1         ░░░░░░  ██████  ██████  ██████"]
    assert "  project a: 4 servers to the destination" in printed
    assert "  host h2.example.org is emptied: c1 to h4.example.org (live)" in printed
    assert service.waves.done == []


def test_a_wave_tells_how_long_servers_are_without_service() -> None:
    timed = replace(PLAN.waves[0], portions=(replace(PLAN.waves[0].portions[0], downtime=62.0),))
    assert next(lines(timed)) == (
        "project a: 4 servers to the destination, each up to about 1 min 2 s without service"
    )


def test_the_plan_as_a_list(shell: Any) -> None:
    assert shell("upgrade --plan -f json") == 0
    rows = json.loads(shell.out)
    assert [(row["Wave"], row["Action"], row["What"]) for row in rows[:7]] == [
        *((1, "migrate", f"a{n}") for n in range(4)),
        *((1, "evacuate", name) for name in ("b0", "c0")),
        (1, "upgrade", "h1"),
    ]


def test_it_is_asked_once_and_told_that_originals_and_disks_go(shell: Any, service: Any) -> None:
    assert shell("upgrade") == 3
    assert (service.waves.done, "Use --yes" in shell.err) == ([], True)
    assert shell("upgrade", typed="no\n") == 3
    assert "12 servers will move, and 4 hosts follow. What has moved and verified is deleted" in shell.err
    assert service.waves.done == []
    assert shell("upgrade", typed="upgrade\n") == 0
    assert (len(service.waves.done), service.waves.closed) == (3, 1)
    assert shell.err.count("Type '") == 1


def test_what_happens_is_told_once(shell: Any, service: Any) -> None:
    def publish(event: Event) -> None:
        service.bus.publish(event)  # there is one only when the command has begun

    service.waves.publish = publish
    assert shell("upgrade --yes") == 0
    assert shell.err.count("h2: leave: done") == 1


def test_each_wave_can_be_approved(shell: Any, service: Any) -> None:
    assert shell("upgrade --approve-each", typed="wave 1\nno\n") == 3
    assert len(service.waves.done) == 1
    assert "not confirmed; what came before is done" in shell.err
    assert shell("upgrade --approve-each", typed="wave 1\nwave 2\nclose\n") == 0
    assert service.waves.closed == 1
    assert shell("upgrade --approve-each --yes") == 2


def test_what_failed_is_left_out_told_at_the_end_and_nothing_is_closed(shell: Any, service: Any) -> None:
    service.waves.fails, service.waves.remains = {1: {"host:h1": "its disk fails"}}, (STAYS,)
    assert shell("upgrade --yes") == 1
    assert service.waves.planned[1:] == [{"host:h1": "its disk fails"}] * 3
    assert (len(service.waves.done), service.waves.closed) == (3, 0)
    assert "host h1 failed and is left out: its disk fails" in shell.err
    assert "host h1 stays: its disk fails\n  → Change the disk." in shell.err
    assert "the source is not closed" in shell.err


def test_what_fails_at_the_end_is_told(shell: Any, service: Any) -> None:
    service.waves.fails = {0: {"volume:v1": "is busy"}}
    assert shell("upgrade --yes") == 1
    assert "volume v1 failed and is left out: is busy" in shell.err


def test_a_wave_that_changes_nothing_is_not_repeated_for_ever(shell: Any, service: Any) -> None:
    service.waves.stuck = True
    assert shell("upgrade --yes") == 1
    assert len(service.waves.done) == 1
    assert "changed nothing" in shell.err


def test_what_was_done_is_listed_for_programs(shell: Any) -> None:
    assert shell("upgrade --yes -f json") == 0
    assert [row["What"] for row in json.loads(shell.out) if row["Action"] == "upgrade"] == [
        *("h1", "h2", "h3", "h4")
    ]


def test_a_source_that_is_empty_is_closed_again(shell: Any, service: Any) -> None:
    service.waves.done = list(PLAN.waves)
    assert shell("upgrade --yes") == 0
    assert service.waves.closed == 1
    assert "nothing to do: no server and no host is left in the source" in shell.err


def test_a_host_is_as_full_as_what_it_has_least_of() -> None:
    assert share(host("h1", 4, 2)) == 0.5
    assert share(host("h1", 0)) == 0.0
