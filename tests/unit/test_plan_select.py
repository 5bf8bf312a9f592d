"""What a selection names, what that needs, and what belongs to it."""

import pytest
from worlds import (
    acme,
    assignment,
    changed,
    domain,
    floating_ip,
    image,
    keypair,
    network,
    port,
    project,
    replaced,
    role,
    server,
    subnet,
    user,
    volume,
    without,
)

from pumphouse.errors import UsageError
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Item, Selection
from pumphouse.plan.select import named, resolve, select


def source(*more: Item, base: list[Item] | None = None) -> Inventory:
    return Inventory("source", replaced(acme() if base is None else base, *more))


def keys(inventory: Inventory, what: str, *names: str, filters: tuple = (), exclude: tuple = ()) -> set[str]:
    found = select(inventory, Selection(what, names, filters, exclude))
    assert len({i.key for i in found.items}) == len(found.items)
    return {i.key for i in found.items}


SERVER = {
    "server:web-1",
    "flavor:small",
    "project:acme",
    "domain:default",
    "user:ann",
    "port:port",
    "volume:data",
    "volume_type:gold",
    "server_group:apart",
    "network:lan",
    "subnet:lan-subnet",
    "security_group:web",
}


def test_a_project_brings_all_that_is_its_own_and_what_that_needs() -> None:
    assert keys(source(), "project", "acme") == {i.key for i in acme()}


def test_a_project_leaves_other_projects_things_alone() -> None:
    other = [project("other"), network("theirs", "other"), image("their-image", "other")]
    assert not {i.key for i in other} & keys(source(*other), "project", "acme")


def test_a_server_brings_what_it_refers_to_and_no_other_server_or_volume() -> None:
    found = keys(source(server("web-2", "acme", "ann")), "server", "web-1")
    assert found >= SERVER
    assert not found & {"server:web-2", "volume:spare", "image:cirros"}


def test_companions_come_when_all_they_point_at_is_selected() -> None:
    found = keys(source(), "server", "web-1")
    assert {
        "floating_ip:float",
        "security_group_rules:web",
        "keypair:ann/key",
        "role_assignment:member/ann/acme",
        "compute_quota:acme",
    } <= found
    assert "router:gate" not in found  # a router is found by its project only
    assert "image_member:cirros/admin" not in keys(source(), "image", "cirros")


@pytest.mark.parametrize(
    ("what", "name", "expected"),
    [
        ("image", "cirros", {"image:cirros", "project:acme"}),
        ("volume", "spare", {"volume:spare", "volume_type:gold", "user:ann", "project:acme"}),
        ("network", "lan", {"network:lan", "subnet:lan-subnet", "project:acme"}),
        ("flavor", "small", {"flavor:small"}),
        ("keypair", "key", {"keypair:ann/key", "user:ann"}),
        ("host", "old-1", SERVER),
    ],
)
def test_every_other_way_to_select(what: str, name: str, expected: set[str]) -> None:
    found = keys(source(), what, name)
    assert expected <= found
    assert ("server:web-1" in found) == (what == "host")


def test_several_names_are_selected_together() -> None:
    assert {"image:cirros", "image:other"} <= keys(source(image("other", "acme")), "image", "cirros", "other")


def test_an_id_wins_over_a_name() -> None:
    inventory = source(image("one", "acme", "two"), image("two", "acme", "three"))
    assert resolve(inventory, "image", "two").name == "three"


def test_identity_is_all_of_it_and_nothing_that_holds_data_or_traffic() -> None:
    kinds = {key.partition(":")[0] for key in keys(source(), "identity")}
    assert {"domain", "project", "role", "user", "role_assignment"} <= kinds
    assert not kinds & {"server", "volume", "image", "network", "port"}


def test_all_is_everything() -> None:
    assert keys(source(), "all") == {i.key for i in acme()}


SERVICE = [
    project("svc", "service"),
    user("nova"),
    assignment("member", "nova", "svc"),
    assignment("member", "nova", "acme"),
    network("lb-mgmt", "svc"),
    subnet("lb-mgmt-subnet", "lb-mgmt", "svc"),
    server("amphora", "svc", "nova"),
    volume("svc-volume", "svc", "nova"),
]


@pytest.mark.parametrize("what", ["all", "identity"])
def test_the_services_own_is_left_alone(what: str) -> None:
    assert not {i.key for i in SERVICE} & keys(source(*SERVICE), what)


def test_a_service_project_can_be_asked_for_by_name() -> None:
    assert {"project:svc", "network:lb-mgmt"} <= keys(source(*SERVICE), "project", "service")


def test_nested_projects_bring_their_parents() -> None:
    inventory = source(project("top"), project("middle", parent="top"), project("leaf", parent="middle"))
    assert {"project:middle", "project:top"} <= keys(inventory, "project", "leaf")


def test_a_weak_reference_pulls_nothing_in() -> None:
    inventory = source(project("home"), user("bob", default_project_id="home"), keypair("bob", "bobs"))
    found = keys(inventory, "keypair", "bobs")
    assert "user:bob" in found
    assert "project:home" not in found


# --- names ----------------------------------------------------------------------------------------
def test_an_unknown_name_is_answered_with_near_misses() -> None:
    with pytest.raises(UsageError, match="no server named 'web-l'") as raised:
        keys(source(), "server", "web-l")
    assert raised.value.remedy == "Did you mean web-1?"


def test_an_unknown_name_without_near_misses_is_answered_with_where_to_look() -> None:
    with pytest.raises(UsageError) as raised:
        keys(source(), "server", "zzz")
    assert "pumphouse inventory source --kind server" in raised.value.remedy


