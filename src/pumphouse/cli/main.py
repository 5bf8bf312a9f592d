"""The application: global options, errors as one line, exit codes."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from cliff.app import App as CliffApp
from cliff.command import Command
from cliff.commandmanager import CommandManager

from pumphouse import __version__
from pumphouse.cli.help import Help
from pumphouse.errors import Interrupted, PumphouseError, UsageError

if TYPE_CHECKING:
    from pumphouse.config import Config
    from pumphouse.events import Bus
    from pumphouse.service import Service

    OpenService = Callable[[Config, Bus], AbstractContextManager[Service]]

TOKEN = "PUMPHOUSE_TOKEN"  # noqa: S105 - the name of the variable
LOG = logging.getLogger("pumphouse")


class Commands(CommandManager):
    """Commands by name; unlike cliff's own manager, imports only the one that runs."""

    def load_commands(self, namespace: str) -> None:
        """Note the entry points of a namespace without loading them."""
        self.group_list.append(namespace)
        for entry in distribution("pumphouse").entry_points.select(group=namespace):
            self.commands[entry.name.replace("_", " ")] = entry


class App(CliffApp):
    """The ``pumphouse`` command.

    :param open_service: how to get at a service; from the configuration when left out.
    """

    NAME = "pumphouse"

    def __init__(
        self,
        open_service: "OpenService | None" = None,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self._open_service = open_service
        self._log: logging.FileHandler | None = None
        super().__init__(
            description="Move the workloads of an OpenStack cloud to a new cloud beside it.",
            version=__version__,
            command_manager=Commands("pumphouse.commands"),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            deferred_help=True,
        )
        self.command_manager.add_command("help", Help)
        self.options = self.parser.parse_args([])

    def build_option_parser(
        self, description: str | None, version: str | None, argparse_kwargs: dict[str, Any] | None = None
    ) -> argparse.ArgumentParser:
        """The options that every command takes."""
        # Options are recognised anywhere on the line, so an abbreviation would steal a command's own.
        parser = super().build_option_parser(description, version, {"allow_abbrev": False})
        parser.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            help="Configuration; ./config.yaml, ~/.config/pumphouse/ or /etc/pumphouse/ when left out.",
        )
        parser.add_argument(
            "--server",
            metavar="URL",
            help="Have a service do it ('pumphouse serve'); the token is in PUMPHOUSE_TOKEN.",
        )
        one_line_errors(parser, self.NAME)
        return parser

    def configure_logging(self) -> None:
        """Our own messages on stderr; what libraries say only in the log file."""
        # What a person has to know is printed by the commands; the log is for whoever asks for more.
        levels = {0: logging.CRITICAL, 1: logging.CRITICAL, 2: logging.INFO}
        console = logging.StreamHandler(self.stderr)
        console.setLevel(
            logging.DEBUG if self.options.debug else levels.get(self.options.verbose_level, logging.DEBUG)
        )
        console.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        LOG.handlers = [console]
        LOG.setLevel(logging.DEBUG)
        if self.options.log_file:
            self._log_to(Path(self.options.log_file))

    @contextmanager
    def service(self, bus: "Bus | None" = None, **policy: Any) -> "Iterator[Service]":
        """The service of the configured clouds.

        :param bus: where the events of a run are published.
        :param policy: settings of the policy to use instead of the configured ones; None is no change.
        """
        from pumphouse.events import Bus

        if self.options.server:
            yield self._remote(bus or Bus(), policy)
            return
        with self.opener(self.settings(**policy))(bus or Bus()) as service:
            yield service

    def _remote(self, bus: "Bus", policy: "Mapping[str, Any]") -> "Service":
        from pumphouse.client import RemoteService

        token = os.environ.get(TOKEN)
        if not token:
            raise UsageError(f"--server needs a token in {TOKEN}", "docs/api.md says how to get one.")
        return cast("Service", RemoteService(self.options.server, token, bus, **policy))

    def settings(self, **policy: Any) -> "Config":
        """The configuration; from now on the log is where it says.

        :param policy: settings of the policy to use instead of the configured ones; None is no change.
        """
        from pydantic import ValidationError

        from pumphouse import config
        from pumphouse.policy import Policy

        settings = config.load(config.find(self.options.config))
        changes = {name: value for name, value in policy.items() if value is not None}
        try:
            changed = Policy(**{**settings.policy.model_dump(exclude_unset=True), **changes})
        except ValidationError as error:
            raise UsageError(
                config.describe(Path("command line"), error), "Give a value in its limits."
            ) from None
        settings = settings.model_copy(update={"policy": changed})
        if not self.options.log_file:
            self._log_to(settings.log_dir / "pumphouse.log")
        return settings

    def say(self, text: str) -> None:
        """A line for the person, beside the command's output; not with ``--quiet``."""
        if self.options.verbose_level:
            self.stderr.write(f"{text}\n")
            self.stderr.flush()

    def run(self, argv: list[str]) -> int:
        """Run one command; every error becomes a line and an exit code here."""
        try:
            self.options, words = self.parser.parse_known_args(argv)
            self.configure_logging()
            return self.run_subcommand(["help", *words] if self.options.deferred_help or not words else words)
        except Interrupted:
            self.stderr.write("pumphouse: stopped; the same command goes on where it was\n")
            return Interrupted.exit_code
        except PumphouseError as error:
            return self._fail(error)
        except KeyboardInterrupt:
            self.stderr.write("\npumphouse: stopped\n")
            return Interrupted.exit_code
        except BrokenPipeError:
            raise
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else 0
        except Exception as error:
            return self._bug(error)
        finally:
            self._close_log()

    def run_subcommand(self, argv: list[str]) -> int:
        """Parse what was typed and run the command."""
        command, parser, rest = self.command(argv)
        # Lets names and options come in any order, as in: plan project --filter tag=web demo
        return command.run(parser.parse_intermixed_args(rest))

    def command(self, argv: list[str]) -> tuple[Command, argparse.ArgumentParser, list[str]]:
        """The command that the words begin with, its parser and what is left of the words.

        :raises UsageError: when there is no such command.
        """
        try:
            command_class, name, rest = self.command_manager.find_command(argv)
        except ValueError:
            close = [f"'{match}'" for match in self.get_fuzzy_matches(argv[0])[:3]]
            hint = f"Did you mean {' or '.join(close)}? " if close else ""
            raise UsageError(
                f"unknown command '{argv[0]}'", f"{hint}'{self.NAME} --help' lists the commands."
            ) from None
        command = command_class(self, self.options)
        parser = command.get_parser(f"{self.NAME} {name}")
        one_line_errors(parser, f"{self.NAME} {name}")
        return command, parser, rest

    def opener(self, settings: "Config") -> "Callable[..., AbstractContextManager[Service]]":
        """What opens services of a configuration, as many as are wanted."""
        if self._open_service is None:
            from pumphouse.wiring import open_service

            self._open_service = open_service
        return partial(self._open_service, settings)

    def _log_to(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.FileHandler(path, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{path}: cannot write the log there: {error.strerror}", "Change log_dir, or use --log-file."
            ) from None
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        logging.getLogger("alembic").setLevel(logging.WARNING)  # says something whenever a ledger is opened
        self._log = handler

    def _close_log(self) -> None:
        if self._log:
            logging.getLogger().removeHandler(self._log)
            self._log.close()

    def _fail(self, error: PumphouseError) -> int:
        if self.options.debug:
            LOG.debug("traceback", exc_info=error)
        self.stderr.write(f"pumphouse: error: {error.message}\n")
        if error.remedy:
            self.stderr.write(f"  → {error.remedy}\n")
        return error.exit_code

    def _bug(self, error: Exception) -> int:
        """Nobody can do anything about a traceback on the screen; it belongs into the log."""
        what = " ".join(f"{type(error).__name__}: {error}".split())
        if self.options.debug:
            LOG.debug("traceback", exc_info=error)
        elif self._log:
            logging.getLogger("traceback").error("unexpected error", exc_info=error)
        where = (
            f"The traceback is in {self._log.baseFilename}." if self._log else "--debug shows the traceback."
        )
        self.stderr.write(f"pumphouse: error: this is a bug in pumphouse: {what}\n  → {where}\n")
        return 1


def one_line_errors(parser: argparse.ArgumentParser, program: str) -> None:
    """Make a parser raise what it would print with a screenful of usage before it."""

    def fail(message: str) -> NoReturn:
        raise UsageError(message, f"See '{program} --help'.")

    parser.error = fail  # type: ignore[method-assign]


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = App().run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader is gone; keep the interpreter from complaining about it when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def hosts_main(argv: list[str] | None = None) -> int:
    """``pumphouse-bm``: the commands on hosts, as in ``pumphouse host``; the exit code."""
    words = sys.argv[1:] if argv is None else argv
    whole = not words or words[0] in ("--version", "--help", "-h", "help")
    return main(words if whole else ["host", *words])


if __name__ == "__main__":
    sys.exit(main())
