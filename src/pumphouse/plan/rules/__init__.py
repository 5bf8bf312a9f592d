"""What the operator must know before anything moves: every problem has one rule, with its remedy."""

from pumphouse.model import Problem
from pumphouse.plan.rules import identity, network, servers, steps, volumes
from pumphouse.plan.rules.view import RULES, View

__all__ = ["View", "check", "identity", "network", "servers", "steps", "volumes"]


def check(view: View) -> tuple[Problem, ...]:
    """Every problem that the rules find."""
    return tuple(
        Problem(rule.id, rule.severity, key, what, remedy)
        for rule in RULES.values()
        for key, what, remedy in rule.find(view)
    )
