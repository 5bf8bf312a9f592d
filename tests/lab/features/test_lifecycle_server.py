"""One server: asked for its health, told to hooks, given back by itself or on its own, days later too."""

import json
import pathlib
import socket
import sys

import pytest
import yaml
from clouds import inventory, traces
from tenant import Tenant

TELL = """
import json, os, sys
facts = {n: v for n, v in os.environ.items() if n.startswith("PUMPHOUSE_")}
facts["secrets"] = [n for n in os.environ if n.startswith("OS_")]
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(facts) + "\\n")
print("a word that stays in the log")
sys.exit(os.path.exists(sys.argv[1] + ".refuse"))
"""


@pytest.fixture(scope="module")
def dock(lab):
    """A project with two servers; one has a floating IP and a volume."""
    made = Tenant(lab, "dock").furnish(21)
    made.web = made.server(f"{made.name}-web", volumes=1)
    made.db = made.server(f"{made.name}-db")
    return made


@pytest.fixture(scope="module")
def listener():
    """What the health checks connect to; no guest of the lab listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture(scope="module")
def config(lab, dock, listener):
    """The lab's configuration with health checks and hooks for this project."""
    told = lab.home / f"{dock.name}.told"
    hook = [{"command": [sys.executable, "-c", TELL, str(told)], "timeout": 30}]
    tcp = {
        "type": "tcp",
        "address": "127.0.0.1",
        "port": listener.getsockname()[1],
        "attempts": 2,
        "interval": 0,
    }
    healthy = {
        "type": "command",
        "command": [
            sys.executable,
            "-c",
            f"import os; exit(os.path.exists({str(told) + '.sick'!r}) and "
            "os.environ['PUMPHOUSE_CLOUD'] == 'destination')",
        ],
        "attempts": 2,
        "interval": 0,
    }
    never = {"type": "tcp", "address": "127.0.0.1", "port": 1, "attempts": 1}
    policy = {
        "hooks": dict.fromkeys(("plan_accepted", "before_prepare", "after_verify", "before_rollback"), hook),
        "server_hooks": {"before_stop": hook, "after_start": hook},
        "health": [tcp, never],
        "overrides": [{"server": f"{dock.name}-web", "health": [healthy]}],
    }
    path = lab.home / f"{dock.name}.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(lab.config.read_text()), "policy": policy}))
    dock.told = told
    return ("--config", str(path))


def told(dock):
    """What the hooks were told, in order; forgotten afterwards."""
    lines = dock.told.read_text().splitlines() if dock.told.exists() else []
    dock.told.unlink(missing_ok=True)
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def refused(lab, dock, config):
    """A hook refuses the first server before it is stopped."""
    refuse = dock.told.with_suffix(".told.refuse")
    lab.run("migrate", "project", dock.name, "--yes", "--prepare-only", *config)
    prepared = told(dock)
    hooks = yaml.safe_load(pathlib.Path(config[1]).read_text())
    only = {**hooks, "policy": {**hooks["policy"], "hooks": {}}}
    path = lab.home / f"{dock.name}-refuse.yaml"
    path.write_text(yaml.safe_dump(only))
    refuse.touch()
    done = lab.run("migrate", "server", f"{dock.name}-db", "--yes", "--config", str(path), check=False)
    refuse.unlink()
    return prepared, done, told(dock)


def test_hooks_are_told_of_the_stages(dock, refused):
    prepared, _, _ = refused
    assert [facts["PUMPHOUSE_PHASE"] for facts in prepared] == [
        "plan_accepted",
        "before_prepare",
        "after_verify",
    ]
    assert prepared[0]["PUMPHOUSE_SELECTION"] == f"project {dock.name}"
    assert prepared[0]["secrets"] == []


def test_a_hook_that_refuses_leaves_the_server_where_it_is(dock, refused):
    _, done, facts = refused
    assert done.returncode == 1
    assert "hook before_stop refused it" in done.stdout + done.stderr
    assert dock.status(f"{dock.name}-db", "source") == "ACTIVE"
    assert dock.status(f"{dock.name}-db", "destination") is None
    assert facts[0]["PUMPHOUSE_SERVER_NAME"] == f"{dock.name}-db"
    assert facts[0]["PUMPHOUSE_SERVER_ID"] == dock.db.id
    assert facts[0]["PUMPHOUSE_ADDRESSES"].startswith("10.77.21.")


@pytest.fixture(scope="module")
def sick(lab, dock, config, refused):
    """One server is well in the destination, the other is not."""
    dock.told.with_suffix(".told.sick").touch()
    done = lab.run("migrate", "project", dock.name, "--yes", *config, check=False)
    return done, told(dock)


