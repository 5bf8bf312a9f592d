"""What only Keystone's tables hold: passwords of users and secrets of application credentials."""

from collections.abc import Mapping
from typing import Any

from pumphouse.errors import CloudError
from pumphouse.kinds import KINDS
from pumphouse.model import Item, Outcome, Password, Result, Step
from pumphouse.plan.owner import password_is_ours
from pumphouse.ports import IdentityTables
from pumphouse.tasks.run import Run
from pumphouse.tasks.sharing import acting

BATCH = 100  # users in one transaction


def carry_credential(run: Run, item: Item, want: Mapping[str, Any]) -> str:
    """Make an application credential with the id and the secret it has; its id in the destination."""
    assert run.ports.identity is not None  # without, the plan skips it
    own = item.id.rpartition("/")[2]
    run.ports.identity.carry_credential(own, want)
    return f"{want['user_id']}/{own}"


def carry_passwords(run: Run) -> list[Outcome]:
    """Give the users that Pumphouse made the passwords they have at the source: the last act for them;
    not yet those whom another run still acts for.

    A user for whom another run acts just now is left to that run, which does this at its own end.

    :return: those that failed; they are due again in the next plan.
    """
    tables = run.ports.identity
    due = [
        step
        for step in run.plan.steps
        if step.kind == "user" and not run.ports.locks.used(acting(step.key)) and _is_due(run, step)
    ]
    if not due or tables is None:
        return []
    failed: list[Outcome] = []
    for start in range(0, len(due), BATCH):
        batch = [s for s in due[start : start + BATCH] if run.ports.locks.attempt(acting(s.key))]
        try:
            _carry(run, tables, batch)
        except CloudError as error:
            words = f"its password was not carried: {error.message}"
            failed += [Outcome(step.key, Result.FAIL, error=words) for step in batch]
    return failed


def _is_due(run: Run, step: Step) -> bool:
    row, item = run.row(step.key), run.source.by_key(step.key)
    if row is None or item is None or row.how != "created" or row.state != "done":
        return False
    return bool(KINDS["user"].due(item, row.data))


def _carry(run: Run, tables: IdentityTables, batch: list[Step]) -> None:
    """A password that was set in the destination since then is left: its user knows it, and no other."""
    ledger, there = run.ports.ledger, tables.passwords("destination")
    users: dict[str, str] = {}
    for step in batch:
        if _is_ours(run, step, there):
            row = run.row(step.key)
            assert row is not None and row.destination_id is not None
            users[row.source_id] = row.destination_id
        else:
            ledger.note(step.key, handed_over=True)
            run.ports.publish("password.left", step.key, name=step.name)
    carried = tables.carry_passwords(users) if users else {}
    for source_id, created_at in carried.items():
        ledger.note(f"user:{source_id}", password=created_at)
    if carried:
        run.ports.publish("passwords.carried", users=len(carried))


def _is_ours(run: Run, step: Step, there: Mapping[str, Password]) -> bool:
    row = run.row(step.key)
    return row is not None and password_is_ours(row, there.get(row.destination_id or ""))
