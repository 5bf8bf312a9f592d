"""What commands have in common: cliff's output formats, exit codes, columns, confirmation."""

import argparse
import getpass
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cliff.columns import FormattableColumn
from cliff.lister import Lister

from pumphouse.errors import Refused, UsageError
from pumphouse.report import units

if TYPE_CHECKING:
    from rich.console import Console

    from pumphouse.cli.main import App

Listing = tuple[Sequence[str], Iterable[Sequence[Any]]]


class Table(Lister):
    """A command that prints a list, in any of cliff's formats.

    :cvar exit_code: what the command exits with once the list is printed; set by ``take_action``.
    :cvar lists: set to False by a command that has printed something better than a list.
    """

    app: "App"
    exit_code = 0
    lists = True

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Print the list; unlike cliff's own, the exit code says what it means."""
        return super().run(parsed_args) or self.exit_code

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Iterable[Sequence[Any]]
    ) -> int:
        """Print the rows in the format asked for."""
        if not self.lists:
            return 0
        rows = list(data)
        try:
            return super().produce_output(parsed_args, column_names, rows)
        except ValueError as error:
            if not parsed_args.columns:
                raise
            known = ", ".join(column_names)
            raise UsageError(
                f"no such column: {', '.join(parsed_args.columns)}", f"Columns: {known}."
            ) from error


class Size(FormattableColumn[int]):
    """Bytes: ``1.5 GiB`` for people, the number for programs."""

    def human_readable(self) -> str:
        """In binary units; empty when there is nothing."""
        return units.size(self._value) if self._value else ""


class Rate(FormattableColumn[float]):
    """Bytes per second."""

    def human_readable(self) -> str:
        """In binary units; empty when there is nothing."""
        return units.rate(self._value) if self._value else ""


class Seconds(FormattableColumn[float | None]):
    """A duration; None when it does not apply."""

    def human_readable(self) -> str:
        """In minutes and seconds; empty when there is nothing."""
        return units.duration(self._value) if self._value else ""


class Moment(FormattableColumn[float]):
    """A time: local for people, seconds since the epoch for programs."""

    def human_readable(self) -> str:
        """Date and time of day."""
        return units.moment(self._value)


def console(app: "App", *, errors: bool = False) -> "Console":
    """A rich console on stdout or stderr: plain text and lines of any length unless it is a terminal."""
    from rich.console import Console

    stream = app.stderr if errors else app.stdout
    terminal = stream.isatty()
    return Console(file=stream, width=None if terminal else 400, highlight=False, soft_wrap=not terminal)


def confirm(app: "App", question: str, answer: str, *, yes: bool) -> None:
    """Ask before something happens.

    :param answer: what has to be typed.
    :raises Refused: when it is not typed, or nobody is there to type it.
    """
    if yes:
        return
    if not app.stdin.isatty():
        raise Refused("this needs to be confirmed and there is no terminal to ask on", "Use --yes.")
    app.stderr.write(f"{question} Type '{answer}' to go on: ")
    app.stderr.flush()
    if app.stdin.readline().strip() != answer:
        raise Refused("not confirmed; nothing was touched")


def add_accept(parser: argparse.ArgumentParser) -> None:
    """The option that takes what a plan tells knowingly."""
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="RULE:RESOURCE",
        help="Take this knowingly: a name, an id or KIND:NAME, may hold * and ?; RULE alone is all of it. "
        "'pumphouse rules' lists the rules.",
    )


def accepted(parsed: argparse.Namespace) -> tuple[tuple[str, ...], str]:
    """What was accepted, and by whom.

    :raises UsageError: when it is not a rule with a resource.
    """
    for text in parsed.accept:
        rule, colon, resource = text.partition(":")
        if not rule or (colon and not resource):
            raise UsageError(f"--accept {text}: not RULE:RESOURCE", "'pumphouse rules' lists the rules.")
    return tuple(parsed.accept), _user()


def _user() -> str:
    """Who gives the command, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in containers
        return f"user {os.getuid()}"


def add_yes(parser: argparse._ActionsContainer) -> None:
    """The option that answers :func:`confirm`."""
    parser.add_argument("--yes", action="store_true", help="Do not ask before it begins.")
