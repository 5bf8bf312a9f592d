"""What several runs share at once: rows of the ledger, and users that are acted for."""

from collections.abc import Mapping
from dataclasses import replace

from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Row, Step
from pumphouse.plan.match import MAKING
from pumphouse.tasks.run import Run


def standing(row: Row | None) -> tuple[str, str | None] | None:
    """What another run changes about a row when it works on its resource."""
    return (row.state, row.destination_id) if row else None


def as_seen(before: Mapping[str, Row], after: Mapping[str, Row]) -> dict[str, Row]:
    """The ledger's rows as they go with an inventory that was read meanwhile.

    What changed in between may be in the inventory, half of it, or not: another run is making it.
    """
    return {
        key: row if standing(row) == standing(before.get(key)) else replace(row, state=MAKING)
        for key, row in after.items()
    }


def acting(user: str) -> str:
    """The lock of acting as a user: two runs that each give it a password would log each other out.

    :param user: its key.
    """
    return f"acting as {user}"


def wait_for_users(run: Run, *, prepare_only: bool) -> None:
    """Have the users that this run acts for to itself, before anything is stopped.

    In the order of their keys, so that no two runs wait for each other.

    :raises Interrupted: when a stop was asked for meanwhile.
    """
    actions = (Action.CREATE,) if prepare_only else (Action.CREATE, Action.MOVE)
    items = (_made(run, step) for step in run.plan.steps if step.action in actions)
    owners = {(item.fields.get("user_id"), item.project_id): item for item in items if item}
    users = {f"user:{user}" for (user, _), item in owners.items() if not run.actors.refusal(item)}
    for key in users:
        run.ports.locks.use(acting(key))
    for key in sorted(users):
        run.ports.locks.wait(acting(key), run.waiting(key))


def _made(run: Run, step: Step) -> Item | None:
    return run.source.by_key(step.key) if KINDS[step.kind].acts_in_project else None
