"""What the lab's commands do: up, status, down, reset."""

import concurrent.futures
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pumphouse.errors import LabError
from pumphouse.lab import golden
from pumphouse.lab.client_files import write_client_files
from pumphouse.lab.cloud import CLOUD_NAMES, PACKAGES, PORT_OFFSETS, SHARED_BACKEND, Cloud
from pumphouse.lab.configuration import write_configuration
from pumphouse.lab.environments import ensure_environment, package_version
from pumphouse.lab.home import choose_settings, clouds_of, only_user, read_settings, write_settings
from pumphouse.lab.processes import (
    find_all,
    find_process,
    last_words,
    require_free_port,
    start_process,
    state,
    stop_processes,
)

Say = Callable[[str], None]
# Those whose imports take longest begin first.
START_ORDER = ("nova", "keystone", "neutron", "cinder", "glance", "placement")
START_SECONDS = 300
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class ServiceStatus:
    """One service as ``lab status`` shows it."""

    cloud: str
    service: str
    release: str
    version: str
    state: str
    pid: int | None
    port: int
    memory_mib: int | None
    log: str


@dataclass(frozen=True)
class _Run:
    """One service and the process that runs it."""

    cloud: Cloud
    service: str
    process: psutil.Process

    def __str__(self) -> str:
        return f"{self.service} ({self.cloud.name})"


def up(home: Path, asked: dict[str, Any], say: Say) -> list[Cloud]:
    """Start what of both clouds does not run; return when all of it answers.

    :param asked: see ``choose_settings``.
    """
    with only_user(home):
        settings = choose_settings(home, asked)
        clouds = clouds_of(home, settings)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda cloud: ensure_environment(cloud.release, say), clouds))
        missing = _missing(clouds, say)
        if not missing:
            say("the lab is running already")
            return clouds
        for cloud, service in missing:
            require_free_port(cloud, service)
        write_settings(home, settings, clouds)
        write_client_files(home, clouds)
        fresh = [cloud for cloud in clouds if not golden.has_state(cloud)]
        for cloud in clouds:
            if cloud in fresh and golden.has_golden(cloud):
                golden.empty(cloud)
            write_configuration(cloud)
        _start(missing, say)
        for cloud in fresh:
            if not golden.has_golden(cloud):
                golden.save_golden(cloud)
        return clouds


def down(home: Path, say: Say) -> None:
    """Stop every process of the lab, also those no file names any more."""
    if not home.is_dir():
        say(f"there is no lab at {home}")
        return
    with only_user(home):
        _stop(home, CLOUD_NAMES, say)


def reset(home: Path, say: Say, only: str | None = None) -> None:
    """Stop the lab and empty both clouds, or one of them; the next ``up`` starts them as new.

    :param only: ``source`` or ``destination``; the other cloud goes on running.
    """
    clouds = [cloud for cloud in _existing(home) if only in (None, cloud.name)]
    with only_user(home):
        _stop(home, [cloud.name for cloud in clouds], say)
        for cloud in clouds:
            golden.empty(cloud)
        if only is None:
            shutil.rmtree(clouds[0].volumes_directory(SHARED_BACKEND), ignore_errors=True)
    say(f"{f'the {only} is' if only else 'both clouds are'} empty; `pumphouse lab up` starts what is stopped")
    if (home / "ledger.sqlite").exists():
        say(f"{home / 'ledger.sqlite'} still tells of what was in them: delete it to begin anew")


def status(home: Path) -> list[ServiceStatus]:
    """Every service of both clouds."""
    return [_status(cloud, service) for cloud in _existing(home) for service in PORT_OFFSETS]


def _existing(home: Path) -> list[Cloud]:
    settings = read_settings(home)
    if settings is None:
        raise LabError(f"there is no lab at {home}", f"start one with: pumphouse lab up --home {home}")
    return clouds_of(home, settings)


def _missing(clouds: list[Cloud], say: Say) -> list[tuple[Cloud, str]]:
    """The services without a process; one whose process does not answer is an error."""
    missing = []
    for service in START_ORDER:
        for cloud in clouds:
            process = find_process(cloud, service)
            if process is None:
                missing.append((cloud, service))
            elif not _answers_soon(_Run(cloud, service, process)):
                raise LabError(
                    f"{service} ({cloud.name}) runs as process {process.pid} and does not serve port"
                    f" {cloud.ports[service]}: {state(cloud, service, process)}",
                    f"see {cloud.console_log(service)};"
                    f" run `pumphouse lab down --home {cloud.home}`, then `up`",
                )
    if missing and len(missing) < len(clouds) * len(START_ORDER):
        say("not running: " + ", ".join(f"{service} ({cloud.name})" for cloud, service in missing))
    return missing


def _answers_soon(run: _Run) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS
    while state(run.cloud, run.service, run.process) != "up":
        if time.monotonic() > deadline or not run.process.is_running():
            return False
        time.sleep(0.2)
    return True


def _start(missing: list[tuple[Cloud, str]], say: Say) -> None:
    say(f"starting {len(missing)} services")
    started = time.monotonic()
    waiting = [_Run(cloud, service, start_process(cloud, service)) for cloud, service in missing]
    everything = list(waiting)
    try:
        while waiting:
            for run in list(waiting):
                _require_alive(run)
                if state(run.cloud, run.service, run.process) == "up":
                    say(f"{run} answers after {time.monotonic() - started:.1f} s")
                    waiting.remove(run)
            if waiting and time.monotonic() - started > START_SECONDS:
                raise LabError(
                    f"{waiting[0]} does not answer after {START_SECONDS} s",
                    f"see {waiting[0].cloud.console_log(waiting[0].service)}",
                )
            time.sleep(0.1)
    except BaseException:  # leave nothing half-started, whatever ended the wait
        stop_processes(run.process for run in everything)
        raise


def _require_alive(run: _Run) -> None:
    if run.process.is_running() and run.process.status() != psutil.STATUS_ZOMBIE:
        return
    log = run.cloud.console_log(run.service)
    raise LabError(f"{run} died while it started: {last_words(log)}", f"see {log}")


def _stop(home: Path, names: Sequence[str], say: Say) -> None:
    processes = find_all(home, names)
    stop_processes(processes)
    for name in names:
        for file in (home / name / "run").glob("*.pid"):
            file.unlink()
    say(f"stopped {len(processes)} processes" if processes else "nothing was running")


def _status(cloud: Cloud, service: str) -> ServiceStatus:
    process = find_process(cloud, service)
    return ServiceStatus(
        cloud=cloud.name,
        service=service,
        release=cloud.release.name,
        version=package_version(cloud.environment, PACKAGES.get(service, service)),
        state=state(cloud, service, process) if process else "down",
        pid=process.pid if process else None,
        port=cloud.ports[service],
        memory_mib=process.memory_info().rss >> 20 if process else None,
        log=str(cloud.log / f"{service}.log"),
    )
