"""The Probes port: commands on this machine, and looks at servers over the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """How one look, or one command, ended.

    :param good: whether it was what was hoped for.
    :param words: what happened, in a few words; never holds what the other side said.
    :param output: what a command printed, its end when that is long: for the log only.
    """

    good: bool
    words: str
    output: str = ""


class Probes(Protocol):
    """None of them raises: whatever goes wrong is an answer. Timeouts are in seconds."""

    def ping(self, address: str, timeout: float) -> Answer:
        """One ICMP echo."""

    def tcp(self, address: str, port: int, timeout: float) -> Answer:
        """One connection, closed at once."""

    def http(self, url: str, timeout: float) -> Answer:
        """One GET; good is a status below 400, redirections included."""

    def command(self, words: tuple[str, ...], timeout: float, facts: Mapping[str, str]) -> Answer:
        """One command, without a shell; good is exit code 0.

        :param facts: added to its environment.
        """
