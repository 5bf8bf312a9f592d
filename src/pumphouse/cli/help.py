"""``pumphouse help``, also reached as ``--help``."""

import argparse
import inspect
from typing import TYPE_CHECKING

from cliff.command import Command

if TYPE_CHECKING:
    from pumphouse.cli.main import App


class Help(Command):
    """Show the commands, or how one of them is used."""

    app: "App"

    def get_epilog(self) -> str:
        """Nothing; cliff's own looks through every installed distribution, which takes long."""
        return ""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command to explain."""
        parser = super().get_parser(prog_name)
        parser.add_argument("words", nargs="*", metavar="COMMAND", help="The command to explain.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Print the help."""
        if parsed_args.words:
            _command, parser, _rest = self.app.command(parsed_args.words)
            parser.print_help(self.app.stdout)
            return
        self.app.parser.print_help(self.app.stdout)
        self.app.stdout.write("\ncommands:\n")
        for name, entry in sorted(self.app.command_manager):
            purpose = (inspect.getdoc(entry.load()) or "").partition("\n")[0].rstrip(".")
            self.app.stdout.write(f"  {name:<14}{purpose}\n")
