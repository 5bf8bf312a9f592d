"""Quotas and hypervisors of the destination after the plan."""

import pytest
from worlds import (
    ACME,
    ROOMY,
    acme,
    changed,
    new_cloud,
    plan,
    problems,
    project,
    quota,
    replaced,
    row,
    server,
    there,
    volume,
    world,
)

from pumphouse.model import Action, Capacity, HostRoom, Item, Severity

BY_KEY = {i.key: i for i in acme()}


def limits(**arguments: object) -> dict[str, Capacity]:
    return {c.resource: c for c in plan(world(**arguments)).capacity}  # type: ignore[arg-type]


def test_a_new_project_is_measured_with_the_quota_it_will_have() -> None:
    found = {c.resource: c for c in plan().capacity}
    assert found["instances"] == Capacity("project acme", "instances", 10, 0, 1)
    assert found["gigabytes"] == Capacity("project acme", "gigabytes", 1000, 0, 2)
    assert found["cores"].added == 1
    assert found["ram"].added == 512
    assert found["network"].added == 1
    assert {c.scope for c in plan().capacity} == {"project acme"}


def existing(*more: Item) -> list[Item]:
    """A destination in which the project was before, with quotas of its own."""
    quotas = [
        quota("compute", "new-acme", instances=2, cores=20),
        quota("volume", "new-acme"),
        quota("network", "new-acme", floatingip=1),
    ]
    return replaced(new_cloud(), project("new-acme", "acme"), *quotas, *more)


def test_a_project_that_was_there_is_measured_with_its_own_quota_and_use() -> None:
    used = [server(f"old-{n}", "new-acme", "new-ann") for n in (1, 2)]
    found = world(None, existing(*used))
    assert {c.resource: (c.limit, c.used, c.added) for c in plan(found).capacity} == {
        "instances": (2, 2, 1),
        "cores": (20, 2, 1),
        "floatingip": (1, 0, 1),
    }
    (problem,) = problems(found)["quota"]
    assert problem.severity is Severity.BLOCK
    assert "project acme: instances: 1 more do not fit: 2 of 2 are used" in problem.what


def test_what_fits_exactly_fits() -> None:
    found = problems(world(None, existing(server("old-1", "new-acme", "new-ann"))))
    assert "quota" not in found


def test_unlimited_is_never_too_little() -> None:
    used = [server(f"old-{n}", "new-acme", "new-ann") for n in range(9)]
    parts = replaced(existing(*used), quota("compute", "new-acme", instances=-1))
    assert "quota" not in problems(world(None, parts))


def test_what_is_migrated_already_is_not_counted_twice() -> None:
    moved = there(BY_KEY["server:web-1"])
    found = world(None, existing(moved, server("o", "new-acme", "u")), row("server:web-1", "done", moved.id))
    assert "instances" not in {c.resource for c in plan(found).capacity}


@pytest.mark.parametrize("key", ["server:web-1", "floating_ip:float"])
def test_what_an_interrupted_run_left_is_not_counted_twice(key: str) -> None:
    left = there(BY_KEY[key])
    parts = replaced(existing(left), quota("compute", "new-acme", instances=1))
    found = world(
        None, parts, row("project:acme", "reused", "new-acme", "reused"), row(key, "created", left.id)
    )
    assert "quota" not in problems(found)


def test_skipped_and_reused_things_need_no_quota() -> None:
    found = plan(world(None, existing(there(BY_KEY["network:lan"]))))
    assert next(s for s in found.steps if s.key == "network:lan").action is Action.REUSE
    assert "network" not in {c.resource for c in found.capacity}


# --- temporaries ----------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["source", "destination"])
@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        ({"volumes": 1, "snapshots": 1, "gigabytes": 10}, True),
        ({"volumes": 0}, False),
        ({"snapshots": 0}, False),
        ({"gigabytes": 9}, False),
        ({"volumes": -1, "snapshots": -1, "gigabytes": -1}, True),
    ],
)
def test_the_largest_volume_must_fit_twice_beside_what_the_administrator_has(
    role: str, limit: dict[str, int], fits: bool
) -> None:
    big = volume("spare", "acme", "ann", size=5)
    source, destination = replaced(acme(), big), new_cloud()
    if role == "source":
        source = replaced(source, quota("volume", "admin", **limit))
    else:
        destination = replaced(destination, quota("volume", "new-admin", **limit))
    found = problems(world(source, destination)).get("temporary-quota", [])
    assert (not found) == fits
    assert all(p.what.startswith(f"{role}: the administrator's project 'admin'") for p in found)


def test_what_the_administrator_uses_counts() -> None:
    source = replaced(acme(), volume("mine", "admin", "root"), quota("volume", "admin", volumes=1))
    (problem,) = problems(world(source))["temporary-quota"]
    assert "volumes 1, 1 used, 1 needed" in problem.what


