"""Each item of the source against the destination; and the order in which it all happens."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import (
    ACME,
    acme,
    changed,
    domain,
    flavor,
    group,
    image,
    network,
    new_cloud,
    plan,
    project,
    replaced,
    row,
    server,
    step,
    subnet,
    there,
    user,
    volume,
    volume_pool,
    volume_snapshot,
    without,
    world,
)

from pumphouse.errors import UsageError
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Plan, Selection
from pumphouse.plan.cost import payload_bytes
from pumphouse.plan.order import order

CREATE, REUSE, UPDATE, REMOVE, MOVE, SKIP, BLOCK = Action
GIB = 1 << 30
BY_KEY = {i.key: i for i in acme()}
#: What of acme is in an empty destination already.
THERE = {"domain:default", "project:admin", "role:member", "network:public", "volume_type:gold"}


def destination(*more: Item) -> list[Item]:
    return replaced(new_cloud(), *more)


def mirrored(*keys: str) -> list[Item]:
    return [there(BY_KEY[key]) for key in keys]


# --- what was not there before --------------------------------------------------------------------
def test_an_empty_destination_gets_everything() -> None:
    actions = {s.key: s.action for s in plan().steps}
    assert {k for k, a in actions.items() if a is REUSE} == THERE | {"subnet:public-subnet"}
    assert {k for k, a in actions.items() if a is MOVE} == {"server:web-1", "volume:data", "volume:spare"}
    assert {a for k, a in actions.items()} == {CREATE, REUSE, MOVE}


def test_a_step_says_what_it_is_about() -> None:
    found = step("port:port")
    assert (found.kind, found.name, found.project) == ("port", "port", "acme")
    assert found.fingerprint == BY_KEY["port:port"].fingerprint
    assert set(found.needs) >= {"network:lan", "subnet:lan-subnet", "security_group:web", "project:acme"}


def test_servers_and_volumes_of_the_same_name_are_others() -> None:
    found = world(None, destination(*mirrored("project:acme", "server:web-1", "volume:data")))
    assert step("server:web-1", found).action is MOVE
    assert step("volume:data", found).action is MOVE


# --- what was there before ------------------------------------------------------------------------
def test_an_equal_one_is_reused() -> None:
    found = step("flavor:small", world(None, destination(*mirrored("flavor:small"))))
    assert (found.action, found.destination_id) == (REUSE, "new-small")
    assert found.reason == "is there already, equal"


def test_one_that_differs_blocks_and_says_in_what() -> None:
    other = there(BY_KEY["flavor:small"], ram=1024, vcpus=2)
    found = step("flavor:small", world(None, destination(other)))
    assert found.action is BLOCK
    assert "differs in ram, vcpus" in found.reason


@pytest.mark.parametrize("key", ["project:acme", "user:ann", "role:member"])
def test_identity_that_differs_stays_as_it_is(key: str) -> None:
    other = there(BY_KEY[key], description="another")
    source = replaced(acme(), changed(BY_KEY[key], description="ours"))
    found = step(key, world(source, destination(other)))
    assert found.action is REUSE
    assert "differs in description" in found.reason


def test_an_external_network_and_its_subnets_may_differ() -> None:
    found = world(None, destination(there(BY_KEY["subnet:public-subnet"], enable_dhcp=False)))
    for key in ("network:public", "subnet:public-subnet"):
        assert step(key, found).action is REUSE
        assert "stays as it is" in step(key, found).reason


def test_a_network_of_a_project_may_not_differ() -> None:
    found = world(None, destination(there(BY_KEY["project:acme"]), there(BY_KEY["network:lan"], mtu=1400)))
    assert step("network:lan", found).action is BLOCK


def test_held_fields_say_nothing_before_the_cutover() -> None:
    keys = ("project:acme", "router:gate")
    off = there(BY_KEY["router:gate"], admin_state_up=False)
    found = step("router:gate", world(None, destination(*mirrored(*keys), off)))
    assert found.action is REUSE


def test_several_of_a_name_are_not_guessed_between() -> None:
    twins = [network(f"twin-{n}", "new-acme", "lan") for n in (1, 2)]
    found = step("network:lan", world(None, destination(*mirrored("project:acme"), *twins)))
    assert (found.action, found.destination_id) == (BLOCK, None)
    assert "2 of this name" in found.reason


def test_the_same_name_in_another_project_is_another() -> None:
    elsewhere = network("theirs", "new-admin", "lan")
    assert step("network:lan", world(None, destination(elsewhere))).action is CREATE


def test_what_belongs_to_another_original_is_no_counterpart() -> None:
    others = mirrored("flavor:small")
    found = world(None, destination(*others), row("flavor:gone", "done", "new-small"))
    assert step("flavor:small", found).action is CREATE


def test_what_needs_something_blocked_is_blocked_too_and_says_why() -> None:
    found = world(None, destination(there(BY_KEY["flavor:small"], ram=1024)))
    blocked = step("server:web-1", found)
    assert blocked.action is BLOCK
    assert "needs flavor 'small', which is not there: the destination has one" in blocked.reason


def test_what_needs_something_skipped_is_blocked() -> None:
    source = replaced(acme(), changed(BY_KEY["image:cirros"], observed={"status": "queued"}))
    assert step("image:cirros", world(source)).action is SKIP
    assert (
        "which is not there: its status is queued" in step("image_member:cirros/admin", world(source)).reason
    )


def test_a_weak_need_that_is_blocked_hinders_nothing() -> None:
    source = replaced(acme(), project("home"), user("ann", default_project_id="home"))
    twins = [project(f"twin-{n}", "home") for n in (1, 2)]
    found = world(source, destination(*twins))
    everything = Selection("project", ("acme", "home"))
    assert step("project:home", found, everything).action is BLOCK
    assert step("user:ann", found, everything).action is CREATE


# --- automatic ------------------------------------------------------------------------------------
DEFAULT = group("standard", "acme", "default")


def test_in_a_project_of_ours_the_automatic_is_made_equal() -> None:
    assert step("security_group:standard", world(replaced(acme(), DEFAULT))).action is CREATE
    assert step("compute_quota:acme").action is CREATE


def test_in_a_project_that_pumphouse_made_before_too() -> None:
    made = mirrored("project:acme")
    other = there(BY_KEY["compute_quota:acme"], limits={"cores": 1})
    found = world(None, destination(*made, other), row("project:acme", "done", "new-acme"))
    assert step("compute_quota:acme", found).reason == "made equal"


def test_in_a_project_that_was_there_the_automatic_is_compared() -> None:
    different = there(DEFAULT, description="changed")
    found = world(
        replaced(acme(), DEFAULT),
        destination(
            *mirrored("project:acme"), different, there(BY_KEY["compute_quota:acme"], limits={"cores": 1})
        ),
    )
    assert step("security_group:standard", found).action is BLOCK
    assert step("compute_quota:acme", found).action is REUSE


# --- what the ledger knows ------------------------------------------------------------------------
def test_what_is_done_is_reused() -> None:
    found = world(None, destination(*mirrored("flavor:small")), row("flavor:small", "done", "new-small"))
    assert (step("flavor:small", found).action, step("flavor:small", found).reason) == (
        REUSE,
        "migrated before",
    )


def test_what_is_done_is_reused_though_it_differs_now() -> None:
    other = there(BY_KEY["flavor:small"], ram=1024)
    found = world(None, destination(other), row("flavor:small", "done", "new-small"))
    assert step("flavor:small", found).action is REUSE


def test_a_server_that_is_done_is_not_moved_twice() -> None:
    found = world(None, destination(*mirrored("server:web-1")), row("server:web-1", "done", "new-web-1"))
    assert step("server:web-1", found).action is REUSE


@pytest.mark.parametrize(("key", "action"), [("image:cirros", CREATE), ("server:web-1", MOVE)])
def test_what_is_unfinished_is_gone_on_with(key: str, action: Action) -> None:
    counterpart = there(BY_KEY[key])
    found = step(key, world(None, destination(counterpart), row(key, "created", counterpart.id)))
    assert (found.action, found.destination_id) == (action, counterpart.id)
    assert "unfinished" in found.reason


def test_what_is_unfinished_and_gone_is_made_again() -> None:
    found = step("image:cirros", world(None, None, row("image:cirros", "created", "lost")))
    assert (found.action, found.destination_id) == (CREATE, None)


@pytest.mark.parametrize(("key", "action"), [("image:cirros", CREATE), ("server:web-1", MOVE)])
def test_what_vanished_is_made_again_and_says_so(key: str, action: Action) -> None:
    found = step(key, world(None, None, row(key, "done", "lost")))
    assert (found.action, found.destination_id) == (action, None)
    assert "gone from the destination" in found.reason


def test_what_was_reused_and_vanished_is_made() -> None:
    found = step("flavor:small", world(None, None, row("flavor:small", "reused", "lost", "reused")))
    assert (found.action, found.reason) == (CREATE, "")


def test_what_an_interrupted_run_made_is_taken() -> None:
    found = world(None, destination(*mirrored("flavor:small")), row("flavor:small", "intended"))
    assert (step("flavor:small", found).action, step("flavor:small", found).destination_id) == (
        CREATE,
        "new-small",
    )


def test_an_intent_that_came_to_nothing_is_made() -> None:
    found = step("flavor:small", world(None, None, row("flavor:small", "intended")))
    assert (found.action, found.destination_id) == (CREATE, None)


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("network:lan", {"tags": []}),
        ("flavor:small", {"extra_specs": {}}),
        ("image:cirros", {"protected": False}),
    ],
)
def test_what_an_interrupted_run_made_is_taken_though_the_finish_is_missing(
    key: str, fields: dict[str, object]
) -> None:
    full = {"tags": ["blue"]} if "tags" in fields else {"extra_specs": {"hw:a": "b"}}
    full = {"protected": True} if "protected" in fields else full
    source = replaced(acme(), changed(BY_KEY[key], **full))
    half = there(changed(BY_KEY[key], **fields))
    if half.kind == "image":  # has no data yet, and the id of the source was taken
        seen = {**half.observed, "status": "queued", "os_hash_value": None, "making": "cirros"}
        half = Item("image", "another", half.name, half.project_id, half.fields, seen)
    found = world(
        source,
        destination(*mirrored("project:acme"), half),
        row("project:acme", "done", "new-acme"),
        row(key, "intended"),
    )
    assert (step(key, found).action, step(key, found).destination_id) == (CREATE, half.id)


def test_after_an_intent_two_equal_ones_are_not_guessed_between() -> None:
    twins = [network(f"twin-{n}", "new-acme", "lan") for n in (1, 2)]
    found = world(None, destination(*mirrored("project:acme"), *twins), row("network:lan", "intended"))
    assert step("network:lan", found).action is BLOCK


def test_an_intent_does_not_take_what_belongs_to_another_original() -> None:
    found = world(
        None,
        destination(*mirrored("flavor:small")),
        row("flavor:small", "intended"),
        row("flavor:other", "done", "new-small"),
    )
    assert step("flavor:small", found).destination_id is None


def test_an_image_without_data_that_somebody_else_made_is_not_taken() -> None:
    half = there(BY_KEY["image:cirros"])
    seen = {**half.observed, "status": "queued", "os_hash_value": None}
    half = Item("image", "cirros", half.name, half.project_id, half.fields, seen)
    found = step("image:cirros", world(None, destination(*mirrored("project:acme"), half)))
    assert (found.action, found.destination_id) == (CREATE, None)


# --- mapped names ---------------------------------------------------------------------------------
def test_a_volume_type_is_mapped_by_policy() -> None:
    fast = Item("volume_type", "fast", "fast", None, {"name": "fast"})
    found = world(None, destination(fast), volume_types={"gold": "fast"})
    assert (step("volume_type:gold", found).action, step("volume_type:gold", found).destination_id) == (
        REUSE,
        "fast",
    )


@pytest.mark.parametrize("mapped", [{}, {"gold": "fast"}])
def test_a_volume_type_that_is_not_there_blocks_it_and_its_volumes(mapped: dict[str, str]) -> None:
    found = world(None, without(new_cloud(), "volume_type:gold"), volume_types=mapped)
    wanted = mapped.get("gold", "gold")
    reason = step("volume_type:gold", found).reason
    assert reason.startswith(f"the destination has no volume_type {wanted!r}")
    assert ("policy.create_volume_types" in reason) is not bool(mapped)
    assert step("volume:data", found).action is BLOCK
    assert step("server:web-1", found).action is BLOCK


def test_a_volume_type_is_made_where_policy_says_so_unless_it_is_mapped() -> None:
    nowhere = without(new_cloud(), "volume_type:gold")
    made = world(None, nowhere, create_volume_types=True)
    assert (step("volume_type:gold", made).action, step("volume:data", made).action) == (CREATE, MOVE)
    mapped = world(None, nowhere, create_volume_types=True, volume_types={"gold": "fast"})
    assert step("volume_type:gold", mapped).action is BLOCK


def test_a_physical_network_is_mapped_by_policy() -> None:
    vlan = {"provider:network_type": "vlan", "provider:segmentation_id": 7}
    source = replaced(acme(), network("lan", "acme", **vlan, **{"provider:physical_network": "left"}))
    same = network("new-lan", "new-acme", "lan", **vlan, **{"provider:physical_network": "right"})
    parts = destination(*mirrored("project:acme"), same)
    assert step("network:lan", world(source, parts, physical_networks={"left": "right"})).action is REUSE
    unmapped = step("network:lan", world(source, parts))
    assert "differs in provider:physical_network" in unmapped.reason


# --- images ---------------------------------------------------------------------------------------
def test_an_image_is_known_by_its_id() -> None:
    same = changed(there(BY_KEY["image:cirros"]), observed={"os_hash_value": "unknown"})
    same = Item("image", "cirros", same.name, same.project_id, same.fields, same.observed)
    assert step("image:cirros", world(None, destination(*mirrored("project:acme"), same))).action is REUSE


def test_an_image_is_known_by_its_name_and_data() -> None:
    same = mirrored("project:acme", "image:cirros")
    assert step("image:cirros", world(None, destination(*same))).destination_id == "new-cirros"
    other = changed(same[1], observed={"os_hash_value": "other"})
    assert step("image:cirros", world(None, destination(same[0], other))).action is CREATE


# --- numbers --------------------------------------------------------------------------------------
def test_the_payload_is_an_upper_bound_in_bytes() -> None:
    assert payload_bytes(image("i", "acme", size=77)) == 77
    assert payload_bytes(volume("v", "acme", "ann", size=3)) == 3 * GIB
    assert payload_bytes(server("s", "acme", "ann", observed={"root_gb": 2})) == 2 * GIB
    assert payload_bytes(server("s", "acme", "ann", image_=None)) == 0
    assert payload_bytes(flavor("f")) == 0


def test_only_what_is_copied_counts() -> None:
    assert step("volume:data").bytes == GIB
    done = world(None, destination(*mirrored("volume:data")), row("volume:data", "done", "new-data"))
    assert step("volume:data", done).bytes == 0
    assert plan().bytes == 1000 + 3 * GIB


def test_downtime_is_of_running_servers_and_grows_with_a_cap_on_bandwidth() -> None:
    assert step("server:web-1").downtime == pytest.approx(30 + 2 * 1024 / 100, abs=0.1)
    assert step("server:web-1", world(bandwidth=1)).downtime == pytest.approx(30 + 2048, abs=0.1)
    stopped = changed(BY_KEY["server:web-1"], observed={"status": "SHUTOFF"})
    assert step("server:web-1", world(replaced(acme(), stopped))).downtime == 0


# --- order ----------------------------------------------------------------------------------------
def test_needs_come_first_in_a_plan() -> None:
    met(plan())


def met(of: Plan) -> None:
    done: set[str] = set()
    for found in of.steps:
        assert set(found.needs) <= done
        done.add(found.key)


def test_a_circle_is_refused_with_its_members() -> None:
    circle = [project("a", parent="b"), project("b", parent="a"), domain()]
    with pytest.raises(UsageError, match=r"project:a .*project:b|project:b .*project:a"):
        order(circle)


def test_security_groups_that_refer_to_each_other_are_no_circle() -> None:
    from worlds import group_rules

    rules = [
        group_rules("a", "acme", {"remote_group_id": "b"}),
        group_rules("b", "acme", {"remote_group_id": "a"}),
    ]
    found = order([*rules, group("a", "acme"), group("b", "acme"), project("acme")])
    assert [i.kind for i in found[-2:]] == ["security_group_rules"] * 2


@st.composite
def graphs(draw: st.DrawFn) -> list[Item]:
    """Images that use others as kernel and ramdisk: every one those before it only."""
    items: list[Item] = []
    for number in range(draw(st.integers(1, 12))):
        uses = st.none() | st.integers(0, number - 1) if number else st.none()
        found = {"kernel_id": draw(uses), "ramdisk_id": draw(uses)}
        name = draw(st.sampled_from("abc"))
        properties = {k: f"i{v}" for k, v in found.items() if v is not None}
        items.append(image(f"i{number}", "acme", name, properties=properties))
    return draw(st.permutations(items))


@settings(max_examples=20, deadline=None)
@given(graphs())
def test_order_satisfies_the_needs_of_any_graph(items: list[Item]) -> None:
    ordered = order(items)
    assert sorted(i.key for i in ordered) == sorted(i.key for i in items)
    done: set[str] = set()
    for found in ordered:
        assert {n for n in KINDS["image"].needs(found) if n.startswith("image:")} <= done
        done.add(found.key)
    assert ordered == order(sorted(items, key=lambda i: i.id))


@settings(max_examples=4, deadline=None)
@given(st.randoms(use_true_random=False))
def test_plans_are_equal_whatever_the_order_of_the_listings(chance: random.Random) -> None:
    source, new = acme(), new_cloud()
    chance.shuffle(source)
    chance.shuffle(new)
    assert plan(world(source, new)) == plan()


def test_a_fingerprint_changes_with_what_is_carried_and_not_with_what_is_seen() -> None:
    web = BY_KEY["server:web-1"]
    assert changed(web, observed={"status": "SHUTOFF"}).fingerprint == web.fingerprint
    assert changed(web, metadata={"a": "b"}).fingerprint != web.fingerprint


def test_a_plan_of_a_destination_that_has_it_all_changes_nothing() -> None:
    rows = [row(i.key, "done", there(i).id) for i in acme()]
    done = plan(world(None, [there(i) for i in acme()], *rows))
    assert done.to_do == ()
    assert done.bytes == 0
    assert Inventory("source", acme()).by_key("x:y") is None
    met(done)


def test_a_subnet_is_found_in_the_counterpart_of_its_network_only() -> None:
    elsewhere = subnet("elsewhere", "new-public", "new-admin")
    assert step("subnet:lan-subnet", world(None, destination(elsewhere))).action is CREATE
    assert str(ACME) == "project acme"


def test_a_snapshot_moves_with_its_volume_where_the_destination_can_keep_it() -> None:
    source = [*acme(), volume_snapshot("s", "spare", "acme", size=3)]
    found = step("volume_snapshot:s", world(source, destination(volume_pool("pool"))))
    assert (found.action, found.bytes, found.needs[0]) == (MOVE, 3 * GIB, "volume:spare")


def test_a_snapshot_taken_after_its_volume_was_moved_is_left() -> None:
    source = [*acme(), volume_snapshot("s", "spare", "acme")]
    done = row("volume:spare", "done", "new-spare")
    able = world(source, destination(there(BY_KEY["volume:spare"]), volume_pool("pool")), done)
    found = step("volume_snapshot:s", able)
    assert (found.action, found.reason) == (SKIP, "it was taken after its volume had been moved")
