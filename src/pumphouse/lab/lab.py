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
from pumphouse.lab.cloud import SHARED_BACKEND, Cloud
from pumphouse.lab.configuration import write_configuration
from pumphouse.lab.environments import ensure_environment
from pumphouse.lab.home import choose_settings, clouds_of, only_user, read_settings, room_of, write_settings
from pumphouse.lab.machine_files import write_machine_files
from pumphouse.lab.processes import (
    SITE_NAMES,
    find_all,
    find_process,
    last_words,
    require_free_port,
    start_process,
    state,
    stop_processes,
)
from pumphouse.lab.room import Room
from pumphouse.lab.site import Site

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

    site: Site
    service: str
    process: psutil.Process

    def __str__(self) -> str:
        return f"{self.service} ({self.site.name})"


def up(home: Path, asked: dict[str, Any], say: Say) -> list[Cloud]:
    """Start what of both clouds does not run; return when all of it answers.

    :param asked: see ``choose_settings``.
    """
    with only_user(home):
        settings = choose_settings(home, asked)
        clouds = clouds_of(home, settings)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda cloud: ensure_environment(cloud.release, say), clouds))
        room = room_of(home, settings)
        missing = _missing(clouds, room, say)
        if not missing:
            say("the lab is running already")
            return clouds
        for site, service in missing:
            require_free_port(site, service)
        write_settings(home, settings, clouds)
        write_client_files(home, clouds, room)
        fresh = [cloud for cloud in clouds if not golden.has_state(cloud)]
        for cloud in clouds:
            if cloud in fresh and golden.has_golden(cloud):
                golden.empty(cloud)
            write_configuration(cloud)
        if room:
            write_machine_files(room)
        # the machines look after their hosts as soon as they stand
        _start([each for each in missing if each[0] is not room], say)
        for cloud in fresh:
            if not golden.has_golden(cloud):
                golden.save_golden(cloud)
        _start([each for each in missing if each[0] is room], say)
        return clouds


def down(home: Path, say: Say) -> None:
    """Stop every process of the lab, also those no file names any more."""
    if not home.is_dir():
        say(f"there is no lab at {home}")
        return
    with only_user(home):
        _stop(home, SITE_NAMES, say)


def reset(home: Path, say: Say, only: str | None = None) -> None:
    """Stop the lab and empty both clouds, or one of them; the next ``up`` starts them as new.

    :param only: ``source`` or ``destination``; the other cloud goes on running.
    """
    sites = _existing(home)
    room = next((site for site in sites if isinstance(site, Room)), None)
    if room and only:
        raise LabError(
            "a lab with machines is emptied as a whole: a machine may have gone from one cloud to the other",
            "leave out --only",
        )
    clouds = [site for site in sites if isinstance(site, Cloud) and only in (None, site.name)]
    with only_user(home):
        _stop(home, SITE_NAMES if only is None else [only], say)
        if room:
            shutil.rmtree(room.root, ignore_errors=True)
        for cloud in clouds:
            golden.empty(cloud)
        if only is None:
            shutil.rmtree(clouds[0].volumes_directory(SHARED_BACKEND), ignore_errors=True)
    say(f"{f'the {only} is' if only else 'both clouds are'} empty; `pumphouse lab up` starts what is stopped")
    if (home / "ledger.sqlite").exists():
        say(f"{home / 'ledger.sqlite'} still tells of what was in them: delete it to begin anew")


def status(home: Path) -> list[ServiceStatus]:
    """Every service of both clouds, the machines, and what installs them."""
    return [_status(site, service) for site in _existing(home) for service in site.ports]


def _existing(home: Path) -> list[Site]:
    settings = read_settings(home)
    if settings is None:
        raise LabError(f"there is no lab at {home}", f"start one with: pumphouse lab up --home {home}")
    room = room_of(home, settings)
    return [*clouds_of(home, settings), *([room] if room else [])]


def _missing(clouds: list[Cloud], room: Room | None, say: Say) -> list[tuple[Site, str]]:
    """The services without a process; one whose process does not answer is an error."""
    missing: list[tuple[Site, str]] = []
    expected: list[tuple[Site, str]] = [(cloud, service) for service in START_ORDER for cloud in clouds]
    expected += [(room, server) for server in room.ports] if room else []
    for site, service in expected:
        process = find_process(site, service)
        if process is None:
            missing.append((site, service))
        elif not _answers_soon(_Run(site, service, process)):
            raise LabError(
                f"{service} ({site.name}) runs as process {process.pid} and does not serve port"
                f" {site.ports[service]}: {state(site, service, process)}",
                f"see {site.console_log(service)}; run `pumphouse lab down --home {site.home}`, then `up`",
            )
    if 0 < len(missing) < len(expected):
        say("not running: " + ", ".join(f"{service} ({site.name})" for site, service in missing))
    return missing


def _answers_soon(run: _Run) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS
    while state(run.site, run.service, run.process) != "up":
        if time.monotonic() > deadline or not run.process.is_running():
            return False
        time.sleep(0.2)
    return True


def _start(missing: list[tuple[Site, str]], say: Say) -> None:
    if not missing:
        return
    say(f"starting {len(missing)} services")
    started = time.monotonic()
    waiting = [_Run(site, service, start_process(site, service)) for site, service in missing]
    everything = list(waiting)
    try:
        while waiting:
            for run in list(waiting):
                _require_alive(run)
                if state(run.site, run.service, run.process) == "up":
                    say(f"{run} answers after {time.monotonic() - started:.1f} s")
                    waiting.remove(run)
            if waiting and time.monotonic() - started > START_SECONDS:
                raise LabError(
                    f"{waiting[0]} does not answer after {START_SECONDS} s",
                    f"see {waiting[0].site.console_log(waiting[0].service)}",
                )
            time.sleep(0.1)
    except BaseException:  # leave nothing half-started, whatever ended the wait
        stop_processes(run.process for run in everything)
        raise


def _require_alive(run: _Run) -> None:
    if run.process.is_running() and run.process.status() != psutil.STATUS_ZOMBIE:
        return
    log = run.site.console_log(run.service)
    raise LabError(f"{run} died while it started: {last_words(log)}", f"see {log}")


def _stop(home: Path, names: Sequence[str], say: Say) -> None:
    processes = find_all(home, names)
    stop_processes(processes)
    for name in names:
        for file in (home / name / "run").glob("*.pid"):
            file.unlink()
    say(f"stopped {len(processes)} processes" if processes else "nothing was running")


def _status(site: Site, service: str) -> ServiceStatus:
    process = find_process(site, service)
    release, version = site.version(service)
    return ServiceStatus(
        cloud=site.name,
        service=service,
        release=release,
        version=version,
        state=state(site, service, process) if process else "down",
        pid=process.pid if process else None,
        port=site.ports[service],
        memory_mib=process.memory_info().rss >> 20 if process else None,
        log=str(site.log / f"{service}.log" if isinstance(site, Cloud) else site.console_log(service)),
    )
