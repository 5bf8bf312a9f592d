"""The rules, for whoever wants to read them."""

from pumphouse.plan.rules import RULES, Rule


def rules() -> tuple[Rule, ...]:
    """Every problem that a plan may tell, by id."""
    return tuple(sorted(RULES.values(), key=lambda rule: rule.id))
