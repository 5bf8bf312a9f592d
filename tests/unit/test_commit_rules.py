"""What commit may delete at the source, and what has to stay."""

from dataclasses import replace

import pytest
from worlds import (
    ACME,
    acme,
    changed,
    group,
    image,
    network,
    port,
    replaced,
    row,
    server,
    subnet,
    volume,
    without,
    world,
)

from pumphouse.errors import Refused, UsageError
from pumphouse.inventory import Inventory
from pumphouse.model import Action, Item, Row, Selection
from pumphouse.plan import World
from pumphouse.service.committing import _free, _steps

BY_KEY = {i.key: i for i in acme()}
MOVED = [i for i in acme() if i.kind not in ("domain", "volume_type")]


def free(*more: Item, keys: set[str] | None = None) -> set[str]:
    source = Inventory("source", replaced(acme(), *more))
    return _free(source, {i.key for i in acme()} if keys is None else keys)


def verified(*items: Item, **data: object) -> list[Row]:
    return [row(i.key, "done", f"new-{i.id}", **{"verified": True, **data}) for i in items or MOVED]


def steps(of: World, selection: Selection = ACME) -> list[str]:
    return [s.key for s in _steps(of, selection)]


# --- what is still used ---------------------------------------------------------------------------
def test_when_everything_moved_everything_is_free() -> None:
    assert free() >= {"server:web-1", "network:lan", "port:port", "volume:data", "security_group:web"}


def test_what_a_staying_server_uses_stays() -> None:
    staying = [
        server("web-2", "acme", "ann", ports=["port-2"]),
        port("port-2", "lan", "acme", server_="web-2", groups=["web"], ips=[("lan-subnet", "10.0.0.11")]),
    ]
    found = free(*staying)
    assert not found & {"network:lan", "subnet:lan-subnet", "security_group:web", "flavor:small"}
    assert {"server:web-1", "port:port", "volume:data", "floating_ip:float"} <= found


def test_a_staying_server_keeps_what_its_project_shares_though_it_does_not_refer_to_it() -> None:
    found = free(server("web-2", "acme", "ann"))
    assert not found & {"router:gate", "router_interfaces:gate", "image:cirros", "network:lan"}


def test_a_staying_server_keeps_its_own_volumes_ports_and_addresses() -> None:
    keys = {i.key for i in acme()} - {"server:web-1"}
    found = free(keys=keys)
    assert not found & {"port:port", "floating_ip:float", "volume:data"}
    assert "volume:spare" in found


def test_a_server_that_stays_in_another_project_keeps_the_network_it_is_on() -> None:
    guest = [
        server("guest", "admin", "root", ports=["guest-port"]),
        port("guest-port", "lan", "admin", server_="guest", ips=[("lan-subnet", "10.0.0.50")]),
    ]
    found = free(*guest)
    assert not found & {"network:lan", "subnet:lan-subnet"}
    assert {"security_group:web", "router:gate"} <= found


def test_what_something_staying_needs_stays_link_by_link() -> None:
    using = image("custom", "admin", properties={"kernel_id": "kernel"})
    keys = {i.key for i in acme()} | {"image:kernel", "image:ramdisk"}
    found = free(using, image("kernel", "acme"), image("ramdisk", "acme"), keys=keys)
    assert {"image:cirros", "image:ramdisk"} <= found
    assert "image:kernel" not in found


def test_the_subnet_of_a_staying_network_does_not_keep_it() -> None:
    unrelated = [network("other", "admin"), subnet("other-subnet", "other", "admin")]
    assert "network:lan" in free(*unrelated)


# --- what is deleted, and in which order ----------------------------------------------------------
def test_servers_go_first_and_networks_after_what_is_in_them() -> None:
    found = steps(world(None, None, *verified()))
    order = ["server:web-1", "volume:data", "floating_ip:float", "port:port", "router_interfaces:gate"]
    order += ["router:gate", "security_group:web", "subnet:lan-subnet", "network:lan"]
    assert [k for k in found if k in order] == order


def test_what_belongs_to_all_is_left_at_the_source() -> None:
    kinds = {key.partition(":")[0] for key in steps(world(None, None, *verified()))}
    assert not kinds & {"project", "user", "role", "role_assignment", "domain", "flavor", "keypair"}
    assert not kinds & {"compute_quota", "volume_type", "security_group_rules", "flavor_access"}


