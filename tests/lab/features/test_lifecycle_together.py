"""Two processes at once on one ledger: what they share is made once, and neither disturbs the other."""

import os
import re
import signal
import subprocess
import time

import pytest
from clouds import inventory, traces
from killing import events
from tenant import Tenant, wait


@pytest.fixture(scope="module")
def pair(lab):
    """Two projects that use the same flavor, the same image and the same shared network."""
    first = Tenant(lab, "quay").furnish(11)
    second = Tenant(lab, "pier")
    first.here.network.update_network(first.network, shared=True)
    first.tenant.image.update_image(first.image, visibility="shared")
    first.tenant.image.add_member(first.image, member_id=second.project.id)
    second.tenant.image.update_member(second.project.id, image=first.image, status="accepted")
    second.furnish(12, image=first.image)
    second.network = first.network
    for tenant in (first, second):
        tenant.made = tenant.server(f"{tenant.name}-1", volumes=1)
    return first, second


def start(lab, *args):
    """A command that runs beside the test."""
    return subprocess.Popen(
        lab.command(*args),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(lab, process):
    """Its exit code and what it printed."""
    output, _ = process.communicate(timeout=300)
    print(output)
    lab.printed.append(output)
    return process.returncode, output


def reached(lab, process, action, name, last):
    """Whether the running command has come to an action of a resource of this name."""
    if process.poll() is not None:
        pytest.fail(f"ended before {action}: {process.communicate()[0]}")
    told = events(lab.home / "ledger.sqlite", last)
    return any((data.get("action"), data.get("name")) == (action, name) for _, _, data in told)


def last_event(lab):
    return max((number for number, *_ in events(lab.home / "ledger.sqlite", 0)), default=0)


@pytest.fixture(scope="module")
def together(lab, pair):
    """Both are migrated at the same time, by two processes."""
    commands = [("migrate", "project", tenant.name, "--yes") for tenant in pair]
    return [ended(lab, process) for process in [start(lab, *command) for command in commands]]


def test_both_end_well(together):
    assert [code for code, _ in together] == [0, 0]


def test_what_they_share_is_there_once(pair, together):
    first = pair[0]
    assert first.there("compute", "flavors", first.flavor.name)
    assert first.there("image", "images", first.image.name)
    assert first.there("network", "networks", f"{first.name}-net")
    for tenant in pair:
        assert tenant.status(tenant.made.name, "destination") == "ACTIVE"
        assert tenant.status(tenant.made.name, "source") == "SHUTOFF"
        moved = tenant.all("compute", "servers", tenant.made.name)[0]
        assert tenant.disk(moved, "destination") == tenant.disk(tenant.made, "source")


def test_nothing_temporary_is_left(lab, together):
    for side in ("source", "destination"):
        assert traces(inventory(lab.connect(side))) == []


@pytest.fixture(scope="module")
def back(lab, pair, together):
    """Both are taken back, at the same time too."""
    commands = [("rollback", "project", tenant.name, "--yes") for tenant in pair]
    codes = [ended(lab, process)[0] for process in [start(lab, *command) for command in commands]]
    assert codes == [0, 0]


def test_both_are_taken_back(pair, back):
    for tenant in pair:
        assert tenant.status(tenant.made.name, "destination") is None
        assert tenant.status(tenant.made.name, "source") == "ACTIVE"


@pytest.fixture(scope="module")
def killed(lab, pair, back):
    """One is killed while it copies, the other goes on; meanwhile a third is refused."""
    first, second = pair
    slow = ("--bandwidth", "0.002")  # a MiB takes longer than all of this
    last = last_event(lab)
    victim = start(lab, "migrate", "project", first.name, "--yes", *slow)
    wait("the copy", lambda: reached(lab, victim, "transfer", first.made.name + "-data-0", last), 120)
    refused = lab.run("migrate", "server", first.made.name, "--yes", check=False)
    same = lab.run("migrate", "project", first.name, "--yes", check=False)
    other = start(lab, "migrate", "project", second.name, "--yes")
    wait("the other", lambda: reached(lab, other, "stop", second.made.name, last), 120)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    code, output = ended(lab, other)
    begun = time.monotonic()
    again = lab.run("migrate", "project", first.name, "--yes", check=False)
    return {
        "victim": victim.pid,
        "refused": refused,
        "same": same,
        "other": (code, output),
        "again": again,
        "seconds": time.monotonic() - begun,
    }


@pytest.mark.parametrize("command", ["refused", "same"])
def test_the_same_workload_in_two_runs_is_refused_with_who_has_it(killed, command):
    done = killed[command]
    assert done.returncode == 3
    assert re.search(
        rf"is being worked on by .*process {killed['victim']} on {os.uname().nodename}", done.stderr
    )


def test_the_other_is_not_disturbed_by_the_kill(killed):
    code, output = killed["other"]
    assert code == 0, output


def test_the_killed_one_goes_on_with_the_same_command(pair, killed):
    assert killed["again"].returncode == 0, killed["again"].stdout + killed["again"].stderr
    for tenant in pair:
        moved = tenant.all("compute", "servers", tenant.made.name)
        assert [each.status for each in moved] == ["ACTIVE"]
        assert tenant.disk(moved[0], "destination") == tenant.disk(tenant.made, "source")


def test_nothing_temporary_is_left_of_either(lab, killed):
    for side in ("source", "destination"):
        assert traces(inventory(lab.connect(side))) == []


def test_all_of_it_can_be_committed(lab, pair, killed):
    lab.run("commit", "project", *(tenant.name for tenant in pair), "--yes")
    for tenant in pair:
        assert tenant.status(tenant.made.name, "source") is None
        assert tenant.status(tenant.made.name, "destination") == "ACTIVE"
