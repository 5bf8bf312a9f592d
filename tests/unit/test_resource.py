"""What all kinds share: references, targets, comparison, reading and making."""

import copy
import json

import pytest
from fakes import RecordingCloud
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import acme, changed, image, network, port, server, user

from pumphouse.errors import Missing
from pumphouse.kinds import KINDS
from pumphouse.model import Item, fingerprint, make_key
from pumphouse.network_resource import NetworkKind
from pumphouse.resource import Api, Kind, Ref, references


class Thing(NetworkKind):
    """Has a reference of every sort."""

    name = "thing"
    api = Api("network", "/things", "thing", "things")
    refs = (
        Ref("project", "project_id"),
        Ref("network", "inner.network_id"),
        Ref("subnet", "ips.*.subnet_id"),
        Ref("group", "groups.*"),
        Ref("project", "home", weak=True),
        Ref("wire", "wire", named=True),
    )
    portable = ("name", "project_id", "inner", "ips", "groups", "home", "wire")


THING = Thing()
FIELDS = {
    "name": "t",
    "project_id": "p",
    "inner": {"network_id": "n"},
    "ips": [{"subnet_id": "s1"}, {"subnet_id": "s2"}, {"subnet_id": "s1"}],
    "groups": ["g1", "g2"],
    "home": "h",
    "wire": "left",
}
ITEM = Item("thing", "1", "t", "p", FIELDS)


def new(kind: str, identifier: str) -> str | None:
    return None if kind in ("wire",) or identifier == "h" else f"new-{identifier}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("project_id", ["p"]),
        ("inner.network_id", ["n"]),
        ("ips.*.subnet_id", ["s1", "s2", "s1"]),
        ("groups.*", ["g1", "g2"]),
        ("absent", []),
        ("absent.*.subnet_id", []),
        ("inner.absent", []),
        ("name.deeper", []),
    ],
)
def test_references_are_found_by_path(path: str, expected: list[str]) -> None:
    assert list(references(FIELDS, path)) == expected


def test_an_empty_reference_is_none() -> None:
    assert list(references({"a": None, "b": ""}, "a")) == []
    assert list(references({"groups": [None, "g"]}, "groups.*")) == ["g"]


def test_needs_are_the_strong_references_once_each() -> None:
    strong = ("project:p", "network:n", "subnet:s1", "subnet:s2", "group:g1", "group:g2")
    assert THING.needs(ITEM) == strong
    assert set(THING.needs(ITEM, weak=True)) == {*strong, "project:h"}


def test_a_target_has_every_reference_replaced() -> None:
    assert THING.target(ITEM, new) == {
        "name": "t",
        "project_id": "new-p",
        "inner": {"network_id": "new-n"},
        "ips": [{"subnet_id": "new-s1"}, {"subnet_id": "new-s2"}, {"subnet_id": "new-s1"}],
        "groups": ["new-g1", "new-g2"],
        "home": None,
        "wire": "left",
    }


def test_a_target_without_a_counterpart_is_missing_and_says_whose() -> None:
    with pytest.raises(Missing, match="thing 't': its subnet s2 has no counterpart yet"):
        THING.target(ITEM, lambda kind, i: None if i == "s2" else new(kind, i))


@pytest.mark.parametrize("item", acme(), ids=lambda i: i.key)
def test_making_a_target_leaves_the_item_as_it_is(item: Item) -> None:
    before = copy.deepcopy(item)
    KINDS[item.kind].target(item, lambda kind, i: f"new-{kind}-{i}")
    assert item == before


@pytest.mark.parametrize("item", acme(), ids=lambda i: i.key)
def test_a_target_with_the_same_ids_does_not_differ(item: Item) -> None:
    kind = KINDS[item.kind]
    want = kind.target(item, lambda kind, i: i)
    assert list(kind.compare(want, item.fields)) == []


@pytest.mark.parametrize("item", acme(), ids=lambda i: i.key)
def test_normalising_twice_changes_nothing(item: Item) -> None:
    kind = KINDS[item.kind]
    once = kind.normalise(copy.deepcopy(dict(item.fields)))
    assert kind.normalise(copy.deepcopy(once)) == once == dict(item.fields)


@pytest.mark.parametrize("item", acme(), ids=lambda i: i.key)
def test_items_are_plain_data(item: Item) -> None:
    assert json.loads(json.dumps([item.fields, item.observed])) == [item.fields, item.observed]


