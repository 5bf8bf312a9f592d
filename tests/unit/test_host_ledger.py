"""What the ledger remembers of hosts."""

from fakes import FakeClock

from pumphouse.ledger.hosts import SqlHostLedger
from pumphouse.ledger.sql import open_engine


def ledger(tmp_path):
    return SqlHostLedger(open_engine(str(tmp_path / "ledger.sqlite")), FakeClock())


def test_an_unfinished_operation_goes_on_where_it_was(tmp_path):
    hosts = ledger(tmp_path)
    hosts.begin("compute-01", "upgrade")
    hosts.stage("compute-01", "discover", macs=["52:54:00:00:00:01"])
    hosts.stage("compute-01", "discover", "failed")
    record = ledger(tmp_path).begin("compute-01", "upgrade")
    assert (record.stage, record.state, record.data) == (
        "discover",
        "running",
        {"macs": ["52:54:00:00:00:01"]},
    )


def test_another_operation_begins_empty(tmp_path):
    hosts = ledger(tmp_path)
    hosts.begin("compute-01", "maintenance")
    hosts.stage("compute-01", "empty", "done", reason="disk")
    record = hosts.begin("compute-01", "upgrade")
    assert (record.operation, record.stage, record.state, record.data) == ("upgrade", "", "running", {})
    assert hosts.find("compute-02") is None
    assert [each.name for each in hosts.all()] == ["compute-01"]


def test_facts_are_there_with_the_beginning_so_that_a_kill_loses_none(tmp_path):
    hosts = ledger(tmp_path)
    hosts.begin("compute-01", "upgrade")
    hosts.stage("compute-01", "start", "failed", service="compute-01")
    record = hosts.begin("compute-01", "withdraw", service="compute-01")
    assert (record.operation, record.data) == ("withdraw", {"service": "compute-01"})
    assert ledger(tmp_path).find("compute-01") == record
