"""The Locks port: what one run works on, no other does; see :mod:`pumphouse.ledger.locks`."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

Told = Callable[[str], None]


class Locks(Protocol):
    """Locks by name, kept in the ledger's database. They go with the process, however it ends.

    A lock that this run has already is given again.
    """

    def running(self, doing: str) -> AbstractContextManager[None]:
        """A run, from its beginning to its end; the methods below need one.

        :param doing: the command, for those who are kept waiting.
        """

    def take(self, names: Mapping[str, str]) -> None:
        """Take all of them, or none, until the end of the run.

        :param names: name → how a person calls it.
        :raises pumphouse.errors.Refused: when another run has one; says which.
        """

    def wait(self, name: str, told: Told) -> None:
        """Take one until the end of the run, after whoever has it.

        :param told: gets who that is, once, when there is somebody.
        """

    def holding(self, name: str, told: Told) -> AbstractContextManager[None]:
        """Take one for the time being, after whoever has it."""

    def attempt(self, name: str) -> bool:
        """Take one until the end of the run; False when another run has it."""

    def release(self, name: str) -> None:
        """Give one back before the end of the run."""

    def use(self, name: str) -> None:
        """Count on something that other runs may count on too."""

    def used(self, name: str) -> bool:
        """Whether another run counts on it."""
