"""``pumphouse migrate``."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pumphouse.cli import selection
from pumphouse.cli.base import (
    Listing,
    Rate,
    Seconds,
    Size,
    Table,
    accepted,
    add_accept,
    add_yes,
    confirm,
    console,
)
from pumphouse.cli.plan_cmd import BLOCKED
from pumphouse.cli.running import running
from pumphouse.errors import Mismatch, Refused, UsageError
from pumphouse.events import Bus
from pumphouse.model import Plan, Result, RunResult
from pumphouse.report import units
from pumphouse.report.board import Board
from pumphouse.report.brief import sides

if TYPE_CHECKING:
    from pumphouse.service import Service

COLUMNS = ("Kind", "Name", "Result", "Bytes", "Rate", "Downtime", "Error")


class Migrate(Table):
    """Carry out a plan: make what is missing, then move the data, server by server."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the selection and how to go about it."""
        parser = super().get_parser(prog_name)
        selection.add_arguments(parser)
        parser.add_argument("--plan", type=Path, metavar="FILE", help="Carry out a saved plan.")
        parser.add_argument("--dry-run", action="store_true", help="Show the plan and change nothing.")
        parser.add_argument(
            "--prepare-only",
            action="store_true",
            help="Do what needs no downtime; servers keep running.",
        )
        add_accept(parser)
        parser.add_argument("--skip-blocked", action="store_true", help="Leave out what cannot be moved.")
        parser.add_argument("--concurrency", type=int, metavar="N", help="Servers moved at once.")
        parser.add_argument("--bandwidth", type=float, metavar="MIB", help="Cap of all transfers, in MiB/s.")
        add_yes(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Listing:
        """Plan, ask, run and sum up."""
        bus, board = Bus(), Board()
        bus.subscribe(board.apply)
        policy = {"concurrency": parsed_args.concurrency, "bandwidth": parsed_args.bandwidth}
        with self.app.service(bus, **policy) as service:
            plan = _plan(service, parsed_args)
            if parsed_args.dry_run:
                return self._show(plan)
            if parsed_args.skip_blocked:
                plan = service.skip_blocked(plan)
            self._ask(plan, yes=parsed_args.yes)
            with running(self.app, service, bus):
                result = service.migrate(plan, prepare_only=parsed_args.prepare_only)
        return self._sum_up(plan, result, board, prepare_only=parsed_args.prepare_only)

    def _show(self, plan: Plan) -> Listing:
        from pumphouse.cli import plan_view

        plan_view.show(console(self.app), plan)
        self.lists, self.exit_code = False, BLOCKED if plan.blocked else 0
        return COLUMNS, ()

    def _ask(self, plan: Plan, *, yes: bool) -> None:
        from pumphouse.cli import plan_view

        if plan.to_do or plan.blocked:
            plan_view.summary(console(self.app, errors=True), plan)
        if plan.blocked:
            raise Refused(
                f"blocked by {units.count(len(plan.blocked), 'problem')}; nothing was touched",
                "Do what is said above, or leave out what is blocked with --skip-blocked.",
            )
        if plan.to_do:
            confirm(self.app, "Migrate this?", "yes", yes=yes)

    def _sum_up(self, plan: Plan, result: RunResult, board: Board, *, prepare_only: bool) -> Listing:
        failing = [d for d in result.differences if d.failing]
        for difference in result.differences:
            here, there = sides(difference)
            note = f" ({difference.note})" if difference.note else ""
            self.app.say(
                f"{difference.kind.replace('_', ' ')} {difference.name}: {difference.field} differs: "
                f"{here} at the source, {there} at the destination{note}"
            )
        self.exit_code = Mismatch.exit_code if failing else int(bool(result.failed))
        rows = list(summary(plan, result, board))
        if not plan.to_do and not rows and not failing:
            from pumphouse.cli.plan_view import NOTHING

            self.app.say(NOTHING)
            self.lists = False
            return COLUMNS, ()
        self.lists = bool(rows)
        self._say_what_next(plan, result, prepare_only=prepare_only)
        return COLUMNS, rows

    def _say_what_next(self, plan: Plan, result: RunResult, *, prepare_only: bool) -> None:
        done = units.count(len(result.outcomes) - len(result.failed), "resource")
        self.app.say(
            f"{done} done, {len(result.failed)} failed or skipped, in {units.duration(result.seconds)}"
        )
        commands = {
            "migrate": "try again what failed" if result.failed else "move the servers",
            "verify": "compare again",
            "commit": "delete it at the source",
            "rollback": "undo it",
        }
        useful = (
            ("migrate", "rollback") if result.failed or prepare_only else ("verify", "commit", "rollback")
        )
        self.app.say("next:")
        for command in useful:
            self.app.say(f"  pumphouse {command} {selection.typed(plan.selection)}  # {commands[command]}")


def summary(plan: Plan, result: RunResult, board: Board) -> Iterator[tuple[object, ...]]:
    """A row for each workload, and for everything else that failed."""
    steps = {step.key: step for step in plan.steps}
    failed = {outcome.key: outcome for outcome in result.failed}
    for key, workload in board.workloads.items():
        outcome = failed.get(key)
        yield (
            key.partition(":")[0],
            workload.name,
            "failed" if outcome else workload.result,
            Size(workload.moved),
            Rate(workload.moved / workload.seconds if workload.seconds else 0.0),
            Seconds(workload.downtime),
            workload.error or (outcome.error if outcome else ""),
        )
    for outcome in result.failed:
        if outcome.key not in board.workloads:
            step = steps.get(outcome.key)
            kind, _, identifier = outcome.key.partition(":")
            said = "failed" if outcome.result is Result.FAIL else "skipped"
            name = step.name if step else identifier
            yield kind, name, said, Size(0), Rate(0.0), Seconds(None), outcome.error


def _plan(service: "Service", parsed: argparse.Namespace) -> Plan:
    if not parsed.plan:
        return service.plan(selection.parse(parsed), *accepted(parsed))
    if selection.given(parsed):
        raise UsageError("a saved plan has its selection in it", "Give --plan FILE or a selection, not both.")
    return service.load_plan(parsed.plan, *accepted(parsed))