def test_a_server_that_is_not_healthy_is_given_back(lab, dock, sick):
    done, _ = sick
    assert done.returncode == 1
    assert "is not healthy after its move: 1. command" in done.stdout + done.stderr
    assert dock.status(f"{dock.name}-web", "source") == "ACTIVE"
    assert dock.status(f"{dock.name}-web", "destination") is None
    assert [
        v.name
        for v in dock.clouds["destination"].block_storage.volumes(all_projects=True)
        if v.name.startswith(dock.name)
    ] == []


def test_one_that_is_healthy_stays_and_what_failed_before_is_not_asked(dock, sick):
    facts = sick[1]
    assert dock.status(f"{dock.name}-db", "destination") == "ACTIVE"
    assert dock.status(f"{dock.name}-db", "source") == "SHUTOFF"
    started = [each for each in facts if each["PUMPHOUSE_PHASE"] == "after_start"]
    assert [each["PUMPHOUSE_SERVER_NAME"] for each in started] == [f"{dock.name}-db"]
    assert started[0]["PUMPHOUSE_SERVER_DESTINATION_ID"]


def test_the_report_says_why(lab, dock, sick, tmp_path):
    data = tmp_path / "report.json"
    lab.run("report", "project", dock.name, "--json", str(data))
    assert "not healthy" in data.read_text()


def test_what_hooks_print_is_in_the_log_alone(lab, sick):
    word = "a word that stays in the log"
    assert any(word in path.read_text() for path in (lab.home / "logs").glob("*.log"))
    assert word.encode() not in (lab.home / "ledger.sqlite").read_bytes()


@pytest.fixture(scope="module")
def well(lab, dock, config, sick):
    """It is well again: the same command moves it."""
    dock.told.with_suffix(".told.sick").unlink()
    lab.run("migrate", "project", dock.name, "--yes", *config)
    told(dock)


def test_the_same_command_moves_what_was_given_back(dock, well):
    assert dock.status(f"{dock.name}-web", "destination") == "ACTIVE"


@pytest.fixture(scope="module")
def one_back(lab, dock, config, well):
    """One server is rolled back on its own, days after the move."""
    lab.run("rollback", "server", f"{dock.name}-web", "--yes", *config)
    return told(dock)


def test_one_server_goes_back_alone(lab, dock, one_back):
    assert dock.status(f"{dock.name}-web", "source") == "ACTIVE"
    assert dock.status(f"{dock.name}-web", "destination") is None
    assert dock.status(f"{dock.name}-db", "destination") == "ACTIVE"
    assert [facts["PUMPHOUSE_PHASE"] for facts in one_back] == ["before_rollback"]
    volumes = dock.clouds["destination"].block_storage.volumes(all_projects=True)
    assert not [v for v in volumes if v.name.startswith(dock.name)]


def test_status_shows_it(lab, dock, one_back):
    (row,) = [each for each in lab.listing("status") if each["Selection"] == f"project {dock.name}"]
    assert row["State"] == "partly rolled back"
    states = {
        each["Name"]: each["State"] for each in lab.listing("status", row["ID"]) if each["Kind"] == "server"
    }
    assert states == {f"{dock.name}-web": "rolled back", f"{dock.name}-db": "done"}


@pytest.fixture(scope="module")
def again(lab, dock, config, one_back):
    """It is moved a second time, and the other one is committed on its own."""
    lab.run("migrate", "project", dock.name, "--yes", *config)
    lab.run("commit", "server", f"{dock.name}-db", "--yes", *config)


def test_a_second_move_works_after_a_rollback(dock, again):
    there = dock.all("compute", "servers", f"{dock.name}-web")
    assert [each.status for each in there] == ["ACTIVE"]
    assert dock.disk(there[0], "destination") == dock.disk(dock.web, "source")


def test_one_server_is_committed_alone(lab, dock, again):
    assert dock.status(f"{dock.name}-db", "source") is None
    assert dock.status(f"{dock.name}-web", "source") == "SHUTOFF"
    (row,) = [each for each in lab.listing("status") if each["Selection"] == f"project {dock.name}"]
    assert row["State"] == "partly committed"


def test_what_is_committed_cannot_be_rolled_back_and_the_rest_can(lab, dock, config, again):
    done = lab.run("rollback", "server", f"{dock.name}-web", "--yes", *config)
    assert done.returncode == 0
    refused = lab.run("rollback", "project", dock.name, "--yes", *config, check=False)
    assert refused.returncode == 3
    assert dock.status(f"{dock.name}-web", "source") == "ACTIVE"


def test_nothing_temporary_is_left(lab, again):
    for side in ("source", "destination"):
        assert traces(inventory(lab.connect(side))) == []
