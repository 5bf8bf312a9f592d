"""The command line through a served API: it shows, asks and exits as it does otherwise."""

import json
import socket
import threading
import time
from dataclasses import replace

import pytest
import uvicorn
from fake_service import PLAN, FakeService, Shell, migration_events

from pumphouse.api.access import one_token
from pumphouse.api.app import create_app
from pumphouse.api.bodies import HostPlanBody, StageBody
from pumphouse.config import Config
from pumphouse.errors import BmcError, Refused, UsageError
from pumphouse.model import HostRecord, HostStatus, Outcome, Problem, Result, RunResult, Severity
from pumphouse.service.conductor import Conductor
from pumphouse.wiring import open_desk

TOKEN = "the token"
DEMO = "project demo"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A served API, whose service the tests choose."""
    chosen = []

    def opened(bus, **policy):
        if policy:
            chosen[-1].policy = policy
        return chosen[-1].open(None, bus)

    clouds = {"source": {"cloud": "a"}, "destination": {"cloud": "b"}}
    with (
        open_desk(Config(**clouds, ledger=str(tmp_path_factory.mktemp("served") / "ledger"))) as desk,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        app = create_app(
            opened, desk, one_token(TOKEN), Conductor(desk.jobs, desk.board, opened, "conductor")
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", chosen, desk
        server.should_exit = True
        thread.join()


@pytest.fixture
def service(served):
    served[1].append(FakeService())
    served[1][-1].answers["migrations"] = tuple(
        replace(m, selection=PLAN.selection) for m in FakeService().migrations()
    )
    return served[1][-1]


@pytest.fixture
def shell(served, service, monkeypatch, tmp_path):
    """Types commands with --server; there is no configuration on this side."""
    monkeypatch.setenv("PUMPHOUSE_TOKEN", TOKEN)
    shell = Shell(FakeService({"plan": AssertionError("not here")}), tmp_path / "none.yaml")

    def run(line, **how):
        code = shell(f"--server {served[0]} {line}", **how)
        run.out, run.err = shell.out, shell.err
        return code

    return run


def test_a_project_is_planned_and_migrated(shell, service, served):
    service.answers["events"] = lambda asked: migration_events() if asked.did("migrate") else ()
    assert shell(f"plan {DEMO} -f json") == 0, shell.err
    assert [step["Name"] for step in json.loads(shell.out)]
    assert shell(f"migrate {DEMO} --yes --concurrency 2 -f json") == 0, shell.err
    (row,) = json.loads(shell.out)
    assert (row["Name"], row["Bytes"], row["Downtime"]) == ("web1", 2 << 30, 15.0)
    assert [call[0] for call in service.calls].count("migrate") == 1
    assert service.policy == {"concurrency": 2}
    assert served[2].jobs.all()[0].caller == "token"


def test_what_is_blocked_is_refused_or_left_out(shell, service):
    problem = Problem("server-error", Severity.BLOCK, "server:s1", "server web1 is in error", "Mend it.")
    service.answers["plan"] = replace(PLAN, problems=(problem,))
    assert shell(f"migrate {DEMO} --yes") == 3 and "nothing was touched" in shell.err
    assert shell(f"migrate {DEMO} --yes --skip-blocked") == 0, shell.err
    assert service.did("skip_blocked")


@pytest.mark.parametrize("command", ["commit", "rollback"])
def test_it_ends_as_it_does_here(shell, service, command):
    assert shell(f"{command} {DEMO}") == 3 and "needs to be confirmed" in shell.err
    assert shell(f"{command} {DEMO}", typed="demo\n", terminal=True) == 0, shell.err
    assert service.did(command)


def test_what_failed_is_told_and_is_the_exit_code(shell, service):
    failed = (Outcome("server:s1", Result.FAIL, None, "no valid host was found"),)
    service.answers["verify"] = RunResult("m1", (), (), 1.0)
    assert shell(f"verify {DEMO}") == 0, shell.err
    service.answers["migrate"] = RunResult("m1", failed, (), 1.0)
    assert shell(f"migrate {DEMO} --yes -f json") == 1
    assert json.loads(shell.out)[0]["Error"] == "no valid host was found"
    service.answers["migrate"] = BmcError("the BMC says no", "Look at it.")
    assert shell(f"migrate {DEMO} --yes") == 4 and "the BMC says no" in shell.err and "Look" in shell.err
    service.answers["commit_preview"] = Refused("nothing is verified", "Verify it.")
    assert shell(f"commit {DEMO} --yes") == 3 and "nothing is verified" in shell.err


def test_status_and_hosts(shell, service):
    assert shell("status -f json") == 0, shell.err
    assert json.loads(shell.out)[0]["ID"] == "m1"
    service.answers["hosts"] = (HostStatus("old-1", "source", "up", servers={"demo": 2}),)
    assert shell("host list -f json") == 0, shell.err
    assert json.loads(shell.out)[0]["Host"] == "old-1"
    service.answers["host"] = UsageError("no host named 'x'", "See the list.")
    assert shell("host show x") == 2 and "no host named" in shell.err


def test_a_host_changes_clouds(shell, service):
    service.answers["host_plan"] = HostPlanBody("upgrade", "h1", (StageBody("empty", "look", 5.0),), "")
    service.answers["host_records"] = (HostRecord("h1", "upgrade", "done", "done", {"host": "new-1"}),)
    assert shell("host upgrade h1 --evacuate --yes -f json") == 0, shell.err
    assert json.loads(shell.out) == [
        {"Host": "h1", "Operation": "upgrade", "State": "done", "Now called": "new-1"}
    ]
    assert service.did("host_plan")[-1] == service.did("host_change")[-1] == ("upgrade", "h1", True)


def test_what_is_not_possible_is_said(shell, service, served, monkeypatch):
    assert shell("report project demo") == 2 and "not possible with --server" in shell.err
    monkeypatch.setenv("PUMPHOUSE_TOKEN", "wrong")
    assert shell("status") == 3 and "token" in shell.err
    monkeypatch.delenv("PUMPHOUSE_TOKEN")
    assert shell("status") == 2 and "PUMPHOUSE_TOKEN" in shell.err
    monkeypatch.setenv("PUMPHOUSE_TOKEN", TOKEN)
    assert shell("--server http://127.0.0.1:1 status") == 4 and "does not answer" in shell.err
