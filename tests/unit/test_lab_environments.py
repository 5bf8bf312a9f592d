"""Building an environment: what uv is told, what happens without a network, what a stamp saves."""

import pathlib
import subprocess
import sys
from dataclasses import replace

import pytest

from pumphouse.errors import LabError
from pumphouse.lab.environments import ensure_environment, environment_of, find_interpreter, package_version
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

    def __call__(self, command, **options):
        self.append(command)
        self.path = options.get("env", {}).get("PATH")
        if "venv" in command:
            pathlib.Path(command[-1]).mkdir(exist_ok=True)
        said = "/opt/python\n" if "find" in command else ""
        return subprocess.CompletedProcess(
            command, int(self.fail(command)), said, "first\nno route to host\n"
        )


ZED = find_release("zed")


def test_uv_never_touches_the_environment_it_runs_in(commands, tmp_path):
    environment = ensure_environment(ZED, lambda _: None)
    assert environment == environment_of(ZED)
    assert environment.parent == tmp_path
    assert environment.name.startswith("zed-")
    find, venv, install, compile_all = commands
    assert (
        find[:4]
        == [*install[:3], "python"]
        == [*venv[:3], "python"]
        == [sys.executable, "-m", "uv", "python"]
    )
    assert venv[venv.index("--python") + 1] == "/opt/python"
    python = str(environment / "bin" / "python")
    assert install[install.index("--python") + 1] == compile_all[0] == python


def test_a_complete_environment_is_left_alone(commands):
    for _ in range(2):
        ensure_environment(ZED, lambda _: None)
    assert len(commands) == 4


def test_other_requirements_or_another_python_are_another_environment(commands):
    names = {environment_of(each) for each in (ZED, replace(ZED, python="3.9"), replace(ZED, name="yoga"))}
    assert len(names) == 3


def test_without_a_network_the_cache_is_enough(commands):
    commands.fail = lambda command: "pip" in command and "--offline" not in command
    ensure_environment(ZED, lambda _: None)
    assert commands[-2][-1] == "--offline"


def test_failure_is_one_line_and_is_tried_again(commands):
    commands.fail = lambda command: "pip" in command
    for _ in range(2):
        with pytest.raises(LabError, match="uv pip failed: no route to host"):
            ensure_environment(ZED, lambda _: None)
    assert len(commands) == 8


def test_a_missing_interpreter_is_named(commands):
    commands.fail = lambda command: "find" in command
    with pytest.raises(LabError, match=r"release train needs Python 3\.6, which is not on this machine"):
        ensure_environment(find_release("train"), lambda _: None)
    assert len(commands) == 1


def test_interpreters_of_pyenv_are_found_without_its_shims(commands, monkeypatch, tmp_path):
    (tmp_path / "versions" / "3.6.15" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/shims:/usr/bin")
    find_interpreter(ZED)
    assert commands.path == f"/usr/bin:{tmp_path}/versions/3.6.15/bin"


def test_version_of_a_package(tmp_path):
    (tmp_path / "lib" / "python3.11" / "site-packages" / "nova-26.2.0.dist-info").mkdir(parents=True)
    assert package_version(tmp_path, "nova") == "26.2.0"
    assert package_version(tmp_path, "glance") == ""
