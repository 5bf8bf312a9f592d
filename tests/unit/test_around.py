"""Hooks and checks of a server's health: what is asked when, and what an answer means."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import Events, FakeClock, NoProbes, memory_ledger
from pydantic import ValidationError
from worlds import acme, bare_step, plan, world

from pumphouse.drivers.guest.probes import NetworkProbes
from pumphouse.errors import Mismatch, Refused
from pumphouse.hooks import HealthCheck
from pumphouse.model import Action
from pumphouse.policy import Policy
from pumphouse.tasks import around
from pumphouse.tasks.run import Run

STEP = bare_step("server:web-1", Action.MOVE)
TCP = {"type": "tcp", "port": 80, "attempts": 2}


def run(probes: NoProbes, **policy: Any) -> Run:
    of = world(acme(), None, **policy)
    ports = SimpleNamespace(ledger=memory_ledger(), clock=FakeClock(), publish=Events(), probes=probes)
    return Run(ports, of.policy, plan(of), of.source, None, None, {}, None)  # type: ignore[arg-type]


def stopped(of: Run, status: str = "ACTIVE") -> Run:
    of.ports.ledger.note(STEP.key, status=status)
    return of


# --- health -----------------------------------------------------------------------------------------
def test_a_server_is_asked_before_and_after_at_its_first_address() -> None:
    probes = NoProbes()
    of = run(probes, health=[TCP, {"type": "http", "url": "http://{address}:8080/live"}, {"type": "ping"}])
    around.look_before(of, STEP)
    around.look_after(stopped(of), STEP)
    asked = [("tcp", "192.0.2.7", 80), ("http", "http://192.0.2.7:8080/live"), ("ping", "192.0.2.7")]
    assert probes.asked == asked * 2


def test_what_failed_at_the_source_is_not_asked_afterwards_and_told() -> None:
    probes = NoProbes(tcp="no answer in time")
    of = run(probes, health=[TCP, {"type": "ping", "address": "10.0.0.9"}])
    around.look_before(of, STEP)
    around.look_after(stopped(of), STEP)
    assert [kind for kind, *_ in probes.asked] == ["tcp", "tcp", "ping", "ping"]
    ((key, data),) = of.ports.publish.of("health.skipped")  # type: ignore[attr-defined]
    assert (key, data["reason"]) == (STEP.key, "it failed at the source")


def test_what_fails_only_afterwards_fails_the_move() -> None:
    probes = NoProbes()
    of = run(probes, health=[TCP])
    around.look_before(of, STEP)
    probes.bad["tcp"] = "connection refused"
    with pytest.raises(Mismatch, match=r"not healthy after its move: 1. tcp 80: connection refused"):
        around.look_after(stopped(of), STEP)


def test_a_server_that_was_off_is_not_asked() -> None:
    probes = NoProbes()
    of = run(probes, health=[TCP])
    around.look_after(stopped(of, "SHUTOFF"), STEP)
    assert probes.asked == []


def test_a_server_that_was_stopped_before_it_was_asked_is_not_asked() -> None:
    probes = NoProbes(tcp="down")
    of = stopped(run(probes, health=[TCP]))
    around.look_before(of, STEP)
    around.look_after(of, STEP)
    assert probes.asked == []


@pytest.mark.parametrize(
    "check",
    [
        {"type": "tcp"},
        {"type": "ping", "port": 80},
        {"type": "http", "url": "ftp://x"},
        {"type": "http"},
        {"type": "command"},
        {"type": "tcp", "port": 80, "command": ["x"]},
        {"type": "smoke"},
        {"type": "tcp", "port": 70000},
        {"type": "ping", "attempts": 0},
    ],
)
def test_a_check_that_makes_no_sense_is_refused(check: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HealthCheck.model_validate(check)


def test_a_check_is_named_without_what_may_be_secret() -> None:
    assert str(HealthCheck(type="command", command=("/opt/check", "--password", "x"))) == "command check"
    assert str(HealthCheck(type="http", url="http://me:secret@host/live?token=x")) == "http /live"


def test_servers_may_have_checks_of_their_own() -> None:
    policy = Policy.model_validate({"overrides": [{"server": "web-*", "health": [TCP]}]})
    assert policy.at("acme", "db-1").health == ()
    assert policy.at("acme", "web-1").health[0].port == 80


# --- hooks ------------------------------------------------------------------------------------------
def test_a_hook_is_told_what_it_is_about() -> None:
    probes = NoProbes()
    around.before(
        run(probes, server_hooks={"before_stop": [{"command": ["notify", "x"]}]}), "before_stop", STEP
    )
    ((_, words, facts),) = probes.asked
    assert words == ("notify", "x")
    assert facts["PUMPHOUSE_PHASE"] == "before_stop"
    assert (facts["PUMPHOUSE_SERVER_NAME"], facts["PUMPHOUSE_SERVER_ID"]) == ("web-1", "web-1")
    assert facts["PUMPHOUSE_ADDRESSES"] == "192.0.2.7 10.0.0.10"
    assert (facts["PUMPHOUSE_PROJECT"], facts["PUMPHOUSE_CLOUD"]) == ("acme", "source")


def test_a_hook_before_a_phase_refuses_it_and_the_next_is_not_run() -> None:
    probes = NoProbes(first="exit code 3")
    hooks = {"before_commit": [{"command": ["first"]}, {"command": ["second"]}]}
    with pytest.raises(Refused, match="hook before_commit refused it: first: exit code 3"):
        around.before(run(probes, hooks=hooks), "before_commit")
    assert len(probes.asked) == 1


def test_a_hook_after_a_phase_is_told_only() -> None:
    of = run(NoProbes(first="exit code 3"), hooks={"after_commit": [{"command": ["first"]}]})
    around.after(of, "after_commit")
    ((_, data),) = of.ports.publish.of("hook.failed")  # type: ignore[attr-defined]
    assert data["result"] == "exit code 3"
    assert "what it printed" not in str(data)


# --- probes -----------------------------------------------------------------------------------------
class Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A web server that answers with the status it is asked for."""
    server = HTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_port_that_listens_and_one_that_does_not(port: int) -> None:
    assert NetworkProbes().tcp("127.0.0.1", port, 5).good
    refused = NetworkProbes().tcp("127.0.0.1", 1, 5)
    assert (refused.good, refused.words) == (False, "Connection refused")


