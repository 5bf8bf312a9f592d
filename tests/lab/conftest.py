"""The lab that all tests here share, and the stages of the story they tell.

Project ``acme-shop`` is prepared, migrated and rolled back; then it is migrated together with ``acme-lab``,
killed again and again on the way, and committed. Each stage is a session fixture that asks for the one
before it, so any module can also be run alone.
"""

import fcntl
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import openstack
import pytest
from clouds import Objects, inventory, lower_versions
from killing import POINTS, Point, run_and_kill
from openstack.config import OpenStackConfig
from portrait import portrait

#: Modules in the order in which they leave the clouds in a state that the next one can use.
STORY = (
    *("test_lab_populate", "test_bad_input", "test_plan_file", "test_migrate", "test_verify"),
    *("test_rollback", "test_kill", "test_commit"),
)
#: The museum is moved back into an emptied source.
LAST = ("test_secrets", "test_museum")
HIGHEST_OFFSET = 10_778
SIDES = ("source", "destination")
#: With _SOURCE or _DESTINATION: the release of that cloud, where it is not the lab's usual one.
RELEASE = "PUMPHOUSE_TEST_LAB"


class Lab:
    """Two clouds on this machine, and the command line to work on them."""

    def __init__(self, home: pathlib.Path, *options: str, port: str | None = None) -> None:
        """:param options: for the first start. :param port: base port; else one that is free."""
        self.home = home
        self.options, self.port = options, port
        home.mkdir(parents=True, exist_ok=True)
        self.config = home / "config.yaml"
        self.printed: list[str] = []
        self.titles: list[bytes] = []

    def up(self) -> None:
        """Start both clouds; a home that was used before keeps its ports."""
        if (self.home / "lab.json").exists():
            self.run("lab", "up")
            return
        chosen = [
            f"--{side}={release}"
            for side in SIDES
            if (release := os.environ.get(f"{RELEASE}_{side.upper()}"))
        ]
        port = str(_free_base_port(self.port))
        done = self.run("lab", "up", "--base-port", port, *chosen, *self.options, check=False)
        if "is not on this machine" in done.stderr:
            pytest.skip(done.stderr.strip().splitlines()[-2])
        assert done.returncode == 0, done.stderr

    def down(self) -> None:
        """Stop both clouds."""
        self.run("lab", "down")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the source was filled with; fills it when this is asked for the first time."""
        self.run("lab", "populate")
        manifest: dict[str, Any] = json.loads((self.home / "populated.json").read_text())
        return manifest

    def files(self, side: str) -> pathlib.Path:
        """Where the services of a cloud keep their data."""
        return self.home / side / "data"

    def connect(self, side: str, **auth: str) -> openstack.connection.Connection:
        """A plain connection as the administrator, or as whoever ``auth`` says."""
        config = OpenStackConfig(config_files=[str(self.home / "clouds.yaml")], load_envvars=False)
        return openstack.connection.Connection(config=config.get_one(cloud=f"pumphouse-{side}", auth=auth))

    def command(self, *args: str) -> list[str]:
        """The words of a command; those of the lab take the home, all others the configuration."""
        place = ("--home", str(self.home)) if args[0] == "lab" else ("--config", str(self.config))
        given = () if "--config" in args else place
        return [sys.executable, "-m", "pumphouse.cli.main", *args, *given]

    def run(
        self, *args: str, check: bool = True, input: str | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        start = time.monotonic()
        done = subprocess.run(
            self.command(*args),
            check=False,
            **({"input": input} if input else {"stdin": subprocess.DEVNULL}),
            env=os.environ | (env or {}),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=600,
        )
        print(f"pumphouse {' '.join(args)}: {done.returncode} after {time.monotonic() - start:.1f} s")
        print(done.stdout, done.stderr, sep="\n")
        self.printed += [done.stdout, done.stderr]
        assert not check or done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"
        return done

    def look(self, *args: str) -> "Stage":
        """Run a command, if one is given, and take note of everything in both clouds."""
        done = self.run(*args) if args else None
        inventories = {side: inventory(self.connect(side)) for side in ("source", "destination")}
        names = [self.manifest["parent"], *(each["name"] for each in self.manifest["projects"])]
        portraits = {
            (side, name): portrait(everything, name, self.files(side))
            for side, everything in inventories.items()
            for name in names
            if any(each["name"] == name for each in everything["project"].values())
        }
        return Stage(inventories, portraits, done)

    def kill(self, point: Point, *args: str) -> bool:
        """Run a command and kill it at that point; whether it came to it."""
        killed = run_and_kill(self.command(*args), self.home / "ledger.sqlite", point)
        print(f"pumphouse {' '.join(args)}: to be killed at {point}: {killed.in_time}")
        print(killed.output)
        self.printed.append(killed.output)
        self.titles.append(killed.title)
        return killed.in_time

    def listing(self, *args: str) -> list[dict[str, Any]]:
        """The rows that a command prints."""
        rows: list[dict[str, Any]] = json.loads(self.run(*args, "-f", "json").stdout)
        return rows


@dataclass(frozen=True)
class Stage:
    """Both clouds as they were at one moment, and the command that brought them there.

    :param inventories: all there is, by cloud.
    :param portraits: what there is of a tenant's project, by cloud and project.
    """

    inventories: dict[str, dict[str, Objects]]
    portraits: dict[tuple[str, str], dict[str, Any]]
    done: subprocess.CompletedProcess[str] | None


def _free_base_port(wanted: str | None) -> int:
    candidates = [int(wanted)] if wanted else range(21_000, 15_000, -1_000)
    for base in candidates:
        ports = [base + offset for offset in (0, 292, 696, 774, 776, 778, 10_000, HIGHEST_OFFSET)]
        if _claim(base) and all(map(_is_free, ports)):
            return base
    pytest.exit(f"no free ports for the lab at {list(candidates)}", returncode=1)


def _claim(base: int) -> bool:
    """Keep other tests that run beside these off the ports, until this process ends."""
    path = pathlib.Path(tempfile.gettempdir()) / f"pumphouse-test-ports-{base}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Both clouds, running; stopped at the end unless PUMPHOUSE_TEST_LAB_KEEP is set."""
    home = os.environ.get("PUMPHOUSE_TEST_LAB_HOME") or tmp_path_factory.mktemp("lab")
    made = Lab(pathlib.Path(home), port=os.environ.get("PUMPHOUSE_TEST_LAB_PORT"))
    made.up()
    lower_versions(*map(made.connect, SIDES))
    yield made
    if not os.environ.get("PUMPHOUSE_TEST_LAB_KEEP"):
        made.down()


