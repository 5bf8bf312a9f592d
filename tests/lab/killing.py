"""Run a command and kill it when the ledger tells that it has come to a certain point."""

import json
import pathlib
import signal
import sqlite3
import subprocess
import time
from typing import Any, NamedTuple


class Point(NamedTuple):
    """The moment at which so many events of a type have told of an action."""

    event: str
    action: str
    count: int


#: In the order in which a migration gets there.
POINTS = (
    Point("step.done", "ensure", 15),
    Point("step.started", "stop", 1),
    Point("step.started", "capture", 2),
    Point("step.started", "transfer", 2),
    Point("step.started", "create_volume", 2),
    Point("step.started", "create_server", 2),
)


class Killed(NamedTuple):
    """How it went: whether it came to the point, what it printed, what others saw as its command line."""

    in_time: bool
    output: str
    title: bytes


def run_and_kill(command: list[str], ledger: pathlib.Path, point: Point) -> Killed:
    """Run the command until the point is reached, then send SIGKILL."""
    last = max((number for number, *_ in events(ledger, 0)), default=0)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    title = b""
    while process.poll() is None:
        title = title or pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
        told = [(type_, data.get("action")) for _, type_, data in events(ledger, last)]
        if told.count((point.event, point.action)) >= point.count:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.05)
    output, _ = process.communicate(timeout=60)
    return Killed(process.returncode == -signal.SIGKILL, output, title)


def events(ledger: pathlib.Path, after: int) -> list[tuple[int, str, dict[str, Any]]]:
    """Number, type and data of what has happened since, as the ledger's file tells it."""
    file = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        rows = file.execute("select seq, type, data from event where seq > ?", (after,)).fetchall()
    finally:
        file.close()
    return [(number, type_, json.loads(data)) for number, type_, data in rows]
