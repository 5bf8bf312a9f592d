"""What the operator must know before anything moves: every problem has one rule, with its remedy."""

from pumphouse.model import Problem
from pumphouse.plan.rules import (
    accept,
    capacity,
    changes,
    flavors,
    identity,
    images,
    network,
    network_clashes,
    servers,
    steps,
    volume_types,
    volumes,
)
from pumphouse.plan.rules.view import RULES, Rule, View

__all__ = [
    "RULES",
    "Rule",
    "View",
    "accept",
    "capacity",
    "changes",
    "check",
    "flavors",
    "identity",
    "images",
    "network",
    "network_clashes",
    "servers",
    "steps",
    "volume_types",
    "volumes",
]


def check(view: View) -> tuple[Problem, ...]:
    """Every problem that the rules find, with who accepted it.

    :raises UsageError: when something is accepted that cannot be.
    """
    accept.validate(view.accepted)
    return tuple(
        Problem(rule.id, rule.severity, key, what, remedy, accept.who(view, rule, key), rule.can_be_accepted)
        for rule in RULES.values()
        for key, what, remedy in rule.find(view)
    )
