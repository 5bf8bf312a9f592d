"""This process among all others, so that a lock's owner can be proven dead."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """Names one process, also after its number was given to another.

    :param host: for people.
    :param place: where process numbers mean the same: one boot of one kernel, one namespace.
    :param began: when it started, in the kernel's clock ticks since boot.
    """

    host: str
    place: str
    number: int
    began: str


def this_process() -> Process:
    """The process we are."""
    number = os.getpid()
    return Process(socket.gethostname(), _place(), number, _began(number))


def is_dead(other: Process) -> bool | None:
    """Whether it has ended; None when that cannot be told from here."""
    if not other.began or other.place != _place():
        return None
    return _began(other.number) != other.began


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _began(number: int) -> str:
    """Field 22 of proc(5)'s stat, counted behind the name, which may hold anything; a zombie has ended."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *rest = fields.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else rest[18]
