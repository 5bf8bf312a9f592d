"""``pumphouse init``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliff.command import Command

from pumphouse.errors import Refused, UsageError

if TYPE_CHECKING:
    from pumphouse.cli.main import App


class Init(Command):
    """Write a commented config.yaml to begin with; asks on a terminal for what is not given."""

    app: "App"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the two clouds and where to write."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--source-cloud", metavar="NAME", help="Entry of the old cloud in clouds.yaml.")
        parser.add_argument(
            "--destination-cloud", metavar="NAME", help="Entry of the new cloud in clouds.yaml."
        )
        parser.add_argument(
            "--clouds-file", metavar="FILE", help="clouds.yaml, when not in a standard place."
        )
        parser.add_argument("--print", action="store_true", help="Print it instead of writing a file.")
        parser.add_argument("--force", action="store_true", help="Overwrite the file.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Write the file, or print it."""
        from pumphouse.cli.config_template import render

        path: Path = self.app.options.config or Path("config.yaml")
        if not parsed_args.print and path.exists() and not parsed_args.force:
            raise Refused(
                f"{path} exists already", "Use --force to overwrite it, or --print to look at a new one."
            )
        text = render(self._answers(parsed_args))
        if parsed_args.print:
            self.app.stdout.write(text)
            return 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}", "Name another file.") from None
        self.app.say(f"written: {path}\nnext: read it, then 'pumphouse check'")
        return 0

    def _answers(self, parsed: argparse.Namespace) -> dict[str, Any]:
        ask = self.app.stdin.isatty() and not parsed.print
        source = parsed.source_cloud or self._ask("Entry of the old cloud in clouds.yaml", "source", ask)
        destination = parsed.destination_cloud or self._ask(
            "Entry of the new cloud in clouds.yaml", "destination", ask
        )
        return {
            "source": {"cloud": source},
            "destination": {"cloud": destination},
            "clouds_file": parsed.clouds_file,
        }

    def _ask(self, question: str, default: str, ask: bool) -> str:
        if not ask:
            return default
        self.app.stderr.write(f"{question} [{default}]: ")
        self.app.stderr.flush()
        return self.app.stdin.readline().strip() or default
