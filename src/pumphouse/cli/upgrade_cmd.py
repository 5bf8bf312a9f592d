"""``pumphouse upgrade``."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pumphouse.cli.base import Listing, Table, add_yes, confirm, console
from pumphouse.cli.running import running
from pumphouse.errors import PumphouseError, Refused
from pumphouse.events import Bus
from pumphouse.model import Wave, WavePlan
from pumphouse.report import units

if TYPE_CHECKING:
    from pumphouse.service import Service

COLUMNS = ("Wave", "Action", "What", "From", "To", "How")
GOES = "What has moved and verified is deleted at the source, and the disks of hosts are erased, without asking again."


class Upgrade(Table):
    """Move the whole source, wave by wave: servers to the destination, emptied hosts after them.

    Prints a picture unless -f or -c asks for a list.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add how much of it, and who is asked when."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--plan", action="store_true", help="Show the waves and change nothing.")
        asking = parser.add_mutually_exclusive_group()
        asking.add_argument(
            "--approve-each", action="store_true", help="Show what is to come and ask before each wave."
        )
        add_yes(asking)
        parser.set_defaults(formatter=None)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """A picture, or a list of the plan."""
        self.lists = bool(parsed_args.formatter or parsed_args.columns)
        parsed_args.formatter = parsed_args.formatter or self.formatter_default
        return super().run(parsed_args)

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Plan, show, ask; then one wave after the other, each planned anew."""
        from pumphouse.cli.wave_view import rows

        bus, each = Bus(), parsed_args.approve_each
        with self.app.service(bus) as service:
            plan = service.waves.plan({})
            if not self.lists or not parsed_args.plan:
                self._show(plan, errors=not parsed_args.plan)
            if not parsed_args.plan:
                self._ask(plan, each=each, yes=parsed_args.yes)
                plan = self._go(service, bus, plan, each=each)
        return COLUMNS, rows(plan)

    def _show(self, plan: WavePlan, *, errors: bool) -> None:
        from pumphouse.cli import wave_view

        if self.app.options.verbose_level or not errors:
            wave_view.show(console(self.app, errors=errors), plan)

    def _ask(self, plan: WavePlan, *, each: bool, yes: bool) -> None:
        """The whole is consented to at once, or each wave when its turn comes."""
        servers = sum(wave.servers for wave in plan.waves)
        hosts = sum(len(wave.upgrades) for wave in plan.waves)
        if plan.waves and not each:
            confirm(
                self.app,
                f"{units.count(servers, 'server')} will move, and {units.count(hosts, 'host')} follow. {GOES}",
                "upgrade",
                yes=yes,
            )

    def _go(self, service: "Service", bus: Bus, plan: WavePlan, *, each: bool) -> WavePlan:
        """Carry out wave after wave; what was done, and what stays."""
        failed: dict[str, str] = {}
        done, before = list[Wave](), None
        while plan.waves:
            wave = plan.waves[0]
            if wave == before:
                raise PumphouseError(
                    "the last wave changed nothing, though nothing failed in it",
                    "See the log, then run it again.",
                )
            if each and done:
                self._show(plan, errors=True)
            done.append(wave)
            self._begin(len(done), wave, each=each)
            with running(self.app, service, bus):
                failed |= (new := service.waves.carry_out(wave))
            self._tell(new)
            before, plan = (None if new else wave), service.waves.plan(failed)
        if not plan.remains and not failed:
            self._close(service, bus, each=each)
        else:
            self._leave(plan, failed)
        return replace(plan, waves=tuple(done))

    def _begin(self, number: int, wave: Wave, *, each: bool) -> None:
        from pumphouse.cli.wave_view import lines

        self.app.say(f"wave {number}")
        for line in lines(wave):
            self.app.say(f"  {line}")
        if each:
            self._approve(GOES, f"wave {number}", begun=number > 1)

    def _approve(self, question: str, answer: str, *, begun: bool) -> None:
        try:
            confirm(self.app, question, answer, yes=False)
        except Refused as refused:
            if begun:
                refused.message = refused.message.replace("nothing was touched", "what came before is done")
            raise

    def _tell(self, failed: Mapping[str, str]) -> None:
        for key, why in failed.items():
            self.app.say(f"{key.replace(':', ' ', 1)} failed and is left out: {why}")

    def _close(self, service: "Service", bus: Bus, *, each: bool) -> None:
        if each:
            self._approve(f"All that is left moves, and the source is closed. {GOES}", "close", begun=True)
        self.app.say("all that is left moves, and the source is closed")
        with running(self.app, service, bus):
            failed = service.waves.finish()
        self._tell(failed)
        self.exit_code = int(bool(failed))
        if not failed:
            self.app.say("the source is empty and closed; every host is one of the destination")

    def _leave(self, plan: WavePlan, failed: Mapping[str, str]) -> None:
        """Tell what stays, and that the source is not closed."""
        from pumphouse.cli import wave_view

        wave_view.remaining(console(self.app, errors=True), plan.remains)
        self.exit_code = 1
        self.app.say(
            f"{units.count(len(plan.remains) or len(failed), 'thing')} left out; the source is not closed. "
            "See to what is said above; the same command goes on."
        )
