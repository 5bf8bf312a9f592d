"""What the plan says of images and their members, of limits, and of host aggregates."""

from typing import Any

import pytest
from worlds import (
    acme,
    changed,
    flavor,
    image,
    image_member,
    item,
    new_cloud,
    plan,
    problems,
    project,
    quota,
    replaced,
    server,
    there,
    world,
)

from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Selection
from pumphouse.plan import World

BY_KEY = {i.key: i for i in acme()}


def source(*more: Item, **policy: Any) -> World:
    return world(replaced(acme(), *more), **policy)


def cirros(observed: dict[str, Any] | None = None, **fields: Any) -> World:
    return source(changed(BY_KEY["image:cirros"], observed=observed or {}, **fields))


def aggregate(zone: str | None = None, **metadata: str) -> Item:
    fields = {"name": "racks", "availability_zone": zone, "metadata": metadata}
    return item("aggregate", "1", "racks", None, fields, hosts=["old"], servers=["server:web-1"])


def picky(zone: str | None = None, **metadata: str) -> World:
    small = changed(flavor("small"), extra_specs={"aggregate_instance_extra_specs:ssd": "true"})
    return source(small, aggregate(zone, **metadata))


@pytest.mark.parametrize(
    ("rule", "words", "of"),
    [
        ("image-skipped", "its status is queued", cirros({"status": "queued"})),
        ("image-skipped", "it is empty", cirros({"size": 0})),
        ("image-encrypted", "nobody can read the copy", cirros(properties={"cinder_encryption_key_id": "k"})),
        ("image-signed", "is signed", cirros(signature={"img_signature": "x"})),
        (
            "image-kernel-gone",
            "its kernel or ramdisk k is no image of the source any more",
            cirros({"gone": ["image:k"]}, properties={"kernel_id": "k"}),
        ),
        ("image-stores", "several places of the source: fast, slow", cirros({"stores": "fast,slow"})),
        ("image-stores", "several places of the source: 2 locations", cirros({"locations": [{}, {}]})),
        (
            "image-member-left",
            "shared with project 'other', which is not selected",
            source(project("other"), image_member("cirros", "other")),
        ),
        (
            "image-foreign",
            "of project 'other' does not come along, though server 'web-2' was made of it, and 1 more",
            source(
                project("other"),
                image("theirs", "other"),
                image_member("theirs", "acme"),
                changed(server("web-2", "acme", "ann"), observed={"image_id": "theirs"}),
            ),
        ),
        (
            "aggregate-lacking",
            "no host aggregate with ssd=true, like aggregate 'racks' (1)",
            picky(ssd="true"),
        ),
        ("aggregate-lacking", "filter_tenant_id=acme", source(aggregate(filter_tenant_id="acme"))),
        (
            "availability-zones",
            "has no availability zone 'east', in which 1 server(s) are",
            source(
                aggregate("east"), changed(BY_KEY["server:web-1"], observed={"availability_zone": "east"})
            ),
        ),
    ],
)
def test_what_will_differ_is_said(rule: str, words: str, of: World) -> None:
    (problem,) = problems(of)[rule]
    assert words in problem.what
    assert problem.remedy


def test_limits_that_mean_nothing_there_are_named_after_the_map_of_volume_types() -> None:
    limits = quota("volume", "acme", volumes=1, volumes_gold=2, volumes_old=3)
    known = there(quota("volume", "admin", volumes=1, volumes_silver=2))
    of = world(replaced(acme(), limits), replaced(new_cloud(), known), volume_types={"gold": "silver"})
    (problem,) = problems(of)["quota-unknown"]
    assert problem.what == "volume quotas: the destination knows no limits volumes_old"


def test_aggregates_are_not_made_and_one_like_it_is_enough() -> None:
    of = picky(ssd="true")
    assert not [s for s in plan(of, Selection("all")).steps if s.kind == "aggregate"]
    found = world(of.source, replaced(new_cloud(), aggregate(ssd="true", filter_tenant_id="else")))
    assert "aggregate-lacking" not in problems(found)


def test_aggregates_come_with_their_servers_where_policy_applies_them() -> None:
    of = source(aggregate("east", filter_tenant_id="acme"), aggregates="apply")
    (step,) = [s for s in plan(of).steps if s.kind == "aggregate"]
    assert (step.action, step.after) == (Action.CREATE, ("project:acme",))
    assert not problems(of).keys() & {"aggregate-lacking", "availability-zones"}


def test_an_aggregate_for_projects_stays_for_projects() -> None:
    known = {"acme": "new-acme"}
    want = KINDS["aggregate"].target(aggregate(filter_tenant_id2="acme,gone"), lambda _, key: known.get(key))
    assert want["metadata"] == {"filter_tenant_id2": "new-acme,gone"}


def test_an_image_of_the_same_id_with_other_data_blocks() -> None:
    other = image("cirros", "new-acme", "cirros", hash_="other")
    of = world(None, replaced(new_cloud(), there(project("acme")), other))
    (step,) = [s for s in plan(of).steps if s.key == "image:cirros"]
    assert (step.action, step.reason) == (
        Action.BLOCK,
        "the destination has one that differs in os_hash_value",
    )


def test_a_keypair_whose_name_nova_refuses_today_is_told_before() -> None:
    pair = Item("keypair", "ann/a:b", "a:b", None, {**BY_KEY["keypair:ann/key"].fields, "name": "a:b"})
    (step,) = [s for s in plan(source(pair)).steps if s.key == pair.key]
    assert step.action is Action.BLOCK
    assert "letters, digits" in step.reason
    assert not KINDS["keypair"].never_made(BY_KEY["keypair:ann/key"])


def test_what_belongs_to_a_skipped_image_is_skipped_with_it() -> None:
    queued = changed(BY_KEY["image:cirros"], observed={"status": "queued"})
    of = source(queued, image("machine", "acme", properties={"kernel_id": "cirros"}))
    actions = {s.key: s.action for s in plan(of).steps}
    assert actions["image_member:cirros/admin"] is actions["image:machine"] is Action.SKIP
