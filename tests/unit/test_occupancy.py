"""Reading who is where: Nova's and Placement's answers become one value."""

from typing import Any

from fakes import RecordingCloud

from pumphouse.model import Resources
from pumphouse.tasks.hosts.occupancy import occupancy
from pumphouse.tasks.hosts.services import release_evacuated


def body(identifier: str, **fields: Any) -> dict[str, Any]:
    flavor = {"vcpus": 2, "ram": 512, "disk": 5, "ephemeral": 1, "swap": 1500}
    found = {
        "id": identifier,
        "name": identifier,
        "tenant_id": "p1",
        "status": "ACTIVE",
        "flavor": flavor,
        "image": {"id": "i1"},
        "OS-EXT-SRV-ATTR:host": "h1",
        "OS-EXT-STS:task_state": None,
        "OS-EXT-AZ:availability_zone": "east",
    }
    return found | fields


def cloud(*servers: dict[str, Any], microversion: str = "2.93", placement: bool = True) -> RecordingCloud:
    made = RecordingCloud("source")
    made.microversions["compute"] = microversion
    host = {
        "hypervisor_hostname": "h1.example",
        "state": "up",
        "status": "disabled",
        "service": {"host": "h1"},
    }
    told = {
        "vcpus": 4,
        "vcpus_used": 1,
        "memory_mb": 2048,
        "memory_mb_used": 512,
        "local_gb": 9,
        "local_gb_used": 2,
    }
    service = {"host": "h1", "zone": "east", "disabled_reason": "broken fan"}
    aggregates = [
        {"hosts": ["h1"], "metadata": {"ssd": "true", "rack": "1"}},
        {"hosts": ["h1"], "metadata": {"rack": "2"}},
        {"hosts": [], "metadata": {"gpu": "true"}},
    ]
    group = {"id": "g1", "members": ["a"], "policy": "anti-affinity", "rules": {"max_server_per_host": 3}}
    made.on("GET", "compute", "/os-hypervisors/detail", {"hypervisors": [host | told]})
    made.on("GET", "compute", "/os-services", {"services": [service]})
    made.on("GET", "compute", "/os-aggregates", {"aggregates": aggregates})
    made.on("GET", "compute", "/os-server-groups", {"server_groups": [group]}, {"server_groups": []})
    made.on("GET", "compute", "/servers/detail", {"servers": list(servers)})
    if placement:
        stock = {
            "VCPU": {"total": 4, "reserved": 1, "allocation_ratio": 4.0},
            "MEMORY_MB": {"total": 2048, "reserved": 512, "allocation_ratio": 1.5},
            "DISK_GB": {"total": 100, "reserved": 10, "allocation_ratio": 1.0},
        }
        taken = {"a": {"resources": {"VCPU": 1, "MEMORY_MB": 64}}}
        path = "/resource_providers/rp1"
        provider = {"name": "h1.example", "uuid": "rp1"}
        made.on("GET", "placement", "/resource_providers", {"resource_providers": [provider]})
        made.on("GET", "placement", f"{path}/inventories", {"inventories": stock})
        made.on("GET", "placement", f"{path}/usages", {"usages": {"VCPU": 3, "MEMORY_MB": 576, "DISK_GB": 1}})
        made.on("GET", "placement", f"{path}/allocations", {"allocations": taken})
    return made


def test_a_host_has_what_placement_gives_out_with_ratios_and_without_reserves() -> None:
    (host,) = occupancy(cloud()).hosts
    assert (host.name, host.host, host.up, host.enabled) == ("h1.example", "h1", True, False)
    assert (host.zone, host.reason) == ("east", "broken fan")
    assert host.capacity == Resources(12, 2304, 90) and host.used == Resources(3, 576, 1)
    assert host.aggregates == {"ssd": frozenset({"true"}), "rack": frozenset({"1", "2"})}


