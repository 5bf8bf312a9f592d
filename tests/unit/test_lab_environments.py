"""Building an environment: what uv is told, what happens without a network, what a stamp saves."""

import pathlib
import subprocess
import sys

import pytest

from pumphouse.errors import LabError
from pumphouse.lab.environments import ensure_environment, package_version
from pumphouse.lab.releases import find_release


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """The commands run; those with a word of ``commands.fail`` in them fail."""
    monkeypatch.setenv("PUMPHOUSE_LAB_ENVIRONMENTS", str(tmp_path))
    run = Commands()
    monkeypatch.setattr(subprocess, "run", run)
    return run


class Commands(list):
    fail = staticmethod(lambda command: False)

    def __call__(self, command, **_):
        self.append(command)
        if "venv" in command:
            pathlib.Path(command[-1]).mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, int(self.fail(command)), "", "first\nno route to host\n")


def test_uv_never_touches_the_environment_it_runs_in(commands, tmp_path):
    environment = ensure_environment(find_release("zed"), lambda _: None)
    assert environment == tmp_path / "zed"
    venv, install = commands
    assert venv[:4] == [*install[:3], "venv"] == [sys.executable, "-m", "uv", "venv"]
    assert install[install.index("--python") + 1] == str(tmp_path / "zed" / "bin" / "python")


def test_a_complete_environment_is_left_alone(commands):
    for _ in range(2):
        ensure_environment(find_release("zed"), lambda _: None)
    assert len(commands) == 2


def test_without_a_network_the_cache_is_enough(commands):
    commands.fail = lambda command: "pip" in command and "--offline" not in command
    ensure_environment(find_release("zed"), lambda _: None)
    assert commands[-1][-1] == "--offline"


def test_failure_is_one_line_and_is_tried_again(commands):
    commands.fail = lambda command: "pip" in command
    for _ in range(2):
        with pytest.raises(LabError, match="uv pip failed: no route to host"):
            ensure_environment(find_release("zed"), lambda _: None)
    assert len(commands) == 6


def test_version_of_a_package(tmp_path):
    (tmp_path / "lib" / "python3.11" / "site-packages" / "nova-26.2.0.dist-info").mkdir(parents=True)
    assert package_version(tmp_path, "nova") == "26.2.0"
    assert package_version(tmp_path, "glance") == ""
