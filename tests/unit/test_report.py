"""The report: facts from rows and events, as a value, as JSON and as a page."""

import json
import re
from html.parser import HTMLParser

import pytest
from fake_service import DEMO, migration_events

from pumphouse.model import Difference, Event, Migration, Row
from pumphouse.report import build, to_html, to_json, units
from pumphouse.report.brief import sides
from pumphouse.report.render import timeline

MIGRATION = Migration("m1", DEMO, "migrated", 1_700_000_000.0, 1_700_000_022.0)
ROWS = (
    Row("flavor:f1", "flavor", "f1", "m1.small", "f2", "reused", "reused"),
    Row("network:n1", "network", "n1", "private", "n2", "done", "created"),
    Row("server:s1", "server", "s1", "web1", "s2", "done", "created"),
)
EVIL = "<script>alert('x')</script>"


def report(rows=ROWS, events=None, migration=MIGRATION):
    return build(migration, rows, migration_events() if events is None else events, "old", "new")


def test_numbers_of_a_good_migration():
    value = report()
    (move,) = value.moves
    assert (move.name, move.result, move.destination_id, move.downtime, move.bytes) == (
        "web1",
        "done",
        "s2",
        15.0,
        2 << 30,
    )
    assert move.rate == (2 << 30) / 8
    assert [(span.phase, span.start, span.end) for span in move.spans] == [
        ("stop", 0.0, 2.0),
        ("transfer", 2.0, 10.0),
        ("create", 10.0, 17.0),
    ]
    assert move.down == (2.0, 17.0)
    assert (value.made, value.reused, value.bytes, value.longest_downtime) == (2, 1, 2 << 30, 15.0)
    assert [(run.command, run.seconds, run.result) for run in value.runs] == [("migrate", 22.0, "migrated")]
    assert value.troubles == () and value.temporaries is None


def test_a_move_that_was_rolled_back_is_no_move():
    undone = Event(1_700_000_099.0, "m1", "step.done", "server:s1", {"action": "undo"})
    (move,) = report(events=[*migration_events(), undone]).moves
    assert move.result == "rolled back"
    assert (move.downtime, move.seconds) == (15.0, 18.0)


def test_what_failed_last_is_a_trouble_and_what_was_made_good_is_not():
    events = [
        Event(0, "m", "run.started", "", {"command": "migrate"}),
        Event(1, "m", "step.failed", "network:n1", {"action": "ensure", "error": "busy"}),
        Event(1, "m", "step.skipped", "server:s1", {"action": "stop", "reason": "needs network private"}),
        Event(2, "m", "run.started", "", {"command": "migrate"}),
        Event(3, "m", "step.done", "network:n1", {"action": "ensure"}),
        Event(4, "m", "run.failed", "", {"error": "no"}),
    ]
    value = report(events=events)
    assert [(t.name, t.result, t.why) for t in value.troubles] == [
        ("web1", "skipped", "needs network private")
    ]
    assert [run.result for run in value.runs] == ["interrupted", "no"]


def test_parts_at_work_at_once_are_one_stretch_and_an_undone_attempt_is_forgotten():
    def step(at, kind, key, action):
        return Event(at, "m", kind, key, {"action": action, "workload": "server:s1"})

    events = [
        Event(0, "m", "workload.started", "server:s1", {"name": "web1"}),
        step(0, "step.started", "server:s1", "stop"),
        step(1, "step.failed", "server:s1", "stop"),
        Event(1, "m", "workload.failed", "server:s1", {"name": "web1", "error": "no"}),
        Event(100, "m", "workload.started", "server:s1", {"name": "web1"}),
        Event(101, "m", "source.stopped", "server:s1"),
        step(101, "step.started", "volume:a", "transfer"),
        step(102, "step.started", "volume:b", "transfer"),
        step(105, "step.done", "volume:a", "transfer"),
        step(109, "step.done", "volume:b", "transfer"),
    ]
    (move,) = report(events=events).moves
    assert [(s.phase, s.start, s.end) for s in move.spans] == [("transfer", 1.0, 9.0)]
    assert move.result == "unfinished"


def test_differences_of_the_latest_run_and_temporaries():
    found = {
        "kind": "network",
        "name": "private",
        "field": "mtu",
        "source": 1,
        "destination": 2,
        "failing": False,
    }
    events = [
        Event(0, "m", "run.started"),
        Event(1, "m", "verified", "network:n1", {"differences": 1, "found": [{**found, "field": "old"}]}),
        Event(2, "m", "run.started"),
        Event(3, "m", "verified", "network:n1", {"differences": 1, "found": [found]}),
        Event(4, "m", "run.done", "", {"result": "migrated", "temporaries": 0}),
    ]
    value = report(events=events)
    assert [d.field for d in value.differences] == ["mtu"]
    assert "All temporary snapshots, volumes and images are gone" in to_html(value)


def test_json_is_json():
    value = json.loads(json.dumps(to_json(report())))
    assert value["selection"] == "project demo"
    assert value["resources"][2] == {
        "kind": "server",
        "name": "web1",
        "source_id": "s1",
        "destination_id": "s2",
        "state": "done",
        "how": "created",
    }
    assert value["workloads"][0]["started_at"] == "2023-11-14T22:13:23+00:00"


