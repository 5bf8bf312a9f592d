"""What is accepted knowingly no longer refuses, and is told with who accepted it."""

import re
from dataclasses import replace

import pytest
from worlds import acme, changed, plan, problems, replaced, server, world

from pumphouse.errors import UsageError
from pumphouse.model import Acceptance, Problem
from pumphouse.plan import World
from pumphouse.plan.rules import RULES

LOCAL = "server-local-disks"


def accepting(*accepted: Acceptance) -> World:
    """A source with two servers whose ephemeral disks no API can read."""
    web = next(i for i in acme() if i.key == "server:web-1")
    disk = {"ephemeral_gb": 10}
    servers = (changed(web, observed=disk), server("id-2", "acme", "ann", name="db", observed=disk))
    return replace(world(replaced(acme(), *servers)), accepted=accepted)


def found(*accepted: Acceptance) -> dict[str, Problem]:
    return {p.key: p for p in problems(accepting(*accepted))[LOCAL]}


@pytest.mark.parametrize(
    ("resource", "keys"),
    [
        ("*", {"server:web-1", "server:id-2"}),
        ("web-1", {"server:web-1"}),
        ("web-*", {"server:web-1"}),
        ("server:web-1", {"server:web-1"}),
        ("server:*", {"server:web-1", "server:id-2"}),
        ("volume:*", set()),
        ("id-2", {"server:id-2"}),
        ("server:id-2", {"server:id-2"}),
        ("web", set()),
    ],
)
def test_a_resource_is_named_by_name_id_or_pattern(resource: str, keys: set[str]) -> None:
    accepted = {key for key, p in found(Acceptance(LOCAL, resource, "ann")).items() if p.accepted == "ann"}
    assert accepted == keys


def test_only_what_nobody_accepted_refuses() -> None:
    one = Acceptance(LOCAL, "web-1", "ann")
    assert [p.key for p in plan(accepting(one)).blocked] == ["server:id-2"]
    both = plan(accepting(one, Acceptance(LOCAL, "*", "bob")))
    assert not both.blocked
    assert [p.accepted for p in both.problems if p.rule == LOCAL] == ["bob", "ann"]
    assert all(step.action == "move" for step in both.steps if step.kind == "server")


def test_what_changes_nothing_is_told_unless_it_is_in_the_configuration() -> None:
    (problem,) = problems(accepting(Acceptance(LOCAL, "absent", "ann")))["accept-unused"]
    assert f"accepting {LOCAL}:absent changes nothing" in problem.what
    quiet = problems(accepting(Acceptance(LOCAL, "absent", "config.yaml", told=False)))
    assert "accept-unused" not in quiet
    assert "accept-unused" not in problems(accepting(Acceptance(LOCAL, "web-1", "ann")))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("server-local-disk", "there is no rule 'server-local-disk'"),
        ("server-state", "has nothing to accept, it says what cannot work"),
        ("server-new-id", "has nothing to accept, it only informs"),
    ],
)
def test_what_cannot_be_accepted_is_refused(rule: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        plan(accepting(Acceptance(rule, "*", "ann")))
    assert caught.value.remedy


def test_a_misspelt_rule_is_guessed() -> None:
    with pytest.raises(UsageError) as caught:
        plan(accepting(Acceptance("server-local-disk", "*", "ann")))
    assert caught.value.remedy.startswith("Did you mean server-local-disks")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_says_in_one_sentence_what_it_looks_for(rule: object) -> None:
    about = rule.about  # type: ignore[attr-defined]
    assert about.endswith(".") and "\n" not in about and len(about) <= 130
    assert not re.search(r"\.\s", about), "one sentence"
