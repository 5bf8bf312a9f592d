"""Any program changes the network of a machine. The contract is in docs/hosts.md."""

from pydantic import Field

from pumphouse import programs
from pumphouse.errors import MachineNetworkError
from pumphouse.hooks import Strict
from pumphouse.hosts import Host
from pumphouse.ports import Clock
from pumphouse.programs import Program


class CommandNetworkSettings(Strict):
    """``hosts.network`` of type ``command``."""

    program: Program = Field(
        description="The program, or the program and its first arguments; run without a shell."
    )


class CommandNetwork:
    """See :class:`pumphouse.machines.MachineNetwork`.

    :param timeout: seconds for each call.
    """

    Settings = CommandNetworkSettings

    def __init__(self, settings: CommandNetworkSettings, clock: Clock, timeout: float) -> None:
        self._program = settings.program
        self._clock = clock
        self._timeout = timeout

    def check(self, host: Host) -> None:
        """``PROGRAM check HOST`` ends with 0."""
        self._run("check", host)

    def isolate(self, host: Host) -> None:
        """``PROGRAM isolate HOST``."""
        self._run("isolate", host)

    def restore(self, host: Host) -> None:
        """``PROGRAM restore HOST``."""
        self._run("restore", host)

    def _run(self, verb: str, host: Host) -> None:
        called = f"host {host.name!r}: {self._program[0]} {verb}"
        try:
            words = (*self._program, verb, host.name)
            code, last = programs.run(words, programs.facts(host), self._clock, self._timeout)
        except TimeoutError:
            raise MachineNetworkError(
                f"{called}: not done after {self._timeout:.0f} s; it was stopped",
                "hosts.timeouts.network in config.yaml sets the limit.",
            ) from None
        except OSError as error:
            raise MachineNetworkError(
                f"{called}: cannot be started: {error.strerror}", "Check hosts.network.program."
            ) from None
        if code:
            said = "is busy" if code == programs.BUSY else f"ended with code {code}"
            raise MachineNetworkError(
                f"{called} {said}: {last or 'it said nothing'}",
                "Mend that; the program is called again in the same way.",
            )
