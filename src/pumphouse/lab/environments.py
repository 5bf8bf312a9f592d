"""Build the virtual environment of a release with uv, once, shared by all homes."""

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pumphouse.errors import LabError
from pumphouse.lab.releases import Release

STAMP = "pumphouse-lab.stamp"


def environments_directory() -> Path:
    """Where environments are kept: ``PUMPHOUSE_LAB_ENVIRONMENTS``, or the user's cache."""
    chosen = os.environ.get("PUMPHOUSE_LAB_ENVIRONMENTS")
    return Path(chosen or "~/.cache/pumphouse/environments").expanduser().absolute()


def environment_of(release: Release) -> Path:
    """Where the environment of ``release`` is, built or not.

    Its name tells Python and requirements: a lab that runs from it keeps it when another Pumphouse wants others.
    """
    described = release.python.encode() + release.requirements.read_bytes()
    return environments_directory() / f"{release.name}-{hashlib.sha256(described).hexdigest()[:8]}"


def ensure_environment(release: Release, say: Callable[[str], None]) -> Path:
    """The environment of ``release``; builds it when it is not there or half-built.

    The stamp is written last: with it in place nothing is run at all.
    """
    directory = environment_of(release)
    stamp = directory / STAMP
    if stamp.exists():
        return directory
    with _only_builder(directory):
        if stamp.exists():  # somebody else built it while this process waited
            return directory
        say(f"building environment {release.name} in {directory}")
        started = time.monotonic()
        _build(release, directory)
        stamp.touch()
        say(f"building environment {release.name} done in {time.monotonic() - started:.0f} s")
    return directory


def package_version(environment: Path, package: str) -> str:
    """The version of a package installed in an environment, empty when it is not there."""
    found = sorted(environment.glob(f"lib/python3*/site-packages/{package}-*.dist-info"))
    return found[0].name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


@contextmanager
def _only_builder(directory: Path) -> Iterator[None]:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f".{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_interpreter(release: Release) -> str:
    """The interpreter that ``release`` needs, found by uv: on the PATH, its own, or one of pyenv's.

    :raises LabError: says which is missing.
    """
    found = _run_uv("python", "find", "--no-project", "--no-python-downloads", "--system", release.python)
    if found.returncode != 0:
        raise LabError(
            f"release {release.name} needs Python {release.python}, which is not on this machine",
            f"install it so that `python{release.python}` or pyenv has it",
        )
    return found.stdout.strip()


def _build(release: Release, directory: Path) -> None:
    _uv("venv", "--clear", "--python", find_interpreter(release), str(directory))
    python = str(directory / "bin" / "python")
    # --python: without it `python -m uv` installs into the environment it runs in itself.
    # --no-deps: the file names every package, so there is nothing to resolve.
    _uv("pip", "install", "--python", python, "--no-deps", "--requirement", str(release.requirements))
    # Without it the first import of a service takes five times as long. Not by uv, which cannot for Python 3.6;
    # some files are templates or for another Python, and do not compile.
    subprocess.run(
        [python, "-m", "compileall", "-q", "-j", "0", str(directory / "lib")],
        capture_output=True,
        check=False,
    )


def _uv(*arguments: str) -> None:
    """Run uv; where it fails, perhaps for want of a network, run it once more on its cache alone."""
    first = _run_uv(*arguments)
    if first.returncode == 0 or _run_uv(*arguments, "--offline").returncode == 0:
        return
    reason = first.stderr.strip() or "no message"
    raise LabError(
        f"uv {arguments[0]} failed: {reason.splitlines()[-1].strip()}",
        f"see the whole message with: {shlex.join(first.args)}",
    )


def _run_uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    # As pip does, trust what the machine trusts: uv's own certificates know no proxy in between.
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ, "PATH": _search_path()}
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _search_path() -> str:
    """The PATH with pyenv's interpreters themselves instead of its shims.

    A shim ends with an error unless its version was activated, and uv then gives up.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    directories = [each for each in os.get_exec_path() if Path(each) != pyenv / "shims"]
    with suppress(PermissionError):  # somebody else's, whose variable was inherited
        directories += map(str, sorted(pyenv.glob("versions/*/bin")))
    return os.pathsep.join(directories)