class Page(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def test_the_page_needs_nothing_from_outside():
    text = to_html(report())
    assert not re.search(r"https?://|url\(|@import|//\w", text)
    page = Page(text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not [a for a in page.attributes if a[1] in ("src", "href") or a[1].startswith("on")]


def test_the_page_says_what_moved_from_where_to_where():
    text = to_html(report())
    for fact in (
        "project demo",
        "old",
        "new",
        "web1",
        "s1",
        "s2",
        "2.0 GiB",
        "15 s",
        "ab12",
        "2,147,483,648",
    ):
        assert fact in text
    page = Page(text)
    assert page.tags.count("svg") == 1 and page.tags.count("title") > 1
    assert all(
        scope in ("col", "row") for tag, name, scope in page.attributes if tag == "th" and name == "scope"
    )


def test_users_whose_password_was_not_carried_are_named():
    rows = (
        Row("user:a", "user", "a", "ann", "a2", "done", "created", {"password": 7}),
        Row("user:b", "user", "b", "bob", "b2", "done", "created", {"handed_over": True}),
        Row("user:c", "user", "c", "cy", "c2", "reused", "reused"),
    )
    made = report(rows)
    assert to_json(made)["users_without_password"] == ["bob"]
    assert "<p>bob</p>" in to_html(made)
    assert "Users who need a password" not in to_html(report(rows[:1]))


def test_everything_from_the_clouds_is_escaped():
    rows = tuple(Row(f"server:{EVIL}", "server", EVIL, EVIL, EVIL, "done", "created") for _ in range(1))
    events = [
        Event(0, "m", "workload.started", f"server:{EVIL}", {"name": EVIL}),
        Event(1, "m", "step.started", f"server:{EVIL}", {"action": "stop", "name": EVIL}),
        Event(2, "m", "step.failed", f"server:{EVIL}", {"action": "stop", "error": EVIL}),
        Event(2, "m", "workload.failed", f"server:{EVIL}", {"name": EVIL, "error": EVIL}),
        Event(2, "m", "moved", f"server:{EVIL}", {"name": EVIL, "sha256": EVIL, "bytes": 1}),
        Event(
            3, "m", "verified", f"server:{EVIL}", {"found": [{"name": EVIL, "field": EVIL, "source": EVIL}]}
        ),
        Event(3, "m", "run.failed", "", {"error": EVIL}),
    ]
    text = to_html(report(rows, events, Migration(EVIL, DEMO, EVIL, 0.0, 0.0)))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_an_empty_report_is_a_page():
    assert "svg" not in Page(to_html(report((), ()))).tags


def test_the_timeline_fits_its_picture():
    picture = timeline(report().moves)
    (line,) = picture.lines
    assert max(bar.x + bar.width for bar in line.bars) <= picture.width - 100
    assert len(picture.ticks) <= 9
    assert timeline(()) is None


def test_units():
    assert [units.size(n) for n in (0, 1023, 1024, 1536, 200 << 20, 5 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 KiB",
        "200 MiB",
        "5.0 TiB",
    ]
    assert [units.duration(s) for s in (0, 0.42, 43, 60, 80, 3600, 7500)] == [
        "0 s",
        "0.4 s",
        "43 s",
        "1 min",
        "1 min 20 s",
        "1 h",
        "2 h 5 min",
    ]
    assert units.count(1, "server") == "1 server" and units.count(0, "server") == "0 servers"


@pytest.mark.parametrize(
    "source, destination, said",
    [
        ("a", "", ("a", '""')),
        (None, 3, ("null", "3")),
        ([1, 2, 3], [1, 3], ("[2]", "[]")),
        ([1, 2], [2, 1], ("[1, 2]", "[2, 1]")),
        ([{"a": 1, "b": None}], [{"a": 1, "b": ""}], ('[{"b": null}]', '[{"b": ""}]')),
        ({"a": 1, "b": 2}, {"a": 1, "c": 3}, ('{"b": 2, "c": null}', '{"b": null, "c": 3}')),
        ("x" * 500, "y", ("x" * 159 + "…", "y")),
    ],
)
def test_of_long_values_only_what_differs_is_said(source, destination, said):
    assert sides(Difference("k:1", "k", "n", "f", source, destination)) == said


def test_what_was_accepted_is_told_once_with_who_and_when():
    def accepted(at, by, key="server:s1"):
        data = {"rule": "disks", "severity": "block", "what": f"<b>lost</b> {key}", "by": by}
        return Event(float(at), "m1", "accepted", key, data)

    value = report(events=[accepted(5, "ann"), accepted(9, "bob"), accepted(9, "bob", "server:s2")])
    assert [(t.by, t.at) for t in value.accepted] == [("ann", 5.0), ("bob", 9.0)]
    assert to_json(value)["accepted"][0]["at"] == "1970-01-01T00:00:05+00:00"
    text = to_html(value)
    assert "Accepted knowingly" in text and "<b>lost" not in text and "lost" in text
