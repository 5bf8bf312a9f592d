"""Disabled projects and domains: enabled for as long as things are made in them, and disabled at the end."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from pumphouse.errors import CloudError
from pumphouse.identity_resource import IdentityKind
from pumphouse.kinds import KINDS
from pumphouse.model import Outcome, Result, Row, Step
from pumphouse.tasks.run import Run

CLOSABLE = ("domain", "project")


def open_closed(run: Run) -> None:
    """Enable again those that an earlier run disabled, when there is something to do; parents first.

    Before, it is noted that they have to be disabled: a run that dies in between leaves that to the next.
    """
    if not run.plan.to_do:
        return
    for step, row, kind in _ours(run):
        if row.data.get("closed") and row.destination_id:
            run.ports.ledger.note(step.key, closed=False)
            kind.open(run.ports.destination, row.destination_id)


def close(run: Run) -> list[Outcome]:
    """Disable those that are disabled at the source, what is inside first.

    :return: those that failed; they are due again in the next plan.
    """
    failed = []
    for step, row, kind in reversed(list(_ours(run))):
        if row.data.get("closed") or row.destination_id is None:
            continue
        try:
            kind.close(run.ports.destination, row.destination_id, run.want(run.item(step.key)))
            run.ports.ledger.note(step.key, closed=True)
        except CloudError as error:
            words = f"it was not disabled: {error.message}"
            failed.append(Outcome(step.key, Result.FAIL, row.destination_id, words))
    return failed


def open_to_remove(run: Run, steps: Iterable[Step]) -> None:
    """Enable those that are going to be removed, parents first.

    Below a disabled parent Keystone changes nothing, so that an immutable project could not be made deletable. What
    cannot be enabled is told when it cannot be removed.

    :param steps: in the order in which they are removed.
    """
    for step in reversed(list(steps)):
        kind = KINDS[step.kind]
        if step.kind in CLOSABLE and isinstance(kind, IdentityKind) and step.destination_id:
            with suppress(CloudError):
                kind.open(run.ports.destination, step.destination_id)


def _ours(run: Run) -> Iterator[tuple[Step, Row, IdentityKind]]:
    for step in run.plan.steps:
        if step.kind not in CLOSABLE:
            continue
        item, row, kind = run.source.by_key(step.key), run.row(step.key), KINDS[step.kind]
        assert isinstance(kind, IdentityKind)
        if item and row and row.how == "created" and row.state == "done" and not item.fields["enabled"]:
            yield step, row, kind
