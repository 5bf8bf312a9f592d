"""Migrations and their events."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeClock

from pumphouse.ledger.journal import PROGRESS_EVERY, Journal
from pumphouse.ledger.sql import open_engine
from pumphouse.model import Event, Selection

ACME, LAB = Selection("project", ("acme",)), Selection("project", ("lab",))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock) -> Iterator[Journal]:
    engine = open_engine(str(tmp_path / "ledger.sqlite"))
    yield Journal(engine, clock)
    engine.dispose()


def test_the_same_selection_is_the_same_migration(journal: Journal, clock: FakeClock) -> None:
    first = journal.open(ACME, ["a", "b"])
    clock.time += 5
    journal.set_state(first.id, "failed")
    again = journal.open(Selection("project", ("acme",)), ["b", "c"])
    assert (again.id, again.state) == (first.id, "running")
    assert (again.created_at, again.updated_at) == (1000.0, 1005.0)
    assert journal.keys(first.id) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "other",
    [
        LAB,
        Selection("server", ("acme",)),
        Selection("project", ("acme",), filters=("name=x",)),
        Selection("project", ("acme",), exclude=("server:x",)),
    ],
)
def test_another_selection_is_another_migration(journal: Journal, other: Selection) -> None:
    assert journal.open(ACME, []).id != journal.open(other, []).id


def test_a_selection_comes_back_as_it_was(journal: Journal) -> None:
    selection = Selection("server", ("a", "b"), ("tag=x",), ("volume:y*",))
    journal.open(selection, [])
    assert journal.all()[0].selection == selection
    found = journal.find(selection)
    assert found is not None
    assert found.selection == selection
    assert journal.find(LAB) is None


def test_the_migration_last_worked_on_comes_first(journal: Journal, clock: FakeClock) -> None:
    first = journal.open(ACME, [])
    clock.time += 1
    second = journal.open(LAB, [])
    assert [m.id for m in journal.all()] == [second.id, first.id]
    clock.time += 1
    journal.set_state(first.id, "migrated")
    assert [(m.id, m.state) for m in journal.all()] == [(first.id, "migrated"), (second.id, "running")]


def test_others_are_what_migrations_not_rolled_back_count_on(journal: Journal) -> None:
    one = journal.open(ACME, ["shared", "mine"])
    two = journal.open(LAB, ["shared", "theirs"])
    assert journal.others(one.id) == {"shared", "theirs"}
    assert journal.others(two.id) == {"shared", "mine"}
    journal.set_state(two.id, "rolled back")
    assert journal.others(one.id) == frozenset()
    assert journal.others("") == {"shared", "mine"}


def test_events_come_back_in_order_from_any_point(journal: Journal) -> None:
    for number, migration in enumerate(("m1", "m2", "m1")):
        journal.append(Event(float(number), migration, "step.done", f"k{number}", {"n": number}))
    everything = journal.events()
    assert [e.key for e in everything] == ["k0", "k1", "k2"]
    assert [e.key for e in journal.events(after=everything[0].seq)] == ["k1", "k2"]
    assert [e.data for e in journal.events(0, "m1")] == [{"n": 0}, {"n": 2}]
    assert journal.events(after=everything[-1].seq) == ()


def test_of_progress_only_some_is_kept_for_each_resource(journal: Journal) -> None:
    for tick in range(11):
        for key in ("a", "b"):
            journal.append(Event(1000 + tick * PROGRESS_EVERY / 4, "m", "progress", key, {"done": tick}))
    for key in ("a", "b"):
        assert [e.data["done"] for e in journal.events() if e.key == key] == [0, 4, 8]


def test_the_last_of_progress_is_kept(journal: Journal) -> None:
    for at, done in ((1000.0, 1), (1000.1, 2), (1000.2, 3)):
        journal.append(Event(at, "m", "progress", "image:i1", {"done": done, "total": 3}))
    assert [event.data["done"] for event in journal.events()] == [1, 3]


def test_other_events_are_all_kept(journal: Journal) -> None:
    for _ in range(3):
        journal.append(Event(1000.0, "m", "step.done", "a"))
    assert len(journal.events()) == 3
