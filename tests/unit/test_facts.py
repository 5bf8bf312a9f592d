"""What is read of a cloud, and how it is told."""

import pytest
from answering_cloud import VERSIONS, AnsweringCloud

from pumphouse.errors import CloudError
from pumphouse.facts import Hypervisor, facts, hypervisor_bodies, number, release
from pumphouse.ports import Version

INVENTORIES = {
    "inventories": {
        "VCPU": {"total": 8, "reserved": 0, "allocation_ratio": 4.0},
        "MEMORY_MB": {"total": 16384, "reserved": 512, "allocation_ratio": 1.0},
    }
}
HOST = {
    **{"id": "h1", "hypervisor_hostname": "compute-1", "state": "up", "status": "enabled"},
    "service": {"host": "compute-1"},
}


def cloud_with_host(**host: object) -> AnsweringCloud:
    return AnsweringCloud(
        answers={
            ("network", "/extensions"): {"extensions": [{"alias": "trunk"}, {"alias": "qos"}]},
            ("compute", "/os-hypervisors/detail"): {"hypervisors": [HOST | host]},
            ("placement", "/resource_providers/h1/inventories"): INVENTORIES,
            ("placement", "/resource_providers/h1/usages"): {"usages": {"VCPU": 5, "MEMORY_MB": 2048}},
        }
    )


@pytest.mark.parametrize(
    ("service", "maximum", "name"),
    [
        ("compute", "2.93", "Zed"),
        ("compute", "2.91", "Zed"),
        ("compute", "2.100", "2025"),
        ("compute", "2.999", "newer than 2026.2"),
        ("block-storage", "3.70", "Yoga to 2023"),
        ("compute", "", ""),
        ("network", "2.0", ""),
    ],
)
def test_releases_are_told_from_microversions(service: str, maximum: str, name: str) -> None:
    assert release(service, maximum) == name


def test_versions_are_compared_as_numbers() -> None:
    assert number("v2.100") > number("2.93")


def test_capacity_comes_from_placement_where_compute_no_longer_says() -> None:
    found = facts(cloud_with_host())
    assert found.hypervisors == (
        Hypervisor("compute-1", "up", "enabled", "compute-1", (5, 32), (2048, 15872)),
    )


def test_capacity_comes_from_compute_where_it_says() -> None:
    found = facts(cloud_with_host(vcpus=4, vcpus_used=1, memory_mb=8192, memory_mb_used=512))
    assert found.hypervisors == (Hypervisor("compute-1", "up", "enabled", "compute-1", (1, 4), (512, 8192)),)


def test_rows_tell_services_endpoints_extensions_and_hosts() -> None:
    rows = dict(facts(cloud_with_host()).rows())
    assert rows["regions"] == "RegionOne"
    assert rows["compute"] == "v2.1, microversions 2.1 to 2.93 (Zed)"
    assert rows["image"] == "v2.15"
    assert rows["network public"] == "http://source/network"
    assert rows["network extension qos"] == "yes"
    assert rows["vCPUs used"] == "5 of 32"
    assert rows["hypervisor compute-1"] == "up, enabled; vCPUs 5 of 32, memory 2048 of 15872 MiB"


def test_a_service_that_is_missing_is_told_and_not_asked() -> None:
    cloud = cloud_with_host()
    cloud.versions_of = {name: VERSIONS[name] for name in ("identity", "compute")}
    found = facts(cloud)
    rows = dict(found.rows())
    assert rows["network"] == "missing"
    assert not found.extensions
    assert rows["vCPUs used"] == "unknown"


def test_the_newest_version_is_told() -> None:
    cloud = cloud_with_host()
    cloud.versions_of["compute"] = (Version("v2.1", "CURRENT", "2.1", "2.100"), Version("v2.0", "SUPPORTED"))
    assert dict(facts(cloud).rows())["compute"] == "v2.1, microversions 2.1 to 2.100 (2025)"


@pytest.mark.parametrize(("status", "times", "asked"), [(500, 1, 2), (500, 2, 2), (403, 1, 1)])
def test_a_host_that_has_just_died_makes_nova_fail_once(status: int, times: int, asked: int) -> None:
    cloud = cloud_with_host()
    pages, seen = cloud.pages, []

    def failing(service: str, path: str, many: str, **query: object) -> object:
        seen.append(path)
        if len(seen) <= times:
            raise CloudError("MessagingTimeout", status=status)
        return pages(service, path, many, **query)

    cloud.pages = failing  # type: ignore[method-assign]
    if times == 1 and status == 500:
        assert len(hypervisor_bodies(cloud)) == 1
    else:
        with pytest.raises(CloudError):
            hypervisor_bodies(cloud)
    assert len(seen) == asked
