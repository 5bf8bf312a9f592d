"""Any program as a deployment engine: a script, a playbook. The contract is in docs/hosts.md."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Annotated, NoReturn

from pydantic import BeforeValidator, Field

from pumphouse.errors import (
    DeploymentFailed,
    EngineBusy,
    EngineUnreachable,
    ProvisionError,
    ProvisioningFailed,
)
from pumphouse.hooks import Strict
from pumphouse.hosts import Host
from pumphouse.machines import Tell
from pumphouse.model import CheckResult, Node, NodeState, Result
from pumphouse.ports import Clock

NOT_WRITTEN, NOT_DEPLOYED, BUSY = 3, 4, 75
FAILURES = {NOT_WRITTEN: ProvisioningFailed, NOT_DEPLOYED: DeploymentFailed}
POLL = 0.2  # seconds between two looks at the program
BUSY_PAUSE = 10.0  # seconds until it is asked again
GRACE = 10.0  # seconds from SIGTERM to SIGKILL
CHECK_SECONDS = 60.0
KEPT = 200  # characters of its last line, for the message


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class CommandSettings(Strict):
    """``deployment`` of type ``command``."""

    program: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        min_length=1, description="The program, or the program and its first arguments; run without a shell."
    )
    boots: bool = Field(
        False,
        description="Whether the machine is started from the network, through its BMC, before it is called.",
    )


class CommandProvisioner:
    """See :class:`pumphouse.machines.Provisioner`. The program alone knows what it has installed."""

    Settings = CommandSettings
    name = "command"

    def __init__(self, settings: CommandSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.boots = settings.boots

    def check(self) -> Iterator[CheckResult]:
        """``PROGRAM check`` ends with 0."""
        what = f"program {self._settings.program[0]}"
        try:
            code, last = self._run(["check"], {}, lambda percent, words: None, CHECK_SECONDS)
        except ProvisionError as error:
            yield CheckResult(what, Result.FAIL, error.message, error.remedy)
            return
        if code:
            yield CheckResult(what, Result.FAIL, f"check ended with code {code}: {last}", "Run it by hand.")
        else:
            yield CheckResult(what, Result.OK, "check ended with code 0")

    def nodes(self) -> tuple[Node, ...]:
        """None: the program is not asked what it knows."""
        return ()

    def find(self, host: Host) -> Node | None:
        """Every machine counts as free: whether it is done already is for the program to see."""
        return Node(host.name, host.name, NodeState.FREE, host.macs)

    def release(self, host: Host, tell: Tell, timeout: float) -> None:
        """Programs install only."""
        raise ProvisionError(
            f"host {host.name!r}: a deployment engine of type command lets no machine go",
            "Leave 'deployment' of the source out: the machine is then started from the network by its BMC.",
        )

    def enroll(self, host: Host) -> None:
        """Nothing to do: the program is told of the machine when it installs it."""

    def assign(self, host: Host) -> None:
        """Nothing to do: how the machine is laid out is the program's business."""

    def withdraw(self, host: Host) -> None:
        """Nothing to do: nothing was assigned."""

    def deploy(self, host: Host, tell: Tell, timeout: float) -> str:
        """``PROGRAM install HOST``, again while it says that it is busy."""
        end = self._clock.now() + timeout
        facts = {
            "PUMPHOUSE_HOST": host.name,
            "PUMPHOUSE_MACS": ",".join(host.macs),
            "PUMPHOUSE_BMC_ADDRESS": host.bmc.address,
        }
        while True:
            code, last = self._run(["install", host.name], facts, tell, end - self._clock.now())
            if code != BUSY:
                break
            if self._clock.now() + BUSY_PAUSE > end:
                raise EngineBusy(f"host {host.name!r}: {self._program} is busy: {last}", "Try again later.")
            tell(None, f"busy: {last}")
            self._clock.sleep(BUSY_PAUSE)
        if code:
            self._failed(host, code, last)
        word, _, name = last.partition(" ")
        if word != "host" or not name.strip():
            raise DeploymentFailed(
                f"host {host.name!r}: {self._program} did not say what the compute host is called",
                "Its last line must be 'host NAME'; see docs/hosts.md.",
            )
        return name.strip()

    @property
    def _program(self) -> str:
        return self._settings.program[0]

    def _failed(self, host: Host, code: int, last: str) -> NoReturn:
        kind = FAILURES.get(code, ProvisionError)
        raise kind(
            f"host {host.name!r}: {self._program} ended with code {code}: {last or 'it said nothing'}",
            "Mend that; the program is called again in the same way.",
        )

    def _run(self, verb: list[str], facts: dict[str, str], tell: Tell, timeout: float) -> tuple[int, str]:
        """Run the program; its exit code and last line. It ends with all it started when we stop, or time is up."""
        try:
            process = subprocess.Popen(
                [*self._settings.program, *verb],
                env={**os.environ, **facts},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise EngineUnreachable(
                f"{self._program} cannot be started: {error.strerror}",
                "Check destination.deployment.program.",
            ) from None
        lines: SimpleQueue[str | None] = SimpleQueue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        try:
            last = self._follow(lines, tell, timeout)
            return process.wait(), last
        except TimeoutError:
            raise ProvisionError(
                f"{self._program} {' '.join(verb)}: not done after {timeout:.0f} s; it was stopped",
                "hosts.timeouts.deployment in config.yaml sets the limit.",
            ) from None
        finally:
            if process.poll() is None:
                _stop(process)

    def _follow(self, lines: "SimpleQueue[str | None]", tell: Tell, timeout: float) -> str:
        """Tell of progress until the program has ended; its last line."""
        end, last = self._clock.now() + timeout, ""
        while True:
            self._clock.check()
            if self._clock.now() > end:
                raise TimeoutError
            try:
                line = lines.get(timeout=POLL)
            except Empty:
                continue
            if line is None:
                return last
            word, _, rest = line.partition(" ")
            percent, _, words = rest.partition(" ")
            if word == "progress" and percent.isdigit():
                tell(min(int(percent), 100), words[:KEPT])
            elif line:
                last = line[:KEPT]


def _read(process: "subprocess.Popen[str]", lines: "SimpleQueue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.strip())
    lines.put(None)


def _stop(process: "subprocess.Popen[str]") -> None:
    """The program and all it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