@pytest.fixture(scope="session")
def machine_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own whose hosts stand on machines: two and a controller in the source, one in the destination."""
    yield from _with_machines(tmp_path_factory, "machines", "--controllers", "1")


@pytest.fixture(scope="module")
def fuel_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The same without a controller, and with a Fuel master that installs the machines."""
    yield from _with_machines(tmp_path_factory, "fuel", "--engine", "fuel")


@pytest.fixture(scope="module")
def ironic_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Another one, whose machines have Redfish BMCs and are installed by Ironic."""
    yield from _with_machines(tmp_path_factory, "ironic", "--bmc", "redfish", "--engine", "ironic")


def _with_machines(factory: pytest.TempPathFactory, name: str, *options: str) -> Iterator[Lab]:
    """Home and base port may be said, e.g. as PUMPHOUSE_TEST_MACHINES_HOME and _PORT."""
    said = f"PUMPHOUSE_TEST_{name.upper()}"
    made = Lab(
        pathlib.Path(os.environ.get(f"{said}_HOME") or factory.mktemp(name)),
        *("--machines", "--source-hosts", "2", "--boot-seconds", "0.5", *options),
        port=os.environ.get(f"{said}_PORT"),
    )
    made.up()
    yield made
    if not os.environ.get("PUMPHOUSE_TEST_LAB_KEEP"):
        made.down()


PROJECT = ("project", "acme-shop")
BOTH = ("project", "acme-shop", "acme-lab")


@pytest.fixture(scope="session")
def untouched(lab: Lab) -> Stage:
    """A filled source, a destination as its deployer left it."""
    lab.manifest  # noqa: B018 - fills the source
    return lab.look()


@pytest.fixture(scope="session")
def prepared(lab: Lab, untouched: Stage) -> Stage:
    """What needs no downtime is done."""
    return lab.look("migrate", *PROJECT, "--yes", "--prepare-only")


@pytest.fixture(scope="session")
def migrated(lab: Lab, prepared: Stage) -> Stage:
    """One project has moved."""
    return lab.look("migrate", *PROJECT, "--yes")


@pytest.fixture(scope="session")
def rolled_back(lab: Lab, migrated: Stage) -> Stage:
    """And has been taken back."""
    return lab.look("rollback", *PROJECT, "--yes")


@pytest.fixture(scope="session")
def interrupted(lab: Lab, rolled_back: Stage) -> Stage:
    """Both projects have moved, in as many runs as there are kills and one more."""
    for point in POINTS:
        assert lab.kill(point, "migrate", *BOTH, "--yes"), point
    return lab.look("migrate", *BOTH, "--yes")


@pytest.fixture(scope="session")
def committed(lab: Lab, interrupted: Stage) -> Stage:
    """The originals are deleted."""
    return lab.look("commit", *BOTH, "--yes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the lab itself first, then the story in its order; all of them need the lab."""
    directory = pathlib.Path(__file__).parent
    here = [item for item in items if directory in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.lab)
    here.sort(key=lambda item: (item.path.stem in LAST, _chapter(item)))
    places = [index for index, item in enumerate(items) if item in set(here)]
    for place, item in zip(places, here, strict=True):
        items[place] = item


def _chapter(item: pytest.Item) -> int:
    return STORY.index(item.path.stem) + 1 if item.path.stem in STORY else 0