def test_an_ambiguous_name_is_answered_with_the_ids() -> None:
    with pytest.raises(UsageError, match="2 images named 'same'") as raised:
        keys(source(image("id-1", "acme", "same"), image("id-2", "acme", "same")), "image", "same")
    assert "acme/same (id-1), acme/same (id-2)" in raised.value.remedy


def test_an_unknown_host_is_answered_with_the_hosts() -> None:
    with pytest.raises(UsageError, match="host 'old-9'") as raised:
        keys(source(), "host", "old-9")
    assert "old-1" in raised.value.remedy


def test_a_kind_that_cannot_be_selected_is_answered_with_those_that_can() -> None:
    with pytest.raises(UsageError) as raised:
        keys(source(), "subnet", "lan-subnet")
    assert "server" in raised.value.remedy


# --- filters --------------------------------------------------------------------------------------
FLEET = [
    server("db-1", "acme", "ann", tags=["db"], metadata={"tier": "back"}, ports=["port-db"]),
    port("port-db", "dmz", "acme", server_="db-1"),
    network("dmz", "acme"),
    server("db-2", "acme", "ann", observed={"availability_zone": "az-2", "status": "SHUTOFF"}),
]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("name=db-*",), {"db-1", "db-2"}),
        (("name=web-1",), {"web-1"}),
        (("tag=db",), {"db-1"}),
        (("metadata.tier=b*",), {"db-1"}),
        (("network=dmz",), {"db-1"}),
        (("network=lan",), {"web-1"}),
        (("availability_zone=az-2",), {"db-2"}),
        (("status=shutoff",), {"db-2"}),
        (("name=db-*", "tag=db"), {"db-1"}),
    ],
)
def test_filters_narrow_the_servers(filters: tuple[str, ...], expected: set[str]) -> None:
    found = keys(source(*FLEET), "project", "acme", filters=filters)
    assert {k for k in found if k.startswith("server:")} == {f"server:{name}" for name in expected}


def test_filters_leave_out_what_the_narrowed_servers_do_not_need() -> None:
    found = keys(source(*FLEET), "project", "acme", filters=("name=db-1",))
    assert "network:dmz" in found
    assert not found & {"network:lan", "volume:spare", "image:cirros", "router:gate", "port:port"}


def test_a_filter_picks_detached_volumes_and_leaves_attached_ones_to_their_servers() -> None:
    found = keys(source(), "project", "acme", filters=("name=spare",))
    assert "volume:spare" in found
    assert "volume:data" not in found
    assert "volume:data" not in keys(source(), "project", "acme", filters=("name=data",))


@pytest.mark.parametrize("text", ["name", "name=", "=x", "colour=red", "network=nowhere"])
def test_a_filter_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        keys(source(), "project", "acme", filters=(text,))


def test_a_filter_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing is selected"):
        keys(source(), "server", "web-1", filters=("name=db-*",))


# --- excludes -------------------------------------------------------------------------------------
def test_an_excluded_server_takes_its_ports_volumes_and_addresses_with_it() -> None:
    found = keys(source(), "project", "acme", exclude=("server:web-*",))
    assert not found & {"server:web-1", "port:port", "volume:data", "floating_ip:float"}
    assert "volume:spare" in found


def test_an_id_can_be_excluded() -> None:
    named_ = image("id-1", "acme", "nice name")
    assert "image:id-1" not in keys(source(named_), "project", "acme", exclude=("image:id-1",))


def test_an_excluded_companion_stays_away() -> None:
    found = keys(source(), "server", "web-1", exclude=("floating_ip:192.0.2.7",))
    assert "floating_ip:float" not in found
    assert "port:port" in found


def test_what_is_excluded_and_needed_is_selected_and_marked() -> None:
    found = select(source(), Selection("server", ("web-1",), exclude=("volume:data",)))
    assert "volume:data" in {i.key for i in found.items}
    assert found.excluded == {"volume:data"}


@pytest.mark.parametrize("pattern", ["web-1", "servers:web-1", ":x"])
def test_an_exclude_that_is_not_kind_and_name_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="not KIND:NAME"):
        keys(source(), "project", "acme", exclude=(pattern,))


def test_excluding_all_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing is selected"):
        keys(source(), "server", "web-1", exclude=("server:*",))


# --- references that lead nowhere -----------------------------------------------------------------
def test_a_reference_to_nothing_is_told_with_who_refers() -> None:
    found = select(source(base=without(acme(), "flavor:small")), Selection("server", ("web-1",)))
    assert [(i.key, key) for i, key in found.dangling] == [("server:web-1", "flavor:small")]


def test_no_reference_is_not_a_reference_to_nothing() -> None:
    inventory = source(changed(server("lone", "acme", None, flavor_=None), key_name=None))
    assert select(inventory, Selection("server", ("lone",))).dangling == ()


def test_what_is_selected_is_closed() -> None:
    for selection in (Selection("project", ("acme",)), Selection("server", ("web-1",)), Selection("all")):
        found = select(source(), selection)
        have = {i.key for i in found.items}
        assert all(need in have for i in found.items for need in KINDS[i.kind].needs(i))


def test_named_is_without_what_is_needed() -> None:
    assert [i.key for i in named(source(), Selection("server", ("web-1",)))] == ["server:web-1"]


def test_an_address_without_a_port_comes_with_its_project_only() -> None:
    inventory = source(floating_ip("free", "192.0.2.9", "public", "acme"))
    assert "floating_ip:free" in keys(inventory, "project", "acme")
    assert "floating_ip:free" not in keys(inventory, "server", "web-1")


def test_an_empty_cloud_has_nothing_to_select() -> None:
    empty = Inventory("source", [domain(), role("member")])
    with pytest.raises(UsageError, match="no project named"):
        select(empty, Selection("project", ("acme",)))
