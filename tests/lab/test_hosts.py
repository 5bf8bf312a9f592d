"""Hosts of both clouds, as Nova tells of them and as their BMCs do."""

import json
import pathlib
import socket
import subprocess
import sys
import time

import pytest
import yaml

BMC = pathlib.Path(__file__).parents[1] / "machines" / "bmc.py"


@pytest.fixture(scope="module")
def machine(lab, tmp_path_factory):
    """A real IPMI BMC, as that of the source's first host; beside it one that nobody answers for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    directory = tmp_path_factory.mktemp("machine")
    state = directory / "machine.json"
    command = [sys.executable, BMC, str(port), "operator", "bmc-s3cret", state]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    first = sorted(h.name for h in lab.connect("source").compute.hypervisors())[0]
    login = {"type": "ipmi", "address": "127.0.0.1", "username": "operator", "password": "bmc-s3cret"}
    hosts = [
        {"name": first, "macs": ["52:54:00:12:34:56"], "bmc": {**login, "port": port}},
        {"name": "spare", "bmc": {**login, "address": "127.0.0.2", "port": 9}},
    ]
    (directory / "inventory.yaml").write_text(yaml.safe_dump({"hosts": hosts}))
    config = yaml.safe_load(lab.config.read_text())
    config |= {"clouds_file": str(lab.home / "clouds.yaml"), "inventory": str(directory / "inventory.yaml")}
    config |= {"ledger": str(directory / "ledger.sqlite"), "log_dir": str(directory)}
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    yield first, ("--config", str(directory / "config.yaml"))
    running.kill()
    running.wait()


def test_every_host_of_both_clouds_is_listed_with_its_servers(lab):
    assert lab.manifest["projects"]
    rows = {row["Host"]: row for row in lab.listing("host", "list")}
    for side in ("source", "destination"):
        cloud = lab.connect(side)
        servers = [s.compute_host for s in cloud.compute.servers(all_projects=True)]
        for hypervisor in cloud.compute.hypervisors(details=True):
            row = rows[hypervisor.name]
            assert (row["Cloud"], row["State"], row["Status"]) == (side, "up", "enabled")
            assert row["Servers"] == str(servers.count(hypervisor.name))
    assert sum(int(row["Servers"]) for row in rows.values()) > 0


def test_power_and_bmcs_are_told(lab, machine):
    first, config = machine
    rows = {row["Host"]: row for row in json.loads(lab.run("host", "list", "-f", "json", *config).stdout)}
    assert (rows[first]["Power"], rows["spare"]["Power"], rows["spare"]["Cloud"]) == ("off", "unknown", "")
    shown = {
        r["Field"]: r["Value"]
        for r in json.loads(lab.run("host", "show", first, "-f", "json", *config).stdout)
    }
    assert (shown["MAC addresses"], shown["BMC"]) == ("52:54:00:12:34:56", "answers")


def test_check_proves_every_bmc(lab, machine):
    first, config = machine
    done = lab.run("check", "-f", "json", *config, check=False)
    results = {row["Check"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert results[f"BMC of {first}"]["Result"] == "ok"
    assert results["BMC of spare"]["Result"] == "fail"
    assert "nothing answers" in results["BMC of spare"]["Detail"]
    assert "bmc-s3cret" not in done.stdout + done.stderr


def test_an_unknown_host_is_refused_with_those_there_are(lab):
    done = lab.run("host", "show", "atlantis", check=False)
    assert done.returncode == 2
    assert "no host named 'atlantis'" in done.stderr
    assert "Traceback" not in done.stderr
