"""What was made and where: intent before, fact after, and nothing forgotten by a crash."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from fakes import FakeClock

from pumphouse.errors import ConfigError, Refused
from pumphouse.ledger.sql import SqlLedger, open_engine
from pumphouse.ledger.tables import metadata

KEY = "network:n1"


@pytest.fixture
def again(tmp_path: Path) -> Iterator[Callable[[], SqlLedger]]:
    """Opens the same file anew, as after a crash: nothing was closed."""
    engines: list[sa.Engine] = []

    def reopen() -> SqlLedger:
        engines.append(open_engine(str(tmp_path / "deep" / "ledger.sqlite")))
        return SqlLedger(engines[-1], FakeClock())

    yield reopen
    for engine in engines:
        engine.dispose()


@pytest.fixture
def ledger(again: Callable[[], SqlLedger]) -> SqlLedger:
    return again()


# --- resources ------------------------------------------------------------------------------------
def test_a_resource_goes_from_intended_to_done(ledger: SqlLedger) -> None:
    assert ledger.row(KEY) is None
    ledger.intend(KEY, "network", "lan")
    row = ledger.row(KEY)
    assert row is not None
    assert (row.state, row.how, row.destination_id) == ("intended", "created", None)
    assert (row.kind, row.source_id, row.name, row.updated_at) == ("network", "n1", "lan", 1000.0)
    ledger.created(KEY, "new-n1")
    assert (ledger.rows()[KEY].state, ledger.rows()[KEY].destination_id) == ("created", "new-n1")
    ledger.done(KEY)
    row = ledger.rows()[KEY]
    assert (row.state, row.how, row.destination_id) == ("done", "created", "new-n1")
    ledger.committed(KEY)
    assert ledger.rows()[KEY].state == "committed"


def test_several_are_done_in_one_moment(ledger: SqlLedger) -> None:
    for name in ("a", "b", "c"):
        ledger.intend(f"server:{name}", "server", name)
    ledger.done("server:a", "server:b")
    assert [ledger.rows()[f"server:{n}"].state for n in ("a", "b", "c")] == ["done", "done", "intended"]
    ledger.done()
    assert ledger.rows()["server:c"].state == "intended"


def test_rows_are_asked_for_by_kind(ledger: SqlLedger) -> None:
    for kind in ("server", "volume", "user"):
        ledger.intend(f"{kind}:1", kind, "one")
    assert ledger.rows("server", "user").keys() == {"server:1", "user:1"}
    assert ledger.rows("port") == {}


def test_what_is_forgotten_is_gone(ledger: SqlLedger) -> None:
    ledger.intend(KEY, "network", "lan")
    ledger.forget(KEY)
    ledger.forget(KEY)
    assert ledger.rows() == {}


def test_reused_is_not_ours(ledger: SqlLedger) -> None:
    ledger.reused(KEY, "network", "lan", "theirs")
    row = ledger.rows()[KEY]
    assert (row.state, row.how, row.destination_id) == ("reused", "reused", "theirs")


def test_reused_does_not_downgrade_what_was_created(ledger: SqlLedger) -> None:
    ledger.intend(KEY, "network", "lan")
    ledger.created(KEY, "new-n1")
    ledger.done(KEY)
    ledger.reused(KEY, "network", "lan", "new-n1")
    row = ledger.rows()[KEY]
    assert (row.state, row.how) == ("done", "created")


def test_reusing_another_one_forgets_the_created_one(ledger: SqlLedger) -> None:
    ledger.intend(KEY, "network", "lan")
    ledger.created(KEY, "lost")
    ledger.reused(KEY, "network", "lan", "theirs")
    row = ledger.rows()[KEY]
    assert (row.state, row.how, row.destination_id) == ("reused", "reused", "theirs")


def test_a_new_intent_forgets_the_id_of_what_was_lost(ledger: SqlLedger) -> None:
    ledger.intend(KEY, "network", "lan")
    ledger.created(KEY, "lost")
    ledger.intend(KEY, "network", "lan")
    assert ledger.rows()[KEY].destination_id is None


def test_notes_are_merged_and_survive_every_change_of_state(ledger: SqlLedger) -> None:
    ledger.intend(KEY, "network", "lan")
    ledger.note(KEY, status="ACTIVE", locked=False)
    ledger.note(KEY, locked=True, more={"a": [1]})
    ledger.created(KEY, "new-n1")
    ledger.done(KEY)
    ledger.intend(KEY, "network", "lan")
    assert ledger.rows()[KEY].data == {"status": "ACTIVE", "locked": True, "more": {"a": [1]}}


def test_a_note_makes_the_row_when_there_is_none(ledger: SqlLedger) -> None:
    ledger.note("server:s1", status="ACTIVE")
    row = ledger.rows()["server:s1"]
    assert (row.kind, row.source_id, row.state, row.how) == ("server", "s1", "intended", "created")
    assert row.data == {"status": "ACTIVE"}


def test_an_id_with_colons_keeps_them(ledger: SqlLedger) -> None:
    ledger.intend("keypair:u/a:b", "keypair", "a:b")
    assert ledger.rows()["keypair:u/a:b"].source_id == "u/a:b"


# --- after a crash --------------------------------------------------------------------------------
def test_everything_is_there_after_a_crash(again: Callable[[], SqlLedger]) -> None:
    before = again()
    before.bind("http://old", "http://new")
    before.intend(KEY, "network", "lan")
    before.note(KEY, held=True)
    before.temporary("volume:v", "source", "snapshot", "pumphouse-v-snapshot")
    after = again()
    after.bind("http://old", "http://new")
    assert after.rows() == before.rows()
    assert after.temporaries() == before.temporaries()
    assert len(after.temporaries()) == 1


def test_two_openings_see_each_other(again: Callable[[], SqlLedger]) -> None:
    one, two = again(), again()
    one.intend(KEY, "network", "lan")
    two.created(KEY, "x")
    row = one.row(KEY)
    assert row is not None
    assert row.destination_id == "x"


def test_an_intent_outlives_a_power_cut(again: Callable[[], SqlLedger], tmp_path: Path) -> None:
    again()
    engine = open_engine(str(tmp_path / "deep" / "ledger.sqlite"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


# --- whose it is ----------------------------------------------------------------------------------
def test_a_ledger_belongs_to_one_pair_of_clouds(again: Callable[[], SqlLedger]) -> None:
    again().bind("http://old", "http://new")
    again().bind("http://old", "http://new")
    for pair in (("http://old", "http://other"), ("http://new", "http://old")):
        with pytest.raises(Refused, match="the ledger is of other clouds: http://old → http://new") as raised:
            again().bind(*pair)
        assert "config.yaml" in raised.value.remedy


# --- temporaries ----------------------------------------------------------------------------------
NAMED = ("source", "image", "pumphouse-v-image")


def test_a_temporary_is_known_from_its_intent_on(again: Callable[[], SqlLedger]) -> None:
    ledger = again()
    assert ledger.temporary("volume:v", *NAMED) is None
    known = again().temporary("volume:v", *NAMED)
    assert known is not None
    assert (known.owner, known.identifier) == ("volume:v", None)
    ledger.temporary_made(*NAMED, "id-1")
    known = again().temporary("volume:v", *NAMED)
    assert known is not None
    assert known.identifier == "id-1"


def test_a_temporary_that_is_gone_may_come_again(ledger: SqlLedger) -> None:
    ledger.temporary("volume:v", *NAMED)
    ledger.temporary_made(*NAMED, "id-1")
    ledger.temporary_gone(*NAMED)
    assert ledger.temporaries() == ()
    assert ledger.temporary("server:s", *NAMED) is None
    assert [(t.owner, t.identifier) for t in ledger.temporaries()] == [("server:s", None)]


def test_temporaries_are_listed_by_owner(ledger: SqlLedger) -> None:
    for owner, name in (("a", "1"), ("a", "2"), ("b", "3"), ("", "4")):
        ledger.temporary(owner, "source", "image", name)
    assert [t.name for t in ledger.temporaries("a")] == ["1", "2"]
    assert [t.name for t in ledger.temporaries("")] == ["4"]
    assert len(ledger.temporaries()) == 4


def test_the_same_name_in_the_other_cloud_or_of_another_kind_is_another(ledger: SqlLedger) -> None:
    for cloud, kind in (("source", "image"), ("destination", "image"), ("source", "volume")):
        assert ledger.temporary("a", cloud, kind, "same") is None
    ledger.temporary_gone("source", "image", "same")
    assert {(t.cloud, t.kind) for t in ledger.temporaries()} == {
        ("destination", "image"),
        ("source", "volume"),
    }


# --- the schema -----------------------------------------------------------------------------------
def test_the_migrations_make_the_tables_as_they_are_described(ledger: SqlLedger, tmp_path: Path) -> None:
    engine = open_engine(str(tmp_path / "deep" / "ledger.sqlite"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize(
    "location", ["{}/file/ledger.sqlite", "nosuch://user:hunter2@host/db", "postgresql://u:hunter2@[bad/db"]
)
def test_what_cannot_be_opened_is_told_without_the_password(location: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="the ledger cannot be opened") as raised:
        open_engine(location.format(tmp_path))
    assert "hunter2" not in str(raised.value) + raised.value.remedy


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("this is a text of some length, and no database at all\n" * 40)
    with pytest.raises(ConfigError, match="the ledger cannot be opened"):
        open_engine(str(tmp_path / "ledger.sqlite"))


def test_a_ledger_is_opened_by_many_threads_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        engines = list(pool.map(lambda _: open_engine(str(tmp_path / "ledger.sqlite")), range(8)))
    for engine in engines:
        engine.dispose()