def test_without_volumes_no_temporaries_are_needed() -> None:
    source = [i for i in acme() if i.kind not in ("volume", "server")]
    source = replaced(source, quota("volume", "admin", volumes=0))
    assert "temporary-quota" not in problems(world(source))


# --- hypervisors ----------------------------------------------------------------------------------
FLEET = replaced(
    acme(),
    changed(BY_KEY["server:web-1"], observed={"ram_mb": 3000, "vcpus": 2, "root_gb": 10}),
    server("web-2", "acme", "ann", observed={"ram_mb": 2000, "vcpus": 2, "root_gb": 10}),
)


@pytest.mark.parametrize(
    ("hosts", "fits"),
    [
        ((HostRoom("h", 4, 5000, 20),), True),
        ((HostRoom("a", 2, 3000, 10), HostRoom("b", 2, 2000, 10)), True),
        ((HostRoom("b", 2, 2000, 10), HostRoom("a", 2, 3000, 10)), True),
        ((HostRoom("a", 4, 2500, 20), HostRoom("b", 4, 2500, 20)), False),
        ((HostRoom("h", 3, 5000, 20),), False),
        ((HostRoom("h", 4, 5000, 19),), False),
        ((), False),
    ],
)
def test_every_server_needs_one_host_that_takes_it_whole(hosts: tuple[HostRoom, ...], fits: bool) -> None:
    found = problems(world(FLEET, hosts=hosts))
    assert ("hosts" not in found) == fits


def test_what_does_not_fit_is_told_in_numbers() -> None:
    (problem,) = problems(world(FLEET, hosts=(HostRoom("h", 2, 3000, 10),)))["hosts"]
    assert (
        "1 hypervisor(s) lack room for all servers: 2 vCPU, 2000 MiB of RAM, 10 GiB of disk" in problem.what
    )
    assert problem.severity is Severity.BLOCK


def test_room_is_looked_for_in_the_zone_that_a_server_goes_to() -> None:
    zones = {"nova": "east"}
    hosts = (HostRoom("a", 2, 3000, 10, "east"), HostRoom("b", 99, 9999, 99, "west"))
    (problem,) = problems(world(FLEET, hosts=hosts, availability_zones=zones))["hosts"]
    assert "for all servers in availability zone 'east': 2 vCPU, 2000 MiB" in problem.what
    hosts = (HostRoom("a", 4, 5000, 20, "east"), HostRoom("b", 0, 0, 0, "west"))
    assert "hosts" not in problems(world(FLEET, hosts=hosts, availability_zones=zones))


def test_servers_that_may_go_anywhere_leave_the_room_to_those_that_may_not() -> None:
    hosts = (HostRoom("b", 2, 3000, 10), HostRoom("a", 2, 3000, 10))
    pinned = {"overrides": [{"server": "web-2", "hosts": {"old": "b"}}]}
    parts = replaced(FLEET, changed(FLEET[-1], observed={"host": "old"}))
    assert "hosts" not in problems(world(parts, hosts=hosts, **pinned))


def test_root_disks_that_become_volumes_count_as_volumes() -> None:
    large = replaced(acme(), changed(BY_KEY["server:web-1"], observed={"root_gb": 7}))
    found = {c.resource: c.added for c in plan(world(large, boot_root="volume")).capacity}
    before = {c.resource: c.added for c in plan(world(large)).capacity}
    assert (found["volumes"], found["gigabytes"]) == (before["volumes"] + 1, before["gigabytes"] + 7)
    none = (HostRoom("h", 1, 512, 0),)
    assert "hosts" in problems(world(large, hosts=none))
    assert "hosts" not in problems(world(large, hosts=none, boot_root="volume"))


def test_a_server_on_a_volume_needs_no_disk_of_the_host() -> None:
    from_volume = replaced(
        acme(), changed(BY_KEY["server:web-1"], observed={"image_id": None, "root_gb": 99})
    )
    assert "hosts" not in problems(world(from_volume, hosts=(HostRoom("h", 1, 512, 0),)))


def test_what_stands_there_already_needs_no_room() -> None:
    left = there(BY_KEY["server:web-1"])
    found = world(
        None, existing(left), row("server:web-1", "created", left.id), hosts=(HostRoom("h", 0, 0, 0),)
    )
    assert "hosts" not in problems(found)


def test_unknown_room_is_told_and_blocks_nothing() -> None:
    (problem,) = problems(world(hosts=None))["hosts-unknown"]
    assert problem.severity is Severity.NOTE


def test_a_plan_that_fits_has_no_problem_with_room() -> None:
    found = problems(world(hosts=ROOMY), ACME)
    assert not found.keys() & {"quota", "hosts", "temporary-quota"}
