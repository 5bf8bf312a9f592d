"""Commands on hosts: what they show, ask and print."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from machine_room import Room

from pumphouse.cli import main as cli
from pumphouse.errors import DeploymentFailed
from pumphouse.service import Service


def run(room: Room, *words: str) -> tuple[int, str, str]:
    config = room.directory / "config.yaml"
    config.write_text(yaml.safe_dump({"source": {"cloud": "a"}, "destination": {"cloud": "b"}}))

    @contextmanager
    def opener(_config: object, bus: object) -> Iterator[Service]:
        yield Service(room.session(bus), None)  # type: ignore[arg-type]

    out, error = io.StringIO(), io.StringIO()
    app = cli.App(opener, io.StringIO(), out, error)
    return app.run(["host", *words, "--config", str(config)]), out.getvalue(), error.getvalue()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_an_upgrade_shows_its_stages_and_asks(room: Room) -> None:
    code, _, error = run(room, "upgrade", "old-1")
    assert (code, room.did) == (3, [])
    assert "install it by Engine; this erases its disks, within 2 h" in error
    assert "Use --yes" in error


def test_an_upgrade_tells_each_stage_and_what_the_host_is_called_now(room: Room) -> None:
    code, out, error = run(room, "upgrade", "old-1", "--yes", "-f", "value")
    assert (code, out.strip()) == (0, "old-1 upgrade done node-7")
    assert "old-1: deploy: 40 %: puppet runs" in error
    assert run(room, "upgrade", "old-1", "--yes")[2].strip() == "nothing to do: upgrade of host old-1 is done"


def test_status_tells_where_a_host_is_and_why(room: Room) -> None:
    assert run(room, "status", "old-1")[0] == 2
    room.fail["deploy"] = DeploymentFailed("puppet failed on n7")
    code, _, error = run(room, "upgrade", "old-1", "--yes")
    assert (code, "puppet failed on n7" in error, "same command" in error) == (4, True, True)
    columns = ("-f", "value", "-c", "Stage", "-c", "State", "-c", "Message")
    assert run(room, "status", "old-1", *columns)[1].strip() == "deploy failed puppet failed on n7"


def test_the_list_tells_what_the_engine_says_and_what_was_last_done(room: Room) -> None:
    columns = ("-f", "value", "-c", "Host", "-c", "Engine", "-c", "Last action")
    room.fail["deploy"] = DeploymentFailed("puppet failed on n7")
    run(room, "upgrade", "old-1", "--yes")
    assert "old-1 failed upgrade: deploy failed" in run(room, "list", *columns)[1].splitlines()
    run(room, "upgrade", "old-1", "--yes")
    assert "old-1 deployed upgrade: done" in run(room, "list", *columns)[1].splitlines()


def test_the_second_script_has_the_commands_on_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(cli, "main", lambda words: asked.append(words) or 0)
    cli.hosts_main(["upgrade", "old-1"])
    cli.hosts_main(["--version"])
    assert asked == [["host", "upgrade", "old-1"], ["--version"]]


def test_only_a_host_that_we_disabled_is_opened_again(room: Room) -> None:
    code, _, error = run(room, "maintenance", "off", "old-1")
    assert (code, room.did) == (3, [])
    assert "was not disabled by Pumphouse (reason: none given)" in error
    room.reason = "pumphouse: new fans"
    code, out, _ = run(room, "maintenance", "off", "old-1", "-f", "value")
    assert (code, out.strip(), room.did) == (0, "old-1 maintenance done", ["enable"])


def test_an_evacuation_shows_what_it_does_and_asks(room: Room) -> None:
    room.old_status = "enabled"
    code, _, error = run(room, "evacuate", "old-1")
    assert (code, room.did) == (3, [])
    assert "nothing is on host old-1" in error and "Use --yes" in error
    code, out, _ = run(room, "maintenance", "on", "old-1", "--reason", "new fans", "--yes", "-f", "value")
    assert (code, out.strip(), room.reason) == (0, "old-1 maintenance done", "pumphouse: new fans")


def test_a_host_that_is_not_the_sources_is_not_emptied(room: Room) -> None:
    code, _, error = run(room, "evacuate", "node-7", "--yes")
    assert code == 3 and "host 'node-7' is not in the source" in error
