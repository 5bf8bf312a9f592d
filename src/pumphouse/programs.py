"""A program of the operator: run without a shell, followed line by line, stopped with all it started.

What a driver asks of it, and what its exit codes mean, is that driver's contract; see docs/hosts.md.
"""

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from pumphouse.errors import DeploymentFailed
from pumphouse.hosts import Host
from pumphouse.machines import Tell
from pumphouse.ports import Clock

BUSY = 75  # exit code: ask me again later
BUSY_PAUSE = 10.0  # seconds until it is asked again
POLL = 0.2  # seconds between two looks at the program
GRACE = 10.0  # seconds from SIGTERM to SIGKILL
KEPT = 200  # characters of a line, for messages
BLOCK = 65536  # bytes read at once


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


#: Of settings: one word, or several.
Program = Annotated[tuple[str, ...], BeforeValidator(_words), Field(min_length=1)]


def facts(host: Host) -> dict[str, str]:
    """What a program is told of a host in its environment; no secrets."""
    return {
        "PUMPHOUSE_HOST": host.name,
        "PUMPHOUSE_MACS": ",".join(host.macs),
        "PUMPHOUSE_BMC_ADDRESS": host.bmc.address,
    }


def new_host(called: str, last: str) -> str:
    """What a program that has installed a machine says the compute host is called.

    :param called: host and program, for the message.
    :param last: its last line, which must be ``host NAME``.
    :raises DeploymentFailed: when it is not.
    """
    word, _, name = last.partition(" ")
    if word != "host" or not name.strip():
        raise DeploymentFailed(
            f"{called} did not say what the compute host is called",
            "Its last line must be 'host NAME'; see docs/hosts.md.",
        )
    return name.strip()


def silent(percent: int | None, words: str) -> None:
    """Whoever runs it tells nobody."""


def run(
    words: Sequence[str],
    facts: Mapping[str, str],
    clock: Clock,
    timeout: float,
    tell: Tell = silent,
) -> tuple[int, str]:
    """Run a program to its end; again while it says that it is busy.

    :param words: the program and its arguments.
    :param facts: added to its environment.
    :param timeout: seconds for all of it.
    :param tell: hears its lines ``progress PERCENT WORDS``.
    :return: its exit code, and the last line that is no progress. ``BUSY`` when it still is after the timeout.
    :raises TimeoutError: when it is not done in time; it was stopped.
    :raises OSError: when it cannot be started.
    :raises Interrupted: when Pumphouse was stopped; so was the program.
    """
    end = clock.now() + timeout
    while True:
        code, last = _once(words, facts, clock, end, tell)
        if code != BUSY or clock.now() + BUSY_PAUSE > end:
            return code, last
        tell(None, f"busy: {last}")
        clock.sleep(BUSY_PAUSE)


def _once(
    words: Sequence[str], facts: Mapping[str, str], clock: Clock, end: float, tell: Tell
) -> tuple[int, str]:
    process = subprocess.Popen(
        words,
        env={**os.environ, **facts},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        last = _follow(process, clock, end, tell)
        return process.wait(), last
    finally:
        if process.poll() is None:
            _stop(process)
        assert process.stdout is not None
        process.stdout.close()


def _follow(process: "subprocess.Popen[bytes]", clock: Clock, end: float, tell: Tell) -> str:
    """Read what it prints until it has ended; its last line.

    It has ended when its process has: what it leaves running may hold its output open for ever.
    """
    assert process.stdout is not None
    output, decoder = process.stdout.fileno(), codecs.getincrementaldecoder("utf-8")("replace")
    last, rest, ended, block = "", "", False, b" "
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while not ended:
            clock.check()
            if clock.now() > end:
                raise TimeoutError
            # before it is read: whatever the program printed is there then, and fits one block
            ended = process.poll() is not None
            if not block:
                _wait(process)
            elif selector.select(0 if ended else POLL):
                block = os.read(output, BLOCK)
                *lines, rest = (rest + decoder.decode(block, final=not block)).split("\n")
                for line in lines:
                    last = _heard(line, last, tell)
    return _heard(rest, last, tell)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """A moment, for a program that has closed its output and goes on."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(POLL)


def _heard(line: str, last: str, tell: Tell) -> str:
    """What the last line is now."""
    line = line.strip()
    word, _, rest = line.partition(" ")
    percent, _, words = rest.partition(" ")
    if word == "progress" and percent.isdigit():
        tell(min(int(percent), 100), words[:KEPT])
        return last
    return line[:KEPT] or last


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """The program and all it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
