"""A machine's IPMI BMC: pyghmi's server side, which ipmitool drives as well."""

from typing import Any, Protocol

from pyghmi.ipmi.bmc import Bmc
from pyghmi.ipmi.private.serversession import ServerSession

SHA256 = 3  # authentication algorithm, IPMI 2.0 table 13-17
NO_SUCH_ALGORITHM = 0x04  # status code, IPMI 2.0 table 13-15
accept = ServerSession.create_open_session_response


def _open_session(self: Any, request: Any) -> Any:
    """Real BMCs refuse an algorithm they don't have; pyghmi's answers with SHA-1 whatever it was asked for."""
    if request[12] == SHA256:
        return bytearray([request[0], NO_SUCH_ALGORITHM, 0, 0, *request[4:8]])
    return accept(self, request)


ServerSession.create_open_session_response = _open_session


class Board(Protocol):
    """The machine that a BMC stands on."""

    def power(self) -> str:
        """``on`` or ``off``."""

    def switch(self, power: str) -> None:
        """``on``, ``off`` or ``reset``; returns at once."""

    def boot(self) -> str:
        """What it starts from the next time: ``disk`` or ``network``."""

    def boot_from(self, device: str) -> None:
        """Choose it."""


class MachineBmc(Bmc):  # type: ignore[misc]
    """One BMC at a UDP port of this machine. ``listen`` serves all of a process."""

    def __init__(self, board: Board, port: int, user: str, password: str) -> None:
        super().__init__({user: password}, port=port, address="127.0.0.1")
        self._board = board

    def get_power_state(self) -> str:
        """Chassis status."""
        return self._board.power()

    def power_on(self) -> None:
        """Chassis control 1."""
        self._board.switch("on")

    def power_off(self) -> None:
        """Chassis control 0: without asking the operating system."""
        self._board.switch("off")

    def power_shutdown(self) -> None:
        """Chassis control 5: no operating system here listens to it."""
        self._board.switch("off")

    def power_cycle(self) -> int | None:
        """Chassis control 2: refused when there is no power."""
        return self.power_reset()

    def power_reset(self) -> int | None:
        """Chassis control 3: refused when there is no power (IPMI 2.0, 28.3: completion code 0xD5)."""
        if self._board.power() == "off":
            return 0xD5
        self._board.switch("reset")
        return None

    def get_boot_device(self) -> str:
        """Boot flags."""
        return "network" if self._board.boot() == "network" else "hd"

    def set_boot_device(self, bootdevice: str) -> None:
        """Whatever is not the network is the only disk."""
        self._board.boot_from("network" if bootdevice == "network" else "disk")
