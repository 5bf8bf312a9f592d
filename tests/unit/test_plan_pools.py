"""Which volumes may change hands without a copy, and what the source was like before one did."""

from typing import Any

import pytest
from worlds import acme, changed, replaced, row, step, volume_pool, volume_snapshot, world

from pumphouse.inventory import Inventory
from pumphouse.model import Action, Item
from pumphouse.plan.pools import ADOPTED, HOST, as_it_was, shared_pool
from pumphouse.policy import Policy

POOLS = {"old@rbd#rbd": "new@rbd#rbd"}
BY_KEY = {i.key: i for i in acme()}


def placed(key: str = "volume:spare", **observed: Any) -> Item:
    return changed(BY_KEY[key], observed={HOST: "old@rbd#rbd", **observed})


def asked(item: Item, *more: Item) -> tuple[str, str]:
    source = Inventory("source", replaced(acme(), item, *more))
    return shared_pool(item, source, Policy(shared_pools=POOLS))


@pytest.mark.parametrize("key", ["volume:spare", "volume:data"])
def test_a_volume_alone_or_of_a_server_may_be_adopted(key: str) -> None:
    assert asked(placed(key)) == ("new@rbd#rbd", "")


def test_elsewhere_it_is_not_even_asked() -> None:
    assert asked(BY_KEY["volume:spare"]) == ("", "")


@pytest.mark.parametrize(
    ("item", "more", "why"),
    [
        (placed(), volume_snapshot("s", "spare", "acme"), "it has snapshots"),
        (placed(encrypted=True), None, "it is encrypted"),
        (placed(group_id="g"), None, "it is in a group"),
        (placed(attachments=[{"server_id": s} for s in "ab"]), None, "it is attached to several servers"),
        (
            placed("volume:data", attachments=[{"server_id": "x"}]),
            None,
            "it is attached to a server that is not",
        ),
        (
            placed("volume:data"),
            changed(BY_KEY["server:web-1"], observed={"status": "PAUSED"}),
            "its server is",
        ),
    ],
)
def test_what_the_services_would_not_let_go_is_copied(item: Item, more: Item | None, why: str) -> None:
    assert asked(item, *([more] if more else []))[1].startswith(why)


def test_the_root_of_a_server_is_copied() -> None:
    root = [{"volume_id": "data", "device": "/dev/vda", "boot_index": 0, "delete_on_termination": False}]
    assert (
        asked(placed("volume:data"), changed(BY_KEY["server:web-1"], volumes=root))[1]
        == "it is the root of a server"
    )


def test_nothing_is_counted_for_what_is_adopted() -> None:
    there = [volume_pool("new@rbd#rbd")]
    found = step(
        "volume:spare", world(replaced(acme(), placed()), [*world().destination, *there], shared_pools=POOLS)
    )
    assert (found.action, found.reason, found.bytes) == (Action.MOVE, ADOPTED, 0)


def test_the_source_is_seen_as_it_was_before_it_let_go() -> None:
    data, web = placed("volume:data"), BY_KEY["server:web-1"]
    adopt = {
        "fields": dict(data.fields),
        "observed": dict(data.observed),
        "server": "web-1",
        "attached": web.fields["volumes"][0],
    }
    now = Inventory("source", [i for i in replaced(acme(), changed(web, volumes=[])) if i.key != data.key])
    seen = as_it_was(now, [row("volume:data", "intended", adopt=adopt)])
    assert seen.by_key("volume:data") == data
    assert seen.by_key("server:web-1") == web
    assert as_it_was(now, [row("volume:data", "committed", adopt=adopt)]) is now
