"""Ledger and locks on a shared database: what holds for SQLite holds for PostgreSQL and MySQL."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from database_servers import Server, running

from pumphouse.clock import StoppableClock
from pumphouse.errors import Refused
from pumphouse.ledger.locks import SqlLocks
from pumphouse.ledger.sql import SqlLedger, open_engine

RUN = """
import sys, time
from pumphouse.clock import StoppableClock
from pumphouse.ledger.locks import SqlLocks
from pumphouse.ledger.sql import SqlLedger, open_engine
clock = StoppableClock()
engine = open_engine(sys.argv[1])
locks, ledger = SqlLocks(engine, clock, lambda: None), SqlLedger(engine, clock)
with locks.running("migrate project " + sys.argv[2]):
    locks.take({"server:" + sys.argv[2]: "server"})
    for number in range(10):
        key = f"flavor:{number}"
        with locks.holding(key, lambda owner: None):
            row = ledger.row(key)
            if row is None:
                ledger.intend(key, "flavor", sys.argv[2])
                time.sleep(0.02)
                ledger.created(key, sys.argv[2])
                ledger.done(key)
                print(number, flush=True)
    if sys.argv[3:]:
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real database server."""
    with running(request.param) as made:
        yield made


def start(url: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", RUN, url, *args], stdout=subprocess.PIPE, text=True)


def test_what_two_processes_share_is_made_once(server):
    """They open the new ledger at the same moment, too."""
    url = server.make("shared", "")
    runs = [start(url, name) for name in ("a", "b")]
    printed = [number for run in runs for number in run.communicate(timeout=120)[0].split()]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted(printed, key=int) == [str(number) for number in range(10)]
    engine = open_engine(url)
    assert {row.state for row in SqlLedger(engine, StoppableClock()).rows().values()} == {"done"}
    engine.dispose()


def test_a_killed_process_has_nothing_any_more(server):
    url = server.make("killed", "")
    run = start(url, "a", "hold")
    try:
        assert "held" in iter(lambda: run.stdout.readline().strip(), None)
        engine = open_engine(url)
        locks = SqlLocks(engine, StoppableClock(), lambda: None)
        with locks.running("migrate project b"):
            with pytest.raises(Refused, match=f"process {run.pid}"):
                locks.take({"server:a": "server 'a'"})
            run.kill()
            run.wait()
            locks.take({"server:a": "server 'a'"})
        engine.dispose()
    finally:
        run.kill()
        run.communicate()
