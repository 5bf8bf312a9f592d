"""What the plan says of users, their passwords and their keys, and when Pumphouse may act for them."""

from dataclasses import replace
from typing import Any

import pytest
from fakes import RecordingCloud
from worlds import (
    acme,
    assignment,
    changed,
    item,
    new_cloud,
    plan,
    problems,
    project,
    replaced,
    role,
    row,
    there,
    world,
)

from pumphouse.identity_resource import IdentityKind
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Origin, Password, Selection
from pumphouse.plan import World
from pumphouse.plan.owner import owner_is_kept, password_is_ours
from pumphouse.policy import Policy

BY_KEY = {i.key: i for i in acme()}
ANN = BY_KEY["user:ann"]
GOOD = Password(Origin.LOCAL, "scrypt", 7, None, True)


def with_password(password: Password | None, **fields: Any) -> World:
    return world(replaced(acme(), changed(ANN, observed={"password": password}, **fields)))


def application_credential(**observed: Any) -> Any:
    fields = {"name": "robot", "user_id": "ann", "project_id": "acme", "roles": [{"id": "member"}]}
    return item("application_credential", "ann/robot", "robot", "acme", fields, **observed)


def trust() -> Any:
    fields = {"project_id": "acme", "trustor_user_id": "ann", "trustee_user_id": "heat"}
    return item("trust", "t", "t", "acme", fields)


def implied() -> Any:
    fields = {"prior_role_id": "member", "implied_role_id": "helper"}
    return item("implied_role", "member/helper", "member implies helper", None, fields)


@pytest.mark.parametrize(
    ("rule", "words", "of"),
    [
        (
            "user-password-format",
            "is kept as sha512_crypt, which",
            with_password(Password(Origin.LOCAL, "sha512_crypt", 7)),
        ),
        ("user-without-password", "has no password at the source", with_password(Password(Origin.LOCAL))),
        ("user-password-expired", "keep the day", with_password(replace(GOOD, expires_at=9))),
        ("user-disabled", "arrives disabled", with_password(GOOD, enabled=False)),
        (
            "user-there-before",
            "keep their password there: ann",
            world(None, replaced(new_cloud(), there(ANN))),
        ),
        (
            "application-credential",
            "of user 'ann' is left behind",
            world(replaced(acme(), application_credential())),
        ),
        ("trust", "from user 'ann' to user 'heat'", world(replaced(acme(), trust()))),
        (
            "implied-role-new",
            "everybody who has the role",
            world(replaced(acme(), role("helper"), implied())),
        ),
        (
            "assignment-left",
            "1 role(s) on domains or the system are left behind",
            world(replaced(acme(), assignment("member", "ann", None))),
        ),
        (
            "project-disabled",
            "which is disabled in the destination",
            world(None, replaced(new_cloud(), there(BY_KEY["project:acme"], enabled=False))),
        ),
    ],
)
def test_each_rule_fires_for_its_case(rule: str, words: str, of: World) -> None:
    selection = Selection("all") if rule == "implied-role-new" else Selection("project", ("acme",))
    (first, *_) = problems(of, selection)[rule]
    assert words in first.what
    assert first.remedy


def test_a_password_that_is_carried_is_no_problem() -> None:
    assert not {rule for rule in problems(with_password(GOOD)) if rule.startswith("user-")}


@pytest.mark.parametrize("origin", [Origin.LDAP, Origin.FEDERATED])
def test_users_of_others_are_found_and_never_made(origin: Origin) -> None:
    of = with_password(Password(origin))
    (step,) = (s for s in plan(of).steps if s.key == "user:ann")
    assert step.action is Action.BLOCK
    assert f"a user of {origin} is never made" in step.reason
    parts = replaced(new_cloud(), there(ANN))
    found = world(replaced(acme(), changed(ANN, observed={"password": Password(origin)})), parts)
    assert next(s for s in plan(found).steps if s.key == "user:ann").action is Action.REUSE


def test_without_tables_a_user_of_ldap_is_told_by_what_the_api_leaves_out() -> None:
    ldap = replace(ANN, observed={})
    (step,) = (s for s in plan(world(replaced(acme(), ldap))).steps if s.key == "user:ann")
    assert "a user of LDAP is never made" in step.reason


