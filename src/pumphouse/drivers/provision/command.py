"""Any program as a deployment engine: a script, a playbook. The contract is in docs/hosts.md."""

from collections.abc import Iterator
from typing import NoReturn

from pydantic import Field

from pumphouse import programs
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
from pumphouse.programs import Program

NOT_WRITTEN, NOT_DEPLOYED = 3, 4
FAILURES = {NOT_WRITTEN: ProvisioningFailed, NOT_DEPLOYED: DeploymentFailed}
CHECK_SECONDS = 60.0


class CommandSettings(Strict):
    """``deployment`` of type ``command``."""

    program: Program = Field(
        description="The program, or the program and its first arguments; run without a shell."
    )
    boots: bool = Field(
        False,
        description="Whether the machine is started from the network, through its BMC, before it is called.",
    )


class CommandProvisioner:
    """See :class:`pumphouse.machines.Provisioner`. The program alone knows what it has installed."""

    Settings = CommandSettings
    name = "command"
    stops = False

    def __init__(self, settings: CommandSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.boots = settings.boots

    def check(self) -> Iterator[CheckResult]:
        """``PROGRAM check`` ends with 0."""
        what = f"program {self._settings.program[0]}"
        try:
            code, last = self._run(["check"], {}, programs.silent, CHECK_SECONDS)
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
        code, last = self._run(["install", host.name], programs.facts(host), tell, timeout)
        if code == programs.BUSY:
            raise EngineBusy(f"host {host.name!r}: {self._program} is busy: {last}", "Try again later.")
        if code:
            self._failed(host, code, last)
        return programs.new_host(f"host {host.name!r}: {self._program}", last)

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
        try:
            return programs.run([*self._settings.program, *verb], facts, self._clock, timeout, tell)
        except TimeoutError:
            raise ProvisionError(
                f"{self._program} {' '.join(verb)}: not done after {timeout:.0f} s; it was stopped",
                "hosts.timeouts.deployment in config.yaml sets the limit.",
            ) from None
        except OSError as error:
            raise EngineUnreachable(
                f"{self._program} cannot be started: {error.strerror}",
                "Check destination.deployment.program.",
            ) from None
