"""Build the virtual environment of a release with uv, once, shared by all homes."""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pumphouse.errors import LabError
from pumphouse.lab.releases import Release

STAMP = "pumphouse-lab.stamp"


def environments_directory() -> Path:
    """Where environments are kept: ``PUMPHOUSE_LAB_ENVIRONMENTS``, or the user's cache."""
    chosen = os.environ.get("PUMPHOUSE_LAB_ENVIRONMENTS")
    return Path(chosen or "~/.cache/pumphouse/environments").expanduser().absolute()


def ensure_environment(release: Release, say: Callable[[str], None]) -> Path:
    """The environment of ``release``; builds it when it is not there, half-built or of other requirements.

    The stamp, written last, holds a hash of the requirements file: with it in place nothing is run at all.
    """
    directory = environments_directory() / release.name
    wanted = hashlib.sha256(release.requirements.read_bytes()).hexdigest()
    stamp = directory / STAMP
    if _is_stamped(stamp, wanted):
        return directory
    with _only_builder(directory):
        if _is_stamped(stamp, wanted):  # somebody else built it while this process waited
            return directory
        say(f"building environment {release.name} in {directory}")
        started = time.monotonic()
        stamp.unlink(missing_ok=True)
        _build(release, directory)
        stamp.write_text(wanted)
        say(f"building environment {release.name} done in {time.monotonic() - started:.0f} s")
    return directory


def package_version(environment: Path, package: str) -> str:
    """The version of a package installed in an environment, empty when it is not there."""
    found = sorted(environment.glob(f"lib/python3*/site-packages/{package}-*.dist-info"))
    return found[0].name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


def _is_stamped(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


@contextmanager
def _only_builder(directory: Path) -> Iterator[None]:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f".{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(release: Release, directory: Path) -> None:
    _uv("venv", "--clear", "--python", release.python, str(directory))
    # --python: without it `python -m uv` installs into the environment it runs in itself.
    # --no-deps: the file names every package, so there is nothing to resolve.
    # --compile-bytecode: without it the first import of a service takes five times as long.
    _uv(
        "pip", "install", "--python", str(directory / "bin" / "python"), "--no-deps", "--compile-bytecode",
        "--requirement", str(release.requirements),
    )  # fmt: skip


def _uv(*arguments: str) -> None:
    """Run uv; where it fails, perhaps for want of a network, run it once more on its cache alone."""
    command = [sys.executable, "-m", "uv", *arguments]
    # As pip does, trust what the machine trusts: uv's own certificates know no proxy in between.
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ}
    first = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if first.returncode == 0:
        return
    again = subprocess.run([*command, "--offline"], capture_output=True, check=False, env=environment)
    if again.returncode == 0:
        return
    reason = first.stderr.strip() or "no message"
    raise LabError(
        f"uv {arguments[0]} failed: {reason.splitlines()[-1].strip()}",
        f"see the whole message with: {' '.join(command)}",
    )
