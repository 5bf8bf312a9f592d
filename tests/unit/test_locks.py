"""Locks in the ledger: one owner at a time, and nothing is left of a dead one."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes import FakeClock

from pumphouse.clock import StoppableClock
from pumphouse.errors import Interrupted, Refused
from pumphouse.ledger import locks as module
from pumphouse.ledger.locks import SqlLocks
from pumphouse.ledger.process import is_dead, this_process
from pumphouse.ledger.sql import open_engine
from pumphouse.ledger.tables import holder, lease
from pumphouse.model import Row
from pumphouse.tasks.sharing import as_seen

HELD = """
import sys, time
from pumphouse.clock import StoppableClock
from pumphouse.ledger.locks import SqlLocks
from pumphouse.ledger.sql import open_engine
locks = SqlLocks(open_engine(sys.argv[1]), StoppableClock(), lambda: None)
with locks.running("migrate project other"):
    locks.take({"server:a": "server 'a'"})
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite")


@pytest.fixture
def run(database: str) -> Iterator[Callable[..., SqlLocks]]:
    """Opens the ledger anew, as another process would."""
    engines: list[sa.Engine] = []

    def make(clock: object = None, lost: Callable[[], None] = lambda: None) -> SqlLocks:
        engines.append(open_engine(database))
        return SqlLocks(engines[-1], clock or StoppableClock(), lost)  # type: ignore[arg-type]

    yield make
    for engine in engines:
        engine.dispose()


def rows(locks: SqlLocks, table: sa.Table) -> int:
    with locks._engine.begin() as connection:
        return len(connection.execute(sa.select(table)).all())


def test_disjoint_runs_go_side_by_side(run: Callable[..., SqlLocks]) -> None:
    one, two = run(), run()
    with one.running("migrate project a"), two.running("migrate project b"):
        one.take({"server:a": "server 'a'"})
        two.take({"server:b": "server 'b'"})
    assert (rows(one, lease), rows(one, holder)) == (0, 0)


def test_a_second_run_is_refused_all_of_it_and_told_who_has_it(run: Callable[..., SqlLocks]) -> None:
    one, two = run(), run()
    with one.running("migrate project a"), two.running("migrate project b"):
        one.take({"server:a": "server 'a'"})
        with pytest.raises(Refused) as caught:
            two.take({"server:a": "server 'a'", "server:b": "server 'b'"})
        assert (
            "server 'a' is being worked on by 'pumphouse migrate project a' (process " in caught.value.message
        )
        assert one.attempt("server:b")
        assert not two.attempt("server:a")


def test_the_next_one_waits_and_is_told_once(run: Callable[..., SqlLocks]) -> None:
    one, two = run(), run()
    told: list[str] = []
    order: list[str] = []
    with one.running("migrate project a"), two.running("migrate project b"):

        def second() -> None:
            with two.holding("flavor:f", told.append):
                order.append("two")

        with one.holding("flavor:f", told.append):
            waiting = threading.Thread(target=second)
            waiting.start()
            time.sleep(0.4)
            order.append("one")
        waiting.join(10)
        assert one.attempt("flavor:f")
    assert order == ["one", "two"]
    assert len(told) == 1
    assert "migrate project a" in told[0]


def test_what_is_held_already_is_not_given_away_inside(run: Callable[..., SqlLocks]) -> None:
    one, two = run(), run()
    with one.running("rollback server a"), two.running("migrate project b"):
        one.take({"server:a": "server 'a'"})
        with one.holding("server:a", lambda owner: None):
            pass
        assert not two.attempt("server:a")


def test_several_may_count_on_one_thing(run: Callable[..., SqlLocks]) -> None:
    one, two = run(), run()
    with two.running("migrate project b"):
        with one.running("migrate project a"):
            one.use("grant p/u/r")
            assert not one.used("grant p/u/r")
            two.use("grant p/u/r")
            assert one.used("grant p/u/r")
        assert not two.used("grant p/u/r")


def test_a_killed_process_has_nothing_any_more(database: str, run: Callable[..., SqlLocks]) -> None:
    locks = run()
    process = subprocess.Popen([sys.executable, "-c", HELD, database], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with locks.running("migrate project a"):
            with pytest.raises(Refused, match=f"process {process.pid}"):
                locks.take({"server:a": "server 'a'"})
            process.kill()
            process.wait()
            locks.take({"server:a": "server 'a'"})
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert rows(locks, holder) == 0


def test_a_run_on_another_host_is_dead_when_it_is_silent(run: Callable[..., SqlLocks]) -> None:
    clock = FakeClock()
    locks = run(clock)
    elsewhere = {"host": "far", "place": "another boot", "process": 1, "began": "1", "doing": "migrate --all"}
    with locks._engine.begin() as connection:
        connection.execute(holder.insert().values(id="far", since=1000.0, beat=1000.0, **elsewhere))
        connection.execute(lease.insert().values(name="server:a", holder="far"))
    with locks.running("migrate project a"):
        clock.time += module.SILENCE - 1
        assert not locks.attempt("server:a")
        clock.time += 2
        assert locks.attempt("server:a")


def test_a_run_that_was_given_up_stops(run: Callable[..., SqlLocks], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.05)
    lost = threading.Event()
    locks = run(None, lost.set)
    with locks.running("migrate project a"):
        locks._bury([locks._us])
        assert lost.wait(10)
        with pytest.raises(Interrupted):
            locks.attempt("server:a")


def test_a_process_is_told_by_its_number_and_its_start() -> None:
    us = this_process()
    assert is_dead(us) is False
    assert is_dead(type(us)(us.host, us.place, us.number, "0")) is True
    assert is_dead(type(us)(us.host, "another boot", us.number, us.began)) is None


def test_two_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    database = str(tmp_path / "new.sqlite")
    code = "import sys; from pumphouse.ledger.sql import open_engine; open_engine(sys.argv[1])"
    opening = [subprocess.Popen([sys.executable, "-c", code, database]) for _ in range(3)]
    assert [process.wait(60) for process in opening] == [0, 0, 0]


def test_what_another_run_made_while_the_clouds_were_read_is_being_made() -> None:
    def row(key: str, state: str, id_: str | None) -> Row:
        return Row(key, "flavor", key, key, id_, state, "created")

    before = {"a": row("a", "done", "1"), "b": row("b", "intended", None), "gone": row("gone", "done", "3")}
    after = {"a": row("a", "done", "1"), "b": row("b", "done", "2"), "c": row("c", "intended", None)}
    assert {key: r.state for key, r in as_seen(before, after).items()} == {
        "a": "done",
        "b": "making",
        "c": "making",
    }
