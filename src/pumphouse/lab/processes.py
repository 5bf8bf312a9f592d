"""The processes of a lab: found, started, asked and stopped."""

import contextlib
import http
import http.client
import os
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from pumphouse.errors import LabError
from pumphouse.lab.cloud import CLOUD_NAMES, PORT_OFFSETS
from pumphouse.lab.room import ROOM, SERVERS
from pumphouse.lab.site import Site

# Every process of a lab, and what it may start itself, carries its home in this variable.
MARKER = "PUMPHOUSE_LAB_PROCESS_OF"
SITE_NAMES = (*CLOUD_NAMES, ROOM)
SERVICES = (*PORT_OFFSETS, *SERVERS)
# Not passed on, like OS_*, which services would read; and bytecode must be written.
UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSAFEPATH")
STOP_SECONDS = 5


def start_process(site: Site, service: str) -> psutil.Process:
    """Start one service; what it prints goes to its console log."""
    with site.console_log(service).open("ab") as console:
        started = psutil.Popen(
            site.command(service),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            cwd=site.root,
            env=_environment(site.home),
            start_new_session=True,
        )
    _pid_file(site, service).write_text(f"{started.pid}\n")
    return started


def find_process(site: Site, service: str) -> psutil.Process | None:
    """The running process of a service, None when there is none."""
    try:
        process = psutil.Process(int(_pid_file(site, service).read_text()))
        arguments = process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    ours = arguments[-3:] == [str(site.root), service, str(site.ports[service])]
    return process if ours and process.status() != psutil.STATUS_ZOMBIE else None


def find_all(home: Path, names: Sequence[str] = SITE_NAMES) -> list[psutil.Process]:
    """Every process that belongs to places of the lab at ``home``, whether or not a file still names it."""
    return [process for process in psutil.process_iter() if _belongs(process, home, names)]


def stop_processes(processes: Iterable[psutil.Process]) -> None:
    """Ask processes to end, then make them; return when none is left."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(asked, timeout=STOP_SECONDS)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _, left = psutil.wait_procs(stubborn, timeout=STOP_SECONDS)
    if left:
        raise LabError(
            f"process {left[0].pid} does not end, not even when killed", "see what it waits for in /proc"
        )


def state(site: Site, service: str, process: psutil.Process) -> str:
    """``up`` when this very process answers on the service's port; else what it does instead."""
    connection = http.client.HTTPConnection("127.0.0.1", site.ports[service], timeout=5)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException):
        return "not answering"
    finally:
        connection.close()
    if answer.getheader("Server") != f"pumphouse-lab pid={process.pid}":
        return "another process has its port"
    return "starting" if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE else "up"


def require_free_port(site: Site, service: str) -> None:
    """Raise when something else listens where the service should."""
    port = site.ports[service]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise LabError(
                f"port {port}, for {service} of the {site.name}, is in use by {_listener(port)}",
                "stop that process, or choose other ports with --base-port in a new --home",
            ) from None


def last_words(log: Path) -> str:
    """The last line a process printed that says something."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it printed nothing"
    return lines[-1][:300] if lines else "it printed nothing"


def _environment(home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OS_") and name not in UNWANTED
    }
    # without the limit each thread's arena keeps memory of its own: 0.2 GiB more for both clouds
    return {**kept, MARKER: str(home), "MALLOC_ARENA_MAX": "2"}


def _pid_file(site: Site, service: str) -> Path:
    return site.run / f"{service}.pid"


def _belongs(process: psutil.Process, home: Path, names: Sequence[str]) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        roots = [str(home / name) for name in names]
        arguments = process.cmdline()[-3:]
        if len(arguments) == 3 and arguments[0] in roots and arguments[1] in SERVICES:
            return True
        # two marks, for some services write over what holds their environment; this one does not tell the cloud
        return len(names) == len(SITE_NAMES) and process.environ().get(MARKER) == str(home)
    except psutil.Error:  # ended meanwhile, or somebody else's
        return False


def _listener(port: int) -> str:
    return next(_listeners(port), "another user's process")


def _listeners(port: int) -> Iterator[str]:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if listens and connection.pid:
                yield f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
