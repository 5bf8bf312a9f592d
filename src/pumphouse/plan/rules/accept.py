"""What the operator takes knowingly: warnings, and losses that do not keep the migration from being carried out."""

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase

from pumphouse.errors import UsageError
from pumphouse.model import Acceptance, Severity
from pumphouse.plan.rules.view import NOTE, RULES, Found, Rule, View, rule


def validate(accepted: Iterable[Acceptance]) -> None:
    """Nothing is accepted that cannot be.

    :raises UsageError: for a rule that there is not, or whose problems nobody can accept.
    """
    for wanted in accepted:
        found = RULES.get(wanted.rule)
        if found is None:
            near = difflib.get_close_matches(wanted.rule, RULES, 3)
            hint = f"Did you mean {' or '.join(near)}?" if near else "'pumphouse rules' lists them."
            raise UsageError(f"cannot accept {wanted}: there is no rule {wanted.rule!r}", hint)
        if not found.can_be_accepted:
            block = found.severity is Severity.BLOCK
            why = "it says what cannot work, not what is lost" if block else "it only informs"
            raise UsageError(
                f"cannot accept {wanted}: rule {wanted.rule!r} has nothing to accept, {why}",
                "Do what the plan says about it; 'pumphouse rules' lists what can be accepted.",
            )


def who(view: View, found: Rule, key: str) -> str:
    """Who accepts this problem of a rule; empty when nobody does."""
    return next((a.by for a in view.accepted if a.rule == found.id and _covers(a, key, view)), "")


def _covers(wanted: Acceptance, key: str, view: View) -> bool:
    kind, _, identifier = key.partition(":")
    item = view.source.by_key(key)
    name = item.name if item else identifier
    return any(fnmatchcase(called, wanted.resource) for called in (name, identifier, key, f"{kind}:{name}"))


@rule("accept-unused", NOTE)
def _unused(view: View) -> Found:
    """Something that was accepted on the command line or in the plan file, and that the plan has no problem with."""
    for wanted in view.accepted:
        keys = (key for key, *_ in RULES[wanted.rule].find(view))
        if wanted.told and not any(_covers(wanted, key, view) for key in keys):
            yield (
                "",
                f"accepting {wanted} changes nothing: the plan has no such problem",
                "Correct it if it is a mistake; it may also have been dealt with by now.",
            )