@pytest.mark.parametrize(("status", "good"), [(200, True), (302, True), (404, False), (503, False)])
def test_a_web_server_is_judged_by_its_status(port: int, status: int, good: bool) -> None:
    answer = NetworkProbes().http(f"http://127.0.0.1:{port}/{status}", 5)
    assert (answer.good, answer.words) == (good, f"status {status}")


def test_a_command_gets_no_shell_and_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OS_PASSWORD", "secret")
    program = "import os, sys; print(sys.argv[1], sorted(os.environ))"
    word = f"$(touch {tmp_path}/made); `id`"
    answer = NetworkProbes().command((sys.executable, "-c", program, word), 20, {"PUMPHOUSE_PHASE": "x; y"})
    assert answer.good
    assert answer.output.startswith(word)
    assert "PUMPHOUSE_PHASE" in answer.output
    assert "OS_PASSWORD" not in answer.output
    assert not (tmp_path / "made").exists()


def test_a_command_that_takes_too_long_goes_with_all_it_started(tmp_path: Path) -> None:
    answer = NetworkProbes().command(("sh", "-c", "sleep 60 & sleep 60"), 0.3, {})
    assert (answer.good, answer.words) == (False, "not done after 0.3 s")


def test_a_command_that_is_not_there_is_an_answer() -> None:
    answer = NetworkProbes().command(("/nowhere/at-all",), 5, {})
    assert answer.words == "cannot be started: No such file or directory"