identifiers = st.text("abc", min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(st.lists(identifiers, max_size=4), st.lists(identifiers, max_size=3), identifiers)
def test_targets_keep_shape_and_leave_ports_unchanged(
    subnets: list[str], groups: list[str], net: str
) -> None:
    ips = [(s, f"10.0.0.{n}") for n, s in enumerate(subnets)]
    item = port("p", net, "acme", ips=ips, groups=groups)
    before = copy.deepcopy(item)
    want = KINDS["port"].target(item, lambda kind, i: f"new-{i}")
    assert item == before
    assert [ip["subnet_id"] for ip in want["fixed_ips"]] == [
        f"new-{ip['subnet_id']}" for ip in item.fields["fixed_ips"]
    ]
    assert want["security_groups"] == sorted(f"new-{g}" for g in groups)
    assert want["network_id"] == f"new-{net}"


# --- comparing ------------------------------------------------------------------------------------
def test_only_what_is_wanted_is_compared() -> None:
    assert list(THING.compare({"name": "a", "unknown": 1}, {"name": "a", "groups": ["x"]})) == []
    assert list(THING.compare({"name": "a"}, {})) == [("name", "a", None)]
    assert list(THING.compare({"tags": ["a"]}, {"tags": []})) == [("tags", ["a"], [])]


def test_what_a_server_does_not_show_is_not_compared() -> None:
    kind = KINDS["server"]
    assert list(kind.compare({"user_data": None, "name": "a"}, {"user_data": "x", "name": "a"})) == []


def test_no_reference_and_no_home_are_the_same_for_a_user() -> None:
    want = KINDS["user"].target(
        user("u", default_project_id="gone"), lambda kind, i: None if i == "gone" else i
    )
    assert "default_project_id" not in want


# --- reading and making ---------------------------------------------------------------------------
def test_a_listing_becomes_items() -> None:
    body = {"id": 7, "name": "", "project_id": "p", "tags": ["b", "a"], "status": "UP", "other": 1}
    cloud = RecordingCloud().on("GET", "network", "/things", {"things": [body]})
    (item,) = THING.read(cloud, {})
    assert (item.id, item.name, item.project_id) == ("7", "7", "p")
    assert item.fields == {"name": "", "project_id": "p", "tags": ["a", "b"]}
    assert item.observed == {"status": "UP"}


def test_only_portable_fields_are_sent() -> None:
    cloud = RecordingCloud().on("POST", "network", "/things", {"thing": {"id": "x"}})
    assert THING.create(cloud, {"name": "t", "tags": ["a"], "strange": 1}, ITEM) == "x"
    assert cloud.sent("POST", "/things") == [{"thing": {"name": "t"}}]


def test_tags_are_set_afterwards_and_only_when_there_are_some() -> None:
    cloud = RecordingCloud()
    THING.finish(cloud, "x", {"tags": []}, ITEM)
    assert cloud.calls == []
    THING.finish(cloud, "x", {"tags": ["a"]}, ITEM)
    assert cloud.sent("PUT", "/things/x/tags") == [{"tags": ["a"]}]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.name)
def test_removing_what_is_not_there_is_success(kind: Kind) -> None:
    KINDS[kind.name].delete(RecordingCloud(), "a/b/c" if kind.name == "role_assignment" else "a/b")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.name)
def test_the_table_is_consistent(kind: Kind) -> None:
    paths = {ref.path for ref in kind.refs}
    assert set(kind.companion_of) <= paths
    assert set(kind.reads_after) <= set(KINDS)
    assert {ref.kind for ref in kind.refs if not ref.named} <= set(KINDS)
    assert set(kind.held) <= {*kind.portable, *kind.compared}
    assert len({*kind.portable, *kind.compared}) == len(kind.portable) + len(kind.compared)
    assert (type(kind).__doc__ or "").strip()


def test_a_counterpart_has_the_same_natural_key() -> None:
    kind = KINDS["network"]
    others = [network("a", "p1", "lan"), network("b", "p2", "lan"), network("c", "p1", "wan")]
    assert [i.id for i in kind.candidates({"name": "lan", "project_id": "p1"}, others[0], others)] == ["a"]


# --- items ----------------------------------------------------------------------------------------
def test_equal_values_have_equal_fingerprints_whatever_their_order() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert make_key("server", "x") == server("x", "p", "u").key == "server:x"


def test_a_fingerprint_tells_images_of_other_names_apart() -> None:
    assert image("i", "p").fingerprint != changed(image("i", "p"), name="j").fingerprint
