"""The last act for users: whose passwords are carried, what is remembered of it, and what is left to whom."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from fakes import Events, FreeLocks, memory_ledger
from worlds import bare_step, changed, user

from pumphouse.errors import CloudError
from pumphouse.inventory import Inventory
from pumphouse.model import Origin, Password, Result
from pumphouse.tasks.hashes import BATCH, carry_passwords
from pumphouse.tasks.sharing import acting


def password(created_at: int) -> Password:
    return Password(Origin.LOCAL, "scrypt", created_at, None, True)


class Tables:
    """Keystone's tables, remembering the batches."""

    def __init__(self, there: Mapping[str, Password] | None = None, broken: bool = False) -> None:
        self.there = there or {}
        self.batches: list[dict[str, str]] = []
        self.broken = broken

    def passwords(self, role: str) -> Mapping[str, Password]:
        assert role == "destination"
        return self.there

    def carry_passwords(self, users: Mapping[str, str]) -> Mapping[str, int]:
        if self.broken:
            raise CloudError("the database is away")
        self.batches.append(dict(users))
        return dict.fromkeys(users, 7)


def run(names: list[str], tables: Any, *, locks: Any = None) -> Any:
    """As after a run that made these users."""
    ledger = memory_ledger()
    for name in names:
        ledger.intend(f"user:{name}", "user", name)
        ledger.created(f"user:{name}", f"new-{name}")
        ledger.done(f"user:{name}")
    items = [changed(user(name), observed={"password": password(7)}) for name in names]
    ports = SimpleNamespace(identity=tables, ledger=ledger, publish=Events(), locks=locks or FreeLocks())
    return SimpleNamespace(
        ports=ports,
        plan=SimpleNamespace(steps=[bare_step(f"user:{name}") for name in names]),
        source=Inventory("source", items),
        row=ledger.row,
    )


def test_what_was_carried_is_remembered_and_not_carried_again() -> None:
    of = run(["ann"], tables := Tables())
    assert carry_passwords(of) == []
    assert tables.batches == [{"ann": "new-ann"}]
    assert of.row("user:ann").data["password"] == 7
    carry_passwords(of)
    assert len(tables.batches) == 1


def test_many_users_go_in_batches() -> None:
    of = run([f"u{n}" for n in range(BATCH + 1)], tables := Tables())
    carry_passwords(of)
    assert [len(batch) for batch in tables.batches] == [BATCH, 1]


def test_a_failure_is_told_for_each_user_and_stays_due() -> None:
    of = run(["ann", "bob"], Tables(broken=True))
    outcomes = carry_passwords(of)
    assert [(o.key, o.result) for o in outcomes] == [("user:ann", Result.FAIL), ("user:bob", Result.FAIL)]
    assert "not carried: the database is away" in outcomes[0].error
    assert "password" not in of.row("user:ann").data


def test_a_password_of_their_own_is_left_to_them_and_told() -> None:
    of = run(["ann", "bob"], tables := Tables({"new-ann": password(9), "new-bob": password(1)}))
    of.ports.ledger.note("user:ann", password=5)
    carry_passwords(of)
    assert tables.batches == [{"bob": "new-bob"}]
    assert of.row("user:ann").data["handed_over"]
    assert of.ports.publish.of("password.left") == [("user:ann", {"name": "ann"})]


def test_a_user_for_whom_another_run_acts_is_left_to_that_run() -> None:
    of = run(["ann", "bob"], tables := Tables(), locks=FreeLocks(acting("user:ann")))
    assert carry_passwords(of) == []
    assert tables.batches == [{"bob": "new-bob"}]
    assert "password" not in of.row("user:ann").data


def test_without_tables_nothing_is_carried() -> None:
    assert carry_passwords(run(["ann"], None)) == []