# --- what is still to be carried -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "still to be carried"),
        ({"password": None}, "still to be carried"),
        ({"password": 6}, "has changed at the source"),
        ({"password": 7}, ""),
        ({"handed_over": True}, ""),
    ],
)
def test_a_password_is_due_until_it_is_the_sources(data: dict[str, Any], said: str) -> None:
    of = with_password(GOOD)
    here = world(of.source, replaced(new_cloud(), there(ANN)), row("user:ann", "done", "new-ann", **data))
    (step,) = (s for s in plan(here).steps if s.key == "user:ann")
    assert step.action is (Action.CREATE if said else Action.REUSE)
    assert said in step.reason
    assert step.destination_id == "new-ann"


@pytest.mark.parametrize("password", [None, Password(Origin.LOCAL, "sha512_crypt", 7), Password(Origin.LDAP)])
def test_what_cannot_be_carried_is_never_due(password: Password | None) -> None:
    assert KINDS["user"].due(changed(ANN, observed={"password": password}), {}) == ""


@pytest.mark.parametrize(
    ("data", "now", "ours"),
    [
        ({}, None, True),
        ({"password": None}, GOOD, True),
        ({"password": 7}, GOOD, True),
        ({"password": 7}, replace(GOOD, created_at=8), False),
        ({"password": 7}, None, False),
        ({"handed_over": True}, GOOD, False),
    ],
)
def test_a_password_is_replaced_only_while_nobody_else_has_set_it(
    data: dict[str, Any], now: Password | None, ours: bool
) -> None:
    assert password_is_ours(row("user:ann", "done", "new-ann", **data), now) is ours
    assert not password_is_ours(row("user:ann", "reused", "new-ann", "reused", **data), now)


def test_a_user_of_several_factors_is_not_acted_for() -> None:
    of = with_password(GOOD, options={"multi_factor_auth_enabled": True})
    why = owner_is_kept(BY_KEY["volume:spare"], of.source, plan(of).steps, of.rows, of.destination)
    assert "needs more than a password" in why


def test_a_user_with_a_new_password_is_not_acted_for() -> None:
    mine = changed(there(ANN), observed={"password": replace(GOOD, created_at=9)})
    of = world(
        with_password(GOOD).source,
        replaced(new_cloud(), mine),
        row("user:ann", "done", "new-ann", password=7),
    )
    why = owner_is_kept(BY_KEY["volume:spare"], of.source, plan(of).steps, of.rows, of.destination)
    assert "may have got a password in the destination" in why


# --- what is disabled ------------------------------------------------------------------------------
def test_a_disabled_project_is_due_until_it_is_disabled_again() -> None:
    closed = project("acme", enabled=False)
    kind = KINDS["project"]
    assert kind.due(closed, {}) == kind.due(closed, {"closed": False}) == "is still to be disabled"
    assert kind.due(closed, {"closed": True}) == kind.due(project("acme"), {}) == ""


def test_a_disabled_project_is_made_enabled() -> None:
    cloud = RecordingCloud().on("POST", "identity", "/projects", {"project": {"id": "new"}})
    KINDS["project"].create(cloud, dict(project("acme", enabled=False).fields), project("acme"))
    assert "enabled" not in cloud.sent("POST", "/projects")[0]["project"]


def test_an_immutable_project_is_disabled_with_its_options_given_back() -> None:
    there_now = {"project": {"id": "new", "enabled": True, "options": {"immutable": True}}}
    cloud = RecordingCloud().on("GET", "identity", "/projects/new", there_now)
    kind = KINDS["project"]
    assert isinstance(kind, IdentityKind)
    kind.close(cloud, "new", {"enabled": False, "options": {"immutable": True}})
    assert [body["project"] for body in cloud.sent("PATCH", "/projects/new")] == [
        {"options": {"immutable": None}},
        {"enabled": False},
        {"options": {"immutable": True}},
    ]


# --- names that policy maps -------------------------------------------------------------------------
def test_mapped_names_are_used_for_finding() -> None:
    policy = Policy(projects={"acme": "shop"}, roles={"member": "user"})
    parts = replaced(
        new_cloud(), changed(there(BY_KEY["project:acme"]), name="shop"), role("new-user", "user")
    )
    of = replace(world(None, parts), policy=policy)
    found = {s.key: s.destination_id for s in plan(of).steps}
    assert found["project:acme"] == "new-acme"
    assert found["role:member"] == "new-user"


def test_two_roles_may_become_one() -> None:
    policy = Policy(roles={"_member_": "member"})
    old = role("old", "_member_")
    of = replace(world(replaced(acme(), old)), policy=policy)
    found = {s.key: s.destination_id for s in plan(of, Selection("identity")).steps if s.kind == "role"}
    assert found == {"role:member": "new-member", "role:old": "new-member"}