def test_the_default_group_is_left() -> None:
    default = group("standard", "acme", "default")
    of = world(replaced(acme(), default), None, *verified(), *verified(default))
    assert "security_group:standard" not in steps(of)


def test_a_step_of_commit_says_what_it_does() -> None:
    step = _steps(world(None, None, *verified()), ACME)[0]
    assert (step.action, step.reason, step.destination_id) == (
        Action.MOVE,
        "deleted at the source",
        "new-web-1",
    )


def test_what_was_reused_is_not_deleted() -> None:
    rows = [r for r in verified() if r.key != "image:cirros"]
    rows.append(row("image:cirros", "reused", "theirs", "reused"))
    assert "image:cirros" not in steps(world(None, None, *rows))


def test_of_one_server_only_what_is_its_own_goes() -> None:
    found = steps(world(None, None, *verified()), Selection("server", ("web-1",)))
    assert found == ["server:web-1", "volume:data", "floating_ip:float", "port:port"]


def test_what_was_not_migrated_stays() -> None:
    rows = [r for r in verified() if r.key != "volume:spare"]
    assert "volume:spare" not in steps(world(None, None, *rows))


def test_without_anything_migrated_commit_is_refused() -> None:
    with pytest.raises(Refused, match="nothing of 'project acme' was migrated yet"):
        steps(world())


def test_what_did_not_verify_is_refused_with_its_name() -> None:
    rows = [r for r in verified() if r.key not in ("server:web-1", "port:port")]
    rows += verified(*(i for i in MOVED if i.key in ("server:web-1", "port:port")), verified=False)
    with pytest.raises(Refused, match="did not verify, and 1 more"):
        steps(world(None, None, *rows))


def test_a_server_does_not_go_before_its_volume_has_arrived() -> None:
    rows = [r for r in verified() if r.key != "volume:data"]
    with pytest.raises(Refused, match="server 'web-1': its volume data has not arrived"):
        steps(world(None, None, *rows))


def test_what_is_committed_already_is_not_deleted_twice() -> None:
    rest = [i for i in acme() if i.key not in ("server:web-1", "volume:data")]
    rows = [r for r in verified() if r.key not in ("server:web-1", "volume:data")]
    rows += [row("server:web-1", "committed", "new-web-1"), row("volume:data", "committed", "new-data")]
    found = steps(world(rest, None, *rows))
    assert "server:web-1" not in found
    assert "network:lan" in found


def test_a_detached_volume_can_be_committed_alone() -> None:
    extra = volume("other", "acme", "ann")
    of = world(replaced(acme(), extra), None, *verified(), *verified(extra))
    assert steps(of, Selection("volume", ("other",))) == ["volume:other"]


# --- interrupted ----------------------------------------------------------------------------------
def test_a_commit_that_was_killed_goes_on_though_what_it_named_is_gone() -> None:
    alone = Selection("server", ("web-1",))
    begun = {"committing": alone.fingerprint}
    keys = ("server:web-1", "floating_ip:float", "volume:data", "port:port")
    rows = verified(*(BY_KEY[key] for key in keys), **begun)
    assert set(steps(world(without(acme(), keys[0]), None, *rows), alone)) == set(keys)
    assert set(steps(world(without(acme(), *keys), None, *rows), alone)) == set(keys)
    done = [replace(each, state="committed") for each in rows]
    assert steps(world(without(acme(), *keys), None, *done), alone) == []


def test_what_no_commit_began_with_must_be_there() -> None:
    with pytest.raises(UsageError, match="no server named 'web-9'"):
        steps(world(), Selection("server", ("web-9",)))


def test_a_server_that_shares_a_volume_is_not_committed_alone() -> None:
    both = [{"server_id": "web-1"}, {"server_id": "web-2"}]
    parts = [server("web-2", "acme", "ann", volumes=["data"])]
    parts.append(changed(BY_KEY["volume:data"], observed={"attachments": both}))
    of = world(replaced(acme(), *parts), None, *verified(*MOVED, parts[0]))
    with pytest.raises(Refused, match="shares volume data with server 'web-2', which would stay"):
        steps(of, Selection("server", ("web-1",)))
    assert {"server:web-1", "server:web-2"} <= set(steps(of, Selection("server", ("web-1", "web-2"))))
