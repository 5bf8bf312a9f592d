"""What is in deploy/ fits the program: commands, options, metrics."""

import json
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from pumphouse.api import guarding, measuring
from pumphouse.cli.main import App

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
METRIC = re.compile(r"\bpumphouse_\w+")


class Nothing:
    """A desk and a service of an empty ledger."""

    jobs = type("Jobs", (), {"all": lambda *_: (), "unfinished": lambda *_: ()})()

    def migrations(self) -> tuple[()]:
        return ()


@pytest.fixture
def metrics() -> set[str]:
    """Names that /metrics tells of."""
    registry = CollectorRegistry()
    meters = guarding.Meters(registry)
    meters.answers.labels("GET", "jobs", 200).inc()
    meters.seconds.labels("GET", "jobs").observe(0.1)
    here: Any = Nothing()
    registry.register(measuring._Ledger(here, here))
    return set(re.findall(r"^(?:# TYPE )?(pumphouse_\w+)", generate_latest(registry).decode(), re.MULTILINE))


def expressions() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    board = json.loads((DEPLOY / "grafana" / "pumphouse.json").read_text())
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return alerts + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_alerts_and_dashboard_ask_for_metrics_that_there_are(metrics: set[str]) -> None:
    asked = {name for text in expressions() for name in METRIC.findall(text)}
    assert len(asked) > 3 and asked <= metrics


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_there_is(unit: Path) -> None:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    _, *words = parser["Service"]["ExecStart"].replace("%i", "1").split()
    app = App()
    options, rest = app.parser.parse_known_args(words)
    command, _, left = app.command_manager.find_command(rest)
    assert str(options.config) == "/etc/pumphouse/config.yaml"
    assert command and not left


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(unit.read_text().replace("/opt/pumphouse/bin/pumphouse", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if unit.name.split("@")[0] in line]
    assert not ours, done.stderr


def test_the_container_installs_extras_that_there_are() -> None:
    extras = re.search(r"\[(.*)\]'", (DEPLOY / "Containerfile").read_text())
    known = (DEPLOY.parent / "pyproject.toml").read_text()
    assert extras
    for extra in extras[1].split(","):
        assert re.search(rf"^{extra} = ", known, re.MULTILINE), extra
