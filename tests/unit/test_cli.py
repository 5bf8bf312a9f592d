"""The command line as its users see it: what is printed where, and the exit code."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import yaml
from fake_service import DEMO, DONE, NETWORK, PLAN, SERVER, FakeService, Shell, migration_events

from pumphouse import config
from pumphouse.errors import CloudError, ConfigError, Interrupted, NotAuthenticated, Refused
from pumphouse.inventory import Inventory
from pumphouse.model import (
    Action,
    Capacity,
    CheckResult,
    Difference,
    Event,
    Item,
    Migration,
    Outcome,
    Problem,
    Result,
    Row,
    RunResult,
    Selection,
    Severity,
)

BLOCK = Problem("server-error", Severity.BLOCK, "server:s1", "server web1 is in ERROR", "Repair it.")
BLOCKED = replace(PLAN, problems=(BLOCK,))
IDLE = replace(PLAN, steps=(PLAN.steps[0],))


@pytest.fixture
def shell(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("source: {cloud: old}\ndestination: {cloud: new}\n")
    return Shell(FakeService(), path)


# errors


@pytest.mark.parametrize(
    "line, said",
    [
        ("plam", "unknown command 'plam'"),
        ("plam --help", "unknown command 'plam'"),
        ("plan --frobnicate", "unrecognized arguments: --frobnicate"),
        ("plan --config", "argument --config: expected one argument"),
        ("plan", "nothing is selected"),
        ("plan tenant demo", "cannot select 'tenant'"),
        ("plan project", "which project?"),
        ("plan identity joe", "identity is selected as a whole"),
        ("plan --all project demo", "--all selects everything"),
        ("plan project demo --filter colour=red", "--filter colour=red: not a filter"),
        ("plan project demo --exclude web1", "--exclude web1: not KIND:NAME"),
        ("plan project demo -f xml", "argument -f/--format: invalid choice"),
        ("plan project demo -f json -c Colour", "no such column: Colour"),
        ("migrate project demo --plan x.yaml --yes", "a saved plan has its selection in it"),
        ("migrate project demo --concurrency 0 --yes", "command line: concurrency: "),
        ("status nothing", "no migration 'nothing'"),
        ("report project demo --html /nowhere/report.html", "/nowhere/report.html: cannot be written"),
    ],
)
def test_wrong_usage_is_one_line_a_remedy_and_exit_code_2(shell, line, said):
    assert shell(line) == 2
    first, *rest = shell.err.splitlines()
    assert first.startswith(f"pumphouse: error: {said}")
    assert len(rest) == 1 and rest[0].startswith("  → ")
    assert shell.out == ""


@pytest.mark.parametrize(
    "error, code",
    [
        (NotAuthenticated("old: the password is wrong", "Look into clouds.yaml."), 4),
        (CloudError("old: said no"), 4),
        (Refused("not now"), 3),
        (ConfigError("config.yaml: wrong"), 2),
    ],
)
def test_an_error_fixes_the_exit_code_and_shows_no_traceback(shell, error, code):
    shell.service.answers["plan"] = error
    assert shell("plan project demo") == code
    remedy = f"  → {error.remedy}\n" if error.remedy else ""
    assert shell.err == f"pumphouse: error: {error.message}\n{remedy}"


def test_a_bug_is_one_line_and_its_traceback_goes_into_the_log(shell, tmp_path):
    shell.service.answers["plan"] = KeyError("zebra")
    assert shell("plan project demo") == 1
    log = tmp_path / "logs" / "pumphouse.log"
    assert shell.err == (
        f"pumphouse: error: this is a bug in pumphouse: KeyError: 'zebra'\n  → The traceback is in {log}.\n"
    )
    assert "Traceback" in log.read_text()


def test_debug_shows_the_traceback(shell):
    shell.service.answers["plan"] = KeyError("zebra")
    assert shell("plan project demo --debug") == 1
    assert "Traceback" in shell.err


def test_what_libraries_log_stays_off_the_screen(shell, tmp_path):
    def noisy(_service):
        logging.getLogger("some.library").error("noise")
        return PLAN

    shell.service.answers["plan"] = noisy
    assert shell("plan project demo") == 0
    assert "noise" not in shell.err
    assert "noise" in (tmp_path / "logs" / "pumphouse.log").read_text()


def test_no_configuration(shell, tmp_path):
    shell.config = tmp_path / "elsewhere.yaml"
    assert shell("plan project demo") == 2
    assert "elsewhere.yaml" in shell.err and "pumphouse init" in shell.err


def test_a_closed_pipe_is_quiet():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pumphouse.cli.main", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_commands_do_not_import_what_only_others_need():
    code = "import sys; from pumphouse.cli.main import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"openstack", "taskflow", "sqlalchemy", "rich", "pydantic", "jinja2"}


# plan


def test_plan_prints_a_tree_without_colours_when_it_is_piped(shell):
    assert shell("plan project demo") == 0
    assert "\x1b" not in shell.out
    lines = shell.out.splitlines()
    assert lines[0] == "project demo: old to new"
    assert any("= reuse m1.small" in line and "has the same size" in line for line in lines)
    assert any("+ create private" in line for line in lines)
    assert any("> move web1  2.0 GiB, about 43 s without service" in line for line in lines)
    assert "1 to create, 1 to reuse, 1 to move" in shell.out
    assert "at most 2.0 GiB" in shell.out


def test_plan_is_coloured_on_a_terminal(shell, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    assert shell("plan project demo", terminal=True) == 0
    assert "\x1b[" in shell.out


def test_plan_as_json(shell):
    assert shell("plan project demo -f json") == 0
    assert json.loads(shell.out)[-1] == {
        "Kind": "server",
        "Name": "web1",
        "Project": "demo",
        "Action": "move",
        "Reason": "",
        "Bytes": 2 << 30,
        "Downtime": 43.0,
        "Source ID": "s1",
        "Destination ID": None,
        "Because": "",
    }


def test_plan_in_the_other_formats(shell):
    assert shell("plan project demo -f csv -c Kind -c Bytes") == 0
    assert list(csv.DictReader(shell.out.splitlines()))[-1] == {"Kind": "server", "Bytes": str(2 << 30)}
    assert shell("plan project demo -f yaml -c Name --sort-column Name") == 0
    assert yaml.safe_load(shell.out)[0] == {"Name": "m1.small"}
    assert shell("plan project demo -f value -c Name") == 0
    assert shell.out.split() == ["m1.small", "private", "web1"]


def test_a_blocked_plan_says_why_and_exits_3(shell):
    shell.service.answers["plan"] = BLOCKED
    assert shell("plan project demo") == 3
    assert "block: server web1 is in ERROR" in shell.out and "→ Repair it." in shell.out
    assert shell("plan project demo -f json") == 3


def test_a_plan_without_work_says_so(shell):
    shell.service.answers["plan"] = IDLE
    assert shell("plan project demo") == 0
    assert shell.out.splitlines()[-1] == "nothing to do: everything is there already"


def test_plan_shows_what_the_destination_will_hold(shell):
    limits = (Capacity("project demo", "cores", 20, 3, 4), Capacity("hypervisors", "vcpus", -1, 1, 2))
    shell.service.answers["plan"] = replace(PLAN, capacity=limits)
    assert shell("plan project demo") == 0
    rows = [line.split() for line in shell.out.splitlines()]
    assert ["project", "demo", "cores", "3", "4", "7", "20"] in rows
    assert ["hypervisors", "vcpus", "1", "2", "3", "unlimited"] in rows


def test_plan_is_saved(shell, tmp_path):
    assert shell(f"plan project demo -o {tmp_path}/plan.yaml") == 0
    assert (tmp_path / "plan.yaml").exists()
    assert "migrate --plan" in shell.err


def test_names_and_options_come_in_any_order(shell):
    assert shell("plan project --filter tag=web demo --exclude server:db* other") == 0
    assert shell.service.did("plan") == [
        (Selection("project", ("demo", "other"), ("tag=web",), ("server:db*",)),)
    ]


def test_names_may_be_in_a_file(shell, tmp_path):
    (tmp_path / "names").write_text("# tonight\nweb1\n\ndb  # the big one\nweb1\n")
    (tmp_path / "left").write_text("server:old-*\n")
    words = f"plan server @{tmp_path}/names last --exclude @{tmp_path}/left --with-connected"
    assert shell(words) == 0
    assert shell.service.did("plan") == [
        (Selection("server", ("web1", "db", "last"), (), ("server:old-*",), connected=True),)
    ]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("# nobody\n", "no name in the file")]
)
def test_a_file_without_names_is_refused(shell, tmp_path, content, said):
    if content:
        (tmp_path / "names").write_text(content)
    assert shell(f"plan server @{tmp_path}/names") == 2
    assert said in shell.err and not shell.service.did("plan")


def test_what_came_along_says_why(shell):
    shell.service.answers["plan"] = replace(PLAN, steps=(replace(SERVER, because="shares network a with b"),))
    assert shell("plan project demo") == 0
    assert "shares network a with b" in shell.out
    assert shell("plan --all --with-connected") == 2


def test_markup_in_names_is_text(shell):
    shell.service.answers["plan"] = replace(PLAN, steps=(replace(NETWORK, name="[red]x[/red]"),))
    assert shell("plan project demo") == 0
    assert "[red]x[/red]" in shell.out


def test_what_may_be_accepted_says_how_and_what_is_says_by_whom(shell):
    loss = Problem("local", Severity.BLOCK, "server:s1", "web1 has a disk", "Copy it.", acceptable=True)
    shell.service.answers["plan"] = replace(PLAN, problems=(loss,))
    assert shell("plan project demo") == 3
    assert "→ Copy it." in shell.out and "--accept local:s1" in shell.out
    shell.service.answers["plan"] = replace(PLAN, problems=(replace(loss, accepted="ann"),))
    assert shell("plan project demo --accept local:s1 --accept other") == 0
    assert "block: web1 has a disk" in shell.out and "accepted by ann" in shell.out
    assert shell.service.did("plan")[-1] == (DEMO, "local:s1", "other")
    assert shell("migrate project demo --yes --accept local:s1") == 0


@pytest.mark.parametrize("command", ["plan", "migrate"])
@pytest.mark.parametrize("text", ["local:", ":web1", ":"])
def test_what_is_accepted_must_be_a_rule(shell, command, text):
    assert shell(f"{command} project demo --accept {text}") == 2
    assert f"--accept {text}: not RULE:RESOURCE" in shell.err


def test_rules_are_listed_in_any_format(shell):
    assert shell("rules -f json") == 0
    listed = {row["Rule"]: row for row in json.loads(shell.out)}
    assert listed["server-local-disks"]["Severity"] == "block"
    assert listed["server-local-disks"]["Acceptable"] is True
    assert listed["server-state"]["Acceptable"] is False
    assert all(row["About"] for row in listed.values())
    for format_ in ("yaml", "csv", "value", "table"):
        assert shell(f"rules -f {format_}") == 0
        assert "server-state" in shell.out


# migrate


def test_migrate_runs_and_sums_up(shell):
    shell.service.published = migration_events()
    assert shell("migrate project demo --yes -f json") == 0
    assert json.loads(shell.out) == [
        {
            "Kind": "server",
            "Name": "web1",
            "Result": "done",
            "Bytes": 2 << 30,
            "Rate": (2 << 30) / 18,
            "Downtime": 15.0,
            "Error": "",
        }
    ]
    assert "2 resources done, 0 failed or skipped, in 1 min 20 s" in shell.err
    for command in ("verify", "commit", "rollback"):
        assert f"pumphouse {command} project demo  #" in shell.err


def test_migrate_asks_on_a_terminal(shell):
    assert shell("migrate project demo", typed="yes\n") == 0
    assert len(shell.service.did("migrate")) == 1
    assert shell("migrate project demo", typed="no\n") == 3
    assert len(shell.service.did("migrate")) == 1


def test_migrate_refuses_to_guess_without_a_terminal(shell):
    assert shell("migrate project demo") == 3
    assert shell.err.splitlines()[-1] == "  → Use --yes."
    assert not shell.service.did("migrate")


def test_dry_run_changes_nothing(shell):
    assert shell("migrate project demo --dry-run") == 0
    assert "> move web1" in shell.out
    assert not shell.service.did("migrate")


def test_a_blocked_migration_is_refused_and_can_leave_out_what_is_blocked(shell):
    shell.service.answers["plan"] = BLOCKED
    assert shell("migrate project demo --yes") == 3
    assert "server web1 is in ERROR" in shell.err and "--skip-blocked" in shell.err
    assert not shell.service.did("migrate")
    assert shell("migrate project demo --yes --skip-blocked") == 0
    assert shell.service.did("migrate")


def test_migrate_with_nothing_to_do(shell):
    shell.service.answers.update(plan=IDLE, migrate=RunResult("m1", ()))
    assert shell("migrate project demo") == 0
    assert shell.err.splitlines() == ["nothing to do: everything is there already"]
    assert shell.out == ""


def test_a_failure_is_one_line_and_exit_code_1(shell):
    failed = (
        Outcome("server:s1", Result.FAIL, None, "the image broke off"),
        Outcome("network:n1", Result.OK),
    )
    shell.service.answers["migrate"] = RunResult("m1", failed)
    assert shell("migrate project demo --yes -f value -c Name -c Result -c Error") == 1
    assert shell.out == "web1 failed the image broke off\n"
    assert "pumphouse migrate project demo  # try again what failed" in shell.err


def test_differences_exit_1(shell):
    difference = Difference("server:s1", "server", "web1", "description", "a", "b")
    shell.service.answers["migrate"] = replace(DONE, differences=(difference,))
    assert shell("migrate project demo --yes") == 1
    assert "server web1: description differs: a at the source, b at the destination" in shell.err


def test_migrate_takes_policy_and_a_saved_plan_from_the_command_line(shell, tmp_path):
    assert (
        shell(f"migrate --plan {tmp_path}/plan.yaml --yes --concurrency 7 --bandwidth 12.5 --prepare-only")
        == 0
    )
    policy = shell.service.config.policy
    assert (policy.concurrency, policy.bandwidth, policy.transfers) == (7, 12.5, 4)
    assert shell.service.did("migrate") == [(PLAN, True)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_and_the_command_can_be_repeated(shell, number):
    def interrupted(service):
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 5
        while not service.cancelled and time.monotonic() < deadline:
            time.sleep(0.001)
        raise Interrupted("stopped")

    shell.service.answers["migrate"] = interrupted
    before = signal.getsignal(number)
    assert shell("migrate project demo --yes") == 130
    assert shell.service.cancelled
    assert signal.getsignal(number) is before
    assert shell.err.splitlines()[-2:] == [
        "stopping: running steps end at their next safe point; press Ctrl-C again to quit at once",
        "pumphouse: stopped; the same command goes on where it was",
    ]


def test_quiet_says_only_errors(shell):
    shell.service.published = migration_events()
    assert shell("-q migrate project demo --yes -f json") == 0
    assert json.loads(shell.out)
    assert "next:" not in shell.err


# verify, commit, rollback


def test_verify_of_equal_clouds(shell):
    shell.service.published = [Event(1.0, "m1", "step.done", "server:s1", {"action": "verify"})]
    assert shell("verify") == 0
    assert shell.service.did("verify") == [(DEMO, True)]
    assert shell.err == "2 resources and 1 disk are equal\n"
    assert shell.out == ""


def test_verify_lists_differences_and_exits_1(shell):
    difference = Difference("server:s1", "server", "web1", "tags", ["a"], [], "")
    shell.service.answers["verify"] = replace(DONE, differences=(difference,))
    assert shell("verify project demo --no-data -f json") == 1
    assert shell.service.did("verify") == [(DEMO, False)]
    assert json.loads(shell.out)[0]["Source"] == ["a"]
    assert shell("verify project demo -f table") == 1
    assert '["a"]' in shell.out


def test_verify_of_an_explained_difference_is_fine(shell):
    difference = Difference("network:n1", "network", "private", "mtu", 1450, 1442, "tunnels", failing=False)
    shell.service.answers["verify"] = replace(DONE, differences=(difference,))
    assert shell("verify") == 0
    assert "tunnels" in shell.out


def test_the_newest_migration_is_meant_when_nothing_is_selected(shell):
    other = Selection("server", ("web9",))
    shell.service.answers["migrations"] = (
        Migration("m2", other, "failed", 0.0, 9.0),
        Migration("m1", DEMO, "x", 1, 2),
    )
    assert shell("rollback --yes") == 0
    assert shell.service.did("rollback") == [(other,)]
    shell.service.answers["migrations"] = ()
    assert shell("commit --yes") == 2


@pytest.mark.parametrize("command", ["commit", "rollback"])
def test_ending_a_migration_shows_asks_and_sums_up(shell, command):
    assert shell(f"{command} project demo -f json", typed="demo\n") == 0
    assert "  server web1 (s1)" in shell.err
    assert [row["Result"] for row in json.loads(shell.out)] == ["ok", "ok"]
    assert shell(f"{command} project demo", typed="yes\n") == 3
    assert shell(f"{command} project demo") == 3
    assert len(shell.service.did(command)) == 1


@pytest.mark.parametrize("command", ["commit", "rollback"])
def test_ending_fails_with_its_steps(shell, command):
    shell.service.answers[command] = RunResult("m1", (Outcome("server:s1", Result.FAIL, None, "in use"),))
    assert shell(f"{command} --yes") == 1
    assert "in use" in shell.out
    shell.service.answers[f"{command}_preview"] = ()
    assert shell(f"{command} --yes") == 0
    assert shell.err.startswith("nothing to do")


# the rest


def test_check_fails_when_a_check_does(shell):
    shell.service.answers["check"] = [
        CheckResult("source: reach", Result.OK, "v3"),
        CheckResult("x", Result.WARN, ""),
    ]
    assert shell("check -f json") == 0
    shell.service.answers["check"] = [
        CheckResult("source: reach", Result.FAIL, "no answer", "Look at auth_url.")
    ]
    assert shell("check") == 1
    assert "Look at auth_url." in shell.out


def test_discover_puts_the_clouds_side_by_side(shell):
    class Facts:
        def __init__(self, *rows):
            self.rows = lambda: list(rows)

    shell.service.answers["discover"] = (
        Facts(("compute", "2.96"), ("old", "1")),
        Facts(("compute", "2.103"), ("new", "2")),
    )
    assert shell("discover -f value") == 0
    assert [line.rstrip() for line in shell.out.splitlines()] == ["compute 2.96 2.103", "old 1", "new  2"]


def test_inventory(shell):
    items = (
        Item("project", "p1", "demo", None, {}),
        Item("server", "s1", "web1", "p1", {}, {"status": "ACTIVE"}),
    )
    shell.service.answers["inventory"] = Inventory("source", items)
    assert shell("inventory source --kind server -f value") == 0
    assert shell.out == "server web1 s1 demo ACTIVE\n"
    assert shell("inventory") == 2


def test_status_lists_migrations_and_rows(shell):
    row = Row("server:s1", "server", "s1", "web1", "s2", "done", "created")
    shell.service.answers["rows"] = (row,)
    assert shell("status -f json") == 0
    assert json.loads(shell.out)[0] == {
        "ID": "m1",
        "Selection": "project demo",
        "State": "migrated",
        "Done": 1,
        "Failed": 0,
        "Started": 1.0,
        "Updated": 2.0,
    }
    assert shell("status m1 -f value") == 0
    assert shell.out == "server web1 done s1 s2\n"


def test_status_follows_the_run_that_is_going_on(shell):
    everything = migration_events()
    shell.service.answers["events"] = lambda service: everything[
        : 5 if len(service.did("events")) == 1 else None
    ]
    assert shell("status --follow") == 0
    lines = shell.out.splitlines()
    assert len(lines) == len(everything)
    assert "run.started" in lines[0] and "run.done" in lines[-1]
    assert any("progress         web1 1.0 GiB of 2.0 GiB, 256 MiB/s, 4.0 s left" in line for line in lines)
    shell.service.calls.clear()
    assert shell("status m1 --follow -f json") == 0
    assert [json.loads(line)["seq"] for line in shell.out.splitlines()] == [e.seq for e in everything]


def test_report_in_short_and_as_files(shell, tmp_path):
    assert shell("report -f json") == 0
    assert {"Field": "Data copied", "Value": 2 << 30} in json.loads(shell.out)
    assert shell(f"report project demo --html {tmp_path}/r.html --json {tmp_path}/r.json") == 0
    assert shell.out == ""
    assert "web1" in (tmp_path / "r.html").read_text()
    assert json.loads((tmp_path / "r.json").read_text())["workloads"][0]["downtime"] == 15.0


def test_init_writes_a_configuration_that_loads(shell, tmp_path):
    shell.config = tmp_path / "new" / "config.yaml"
    assert shell("init --source-cloud mitaka --destination-cloud zed --clouds-file clouds.yaml") == 0
    loaded = config.load(shell.config)
    assert (loaded.source.cloud, loaded.destination.cloud) == ("mitaka", "zed")
    assert loaded.policy == config.Policy()
    assert shell("init") == 3
    assert shell("init --force", typed="first\n\n") == 0
    assert config.load(shell.config).source.cloud == "first"
    assert shell("init --print") == 0
    assert yaml.safe_load(shell.out)["policy"]["concurrency"] == 4


def test_init_explains_every_setting(shell):
    assert shell("init --print") == 0
    for field in config.Policy.model_fields.values():
        assert field.description.split()[0] in shell.out
    uncommented = "\n".join(line.replace("# ", "", 1) for line in shell.out.splitlines() if "# auth" in line)
    assert "auth:" in uncommented


def test_steps_that_are_skipped_are_shown_as_such(shell):
    shell.service.answers["plan"] = replace(
        PLAN, steps=(replace(SERVER, action=Action.SKIP, reason="excluded"),)
    )
    assert shell("plan project demo") == 0
    assert "- skip web1" in shell.out and "excluded" in shell.out