def test_without_placement_nova_is_asked_for_room() -> None:
    found = occupancy(cloud(body("a"), placement=False))
    assert found.hosts[0].capacity == Resources(4, 2048, 9) and found.hosts[0].used == Resources(1, 512, 2)
    assert found.servers[0].needs == Resources(2, 512, 8)  # swap rounded up to whole GiB


def test_a_server_needs_what_was_allocated_to_it_and_else_what_its_flavor_says() -> None:
    volume = {"image": "", "flavor": {"vcpus": 1, "ram": 64, "disk": 5, "ephemeral": 0, "swap": 0}}
    servers = {s.id: s for s in occupancy(cloud(body("a"), body("b", **volume), body("c"))).servers}
    assert servers["a"].needs == Resources(1, 64, 0)
    assert servers["b"].needs == Resources(1, 64, 0) and not servers["b"].local
    assert servers["c"].needs == Resources(2, 512, 8) and servers["c"].local


def test_groups_zones_tasks_and_wishes_of_flavors_are_read() -> None:
    specs = {"aggregate_instance_extra_specs:ssd": "true", "hw:cpu_policy": "shared"}
    flavor = body("a")["flavor"] | {"extra_specs": specs}
    busy = body("b", **{"OS-EXT-STS:task_state": "migrating"})
    first, second = occupancy(cloud(body("a", flavor=flavor), busy)).servers
    assert (first.group, first.group_policy, first.group_limit) == ("g1", "anti-affinity", 3)
    assert (first.aggregates, first.zone, first.host) == ({"ssd": "true"}, "east", "h1")
    assert (second.group, second.task) == ("", "migrating")


def test_from_2_96_on_only_a_pinned_server_has_a_zone() -> None:
    pinned = body("a", pinned_availability_zone="west")
    free = body("b", pinned_availability_zone=None)
    assert [s.zone for s in occupancy(cloud(pinned, free, microversion="2.96")).servers] == ["west", ""]


def test_before_2_47_flavors_are_asked_for_by_id() -> None:
    made = cloud(body("b", flavor={"id": "7"}), microversion="2.40")
    flavor = {"id": "7", "vcpus": 3, "ram": 128, "disk": 1, "swap": "", "OS-FLV-EXT-DATA:ephemeral": 2}
    made.on("GET", "compute", "/flavors/detail", {"flavors": [flavor]})
    made.on("GET", "compute", "/flavors/7/os-extra_specs", {"extra_specs": {}})
    assert occupancy(made).servers[0].needs == Resources(3, 128, 3)


def test_a_dead_host_gives_back_what_evacuated_servers_have_and_nothing_else() -> None:
    made = RecordingCloud("source")
    provider = {"resource_providers": [{"name": "h1", "uuid": "rp1"}]}
    consumers = {name: {} for name in ("evacuated", "here", "migration", "nowhere-else")}
    made.on("GET", "placement", "/resource_providers", provider)
    made.on("GET", "placement", "/resource_providers/rp1/allocations", {"allocations": consumers})
    for name, host in (("evacuated", "h2"), ("here", "h1"), ("nowhere-else", "h2")):
        made.on("GET", "compute", f"/servers/{name}", {"server": {"OS-EXT-SRV-ATTR:host": host}})
    rest = {"project_id": "p", "user_id": "u", "consumer_generation": 3}
    both = {"rp1": {"resources": {"VCPU": 1}}, "rp2": {"resources": {"VCPU": 1}}}
    made.on("GET", "placement", "/allocations/evacuated", {"allocations": dict(both), **rest})
    made.on("GET", "placement", "/allocations/nowhere-else", {"allocations": {"rp1": both["rp1"]}, **rest})
    release_evacuated(made, "h1", "h1")
    assert made.did("PUT") == [("PUT", "/allocations/evacuated")]
    assert made.sent("PUT", "/allocations/evacuated") == [{"allocations": {"rp2": both["rp2"]}, **rest}]
