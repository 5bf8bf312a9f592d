"""What each kind does otherwise, because OpenStack does."""

import json
from typing import Any

import pytest
from fakes import FakeClock, RecordingCloud
from worlds import (
    assignment,
    changed,
    domain,
    flavor,
    flavor_access,
    floating_ip,
    group,
    group_rules,
    image,
    image_member,
    interfaces,
    keypair,
    network,
    port,
    project,
    quota,
    role,
    router,
    rule,
    server,
    server_group,
    subnet,
    user,
    volume,
    volume_snapshot,
    volume_type,
    volume_type_access,
)

from pumphouse.errors import CloudError, Conflict
from pumphouse.kinds import KINDS
from pumphouse.kinds import image as images
from pumphouse.kinds import server as servers
from pumphouse.kinds import volume as volumes
from pumphouse.kinds import volume_snapshot as snapshots
from pumphouse.kinds import volume_type as volume_types
from pumphouse.model import Item
from pumphouse.policy import Policy
from pumphouse.server_body import ATTACHED


def want(item: Item, **more: Any) -> dict[str, Any]:
    """The target with ids that read the same."""
    return KINDS[item.kind].target(item, lambda kind, i: i) | more


def create(item: Item, cloud: RecordingCloud, **more: Any) -> str:
    return KINDS[item.kind].create(cloud, want(item, **more), item)


def finish(item: Item, cloud: RecordingCloud, **more: Any) -> None:
    KINDS[item.kind].finish(cloud, "new", want(item, **more), item)


def read(kind: str, cloud: RecordingCloud, **found: list[Item]) -> list[Item]:
    return list(KINDS[kind].read(cloud, found))


# --- identity -------------------------------------------------------------------------------------
def test_a_domain_keeps_its_id() -> None:
    cloud = RecordingCloud().on("POST", "identity", "/domains", {"domain": {"id": "d1"}})
    assert create(domain("d1", "corp"), cloud) == "d1"
    assert cloud.sent("POST", "/domains")[0]["domain"]["explicit_domain_id"] == "d1"


def test_a_domain_is_disabled_before_it_is_removed() -> None:
    cloud = RecordingCloud().on("GET", "identity", "/domains/d1", {"domain": {}})
    KINDS["domain"].delete(cloud, "d1")
    assert cloud.did("PATCH", "DELETE") == [("PATCH", "/domains/d1"), ("DELETE", "/domains/d1")]


def test_domains_among_the_projects_are_left_out_and_a_top_project_has_no_parent() -> None:
    bodies = [
        {"id": "d1", "name": "corp", "is_domain": True, "domain_id": None},
        {"id": "p1", "name": "top", "is_domain": False, "domain_id": "d1", "parent_id": "d1"},
        {"id": "p2", "name": "leaf", "is_domain": False, "domain_id": "d1", "parent_id": "p1"},
    ]
    found = read("project", RecordingCloud().on("GET", "identity", "/projects", {"projects": bodies}))
    assert [(i.name, i.fields.get("parent_id")) for i in found] == [("top", None), ("leaf", "p1")]


def test_a_user_gets_a_password_that_nobody_knows() -> None:
    cloud = RecordingCloud().on("POST", "identity", "/users", {"user": {"id": "u"}})
    for _ in range(2):
        create(user("ann"), cloud)
    one, two = (body["user"]["password"] for body in cloud.sent("POST", "/users"))
    assert one != two
    assert len(one) > 30


def test_a_global_role_has_no_domain() -> None:
    bodies = [{"id": "r", "name": "member", "domain_id": None, "description": None}]
    (found,) = read("role", RecordingCloud().on("GET", "identity", "/roles", {"roles": bodies}), domain=[])
    assert found.fields == {"name": "member"}


ASSIGNMENTS = [
    {"role": {"id": "r"}, "user": {"id": "u"}, "scope": {"project": {"id": "p"}}},
    {
        "role": {"id": "r"},
        "user": {"id": "u"},
        "scope": {"domain": {"id": "d"}, "OS-INHERIT:inherited_to": "projects"},
    },
    {"role": {"id": "r"}, "group": {"id": "g"}, "scope": {"project": {"id": "p"}}},
    {"role": {"id": "r"}, "user": {"id": "u"}, "scope": {"system": {"all": True}}},
]


def test_assignments_say_in_their_ids_and_names_who_has_what_where() -> None:
    listing = {"role_assignments": ASSIGNMENTS}
    cloud = RecordingCloud().on("GET", "identity", "/role_assignments", listing)
    known = {"role": [role("r", "member")], "user": [user("u", "ann")]}
    known |= {kind: [] for kind in ("group", "group_membership", "project", "domain")}
    assert [(i.id, i.name) for i in read("role_assignment", cloud, **known)] == [
        ("r/u/p", "member for ann on p"),
        ("r/u/domain:d/inherited", "member for ann on domain d and below"),
        ("r/group:g/p", "member for group g on p"),
        ("r/u/system", "member for ann on the system"),
    ]


@pytest.mark.parametrize(
    ("fields", "path", "identifier"),
    [
        ({"project_id": "p"}, "/projects/p/users/u/roles/r", "r/u/p"),
        ({"domain_id": "d"}, "/domains/d/users/u/roles/r", "r/u/domain:d"),
        ({"system": "all"}, "/system/users/u/roles/r", "r/u/system"),
        (
            {"user_id": None, "group_id": "g", "project_id": "p"},
            "/projects/p/groups/g/roles/r",
            "r/group:g/p",
        ),
        (
            {"project_id": "p", "inherited": True},
            "/OS-INHERIT/projects/p/users/u/roles/r/inherited_to_projects",
            "r/u/p/inherited",
        ),
    ],
)
def test_an_assignment_is_put_to_its_scope(fields: dict[str, Any], path: str, identifier: str) -> None:
    item = changed(assignment("r", "u", None), **fields)
    cloud = RecordingCloud()
    assert create(item, cloud) == identifier
    assert cloud.did("PUT") == [("PUT", path)]
    KINDS["role_assignment"].delete(cloud, identifier)
    assert ("DELETE", path) in cloud.did("DELETE")


def test_a_keypair_is_known_by_user_and_name() -> None:
    cloud = RecordingCloud()
    assert create(keypair("u", "my key"), cloud) == "u/my key"
    assert cloud.sent("POST", "/os-keypairs")[0]["keypair"]["user_id"] == "u"
    KINDS["keypair"].delete(cloud, "u/my key")
    assert cloud.did("DELETE") == [("DELETE", "/os-keypairs/my%20key?user_id=u")]


# --- compute --------------------------------------------------------------------------------------
def test_a_flavor_keeps_its_id_when_it_is_free() -> None:
    cloud = RecordingCloud().on("POST", "compute", "/flavors", {"flavor": {"id": "small"}})
    assert create(flavor("small"), cloud) == "small"
    assert cloud.sent("POST", "/flavors")[0]["flavor"]["id"] == "small"


def test_a_flavor_gets_another_id_when_its_own_is_taken() -> None:
    answers = (Conflict("id taken", status=409), {"flavor": {"id": "other"}})
    cloud = RecordingCloud().on("POST", "compute", "/flavors", *answers)
    assert create(flavor("small"), cloud) == "other"
    assert [b["flavor"]["id"] for b in cloud.sent("POST", "/flavors")] == ["small", "auto"]


def test_a_flavor_whose_name_is_taken_is_a_conflict() -> None:
    cloud = RecordingCloud().on("POST", "compute", "/flavors", Conflict("name taken", status=409))
    with pytest.raises(Conflict):
        create(flavor("small"), cloud)
    assert len(cloud.calls) == 2


@pytest.mark.parametrize(("swap", "expected"), [("", 0), (0, 0), ("64", 64), (64, 64), (None, 0)])
def test_no_swap_is_written_in_two_ways(swap: Any, expected: int) -> None:
    assert flavor("f", swap=swap).fields["swap"] == expected


def test_extra_specs_are_asked_for_where_the_listing_lacks_them() -> None:
    body = dict(flavor("f").fields) | {"id": "f"}
    body.pop("extra_specs")
    cloud = RecordingCloud().on("GET", "compute", "/flavors/detail", {"flavors": [body]})
    cloud.on("GET", "compute", "/flavors/f/os-extra_specs", {"extra_specs": {"a": "b"}})
    assert read("flavor", cloud)[0].fields["extra_specs"] == {"a": "b"}
    assert cloud.calls[0][3] == {"is_public": "None"}


def test_extra_specs_are_set_afterwards() -> None:
    cloud = RecordingCloud()
    finish(flavor("f"), cloud)
    assert cloud.calls == []
    finish(flavor("f", extra_specs={"a": "b"}), cloud)
    assert cloud.sent("POST", "/flavors/new/os-extra_specs") == [{"extra_specs": {"a": "b"}}]


def test_having_access_to_a_flavor_already_is_success() -> None:
    cloud = RecordingCloud().on("POST", "compute", "/flavors/f/action", Conflict("has it"))
    assert create(flavor_access("f", "p"), cloud) == "f/p"
    KINDS["flavor_access"].delete(cloud, "f/p")
    assert cloud.sent("POST", "/flavors/f/action")[1] == {"removeTenantAccess": {"tenant": "p"}}


def test_access_is_read_of_private_flavors_only() -> None:
    cloud = RecordingCloud()
    answer = {"flavor_access": [{"flavor_id": "b", "tenant_id": "p"}]}
    cloud.on("GET", "compute", "/flavors/b/os-flavor-access", answer)
    found = read(
        "flavor_access", cloud, flavor=[flavor("a"), flavor("b", public=False)], project=[project("p")]
    )
    assert [i.id for i in found] == ["b/p"]


@pytest.mark.parametrize(
    ("kind", "service", "path", "one"),
    [
        ("compute", "compute", "/os-quota-sets/p", "quota_set"),
        ("volume", "block-storage", "/os-quota-sets/p", "quota_set"),
        ("network", "network", "/quotas/p", "quota"),
    ],
)
def test_limits_that_the_destination_does_not_know_are_left_out(
    kind: str, service: str, path: str, one: str
) -> None:
    cloud = RecordingCloud().on("GET", service, path, {one: {"id": "p", "a": 1, "b": 2}})
    item = quota(kind, "p", a=5, b=-1, volumes_gold=9)
    assert create(item, cloud) == "p"
    force = {"force": True} if kind == "compute" else {}
    assert cloud.sent("PUT", path) == [{one: {"a": 5, "b": -1, **force}}]
    assert create(quota(kind, "p", a=1, b=2), cloud) == "p"
    assert len(cloud.sent("PUT", path)) == 1
    found = KINDS[item.kind].compare(want(item), {"limits": {"a": 5, "b": 3, "more": 1}})
    assert list(found) == [("b", -1, 3)]


def test_quotas_are_read_of_every_project_without_their_ids() -> None:
    cloud = RecordingCloud()
    cloud.on("GET", "network", "/quotas/p", {"quota": {"project_id": "p", "tenant_id": "p", "port": 5}})
    (found,) = read("network_quota", cloud, project=[project("p")])
    assert found.fields == {"project_id": "p", "limits": {"port": 5}}


@pytest.mark.parametrize("body", [{"policy": "affinity"}, {"policies": ["affinity"]}])
def test_the_policy_of_a_server_group_is_written_in_two_ways(body: dict[str, Any]) -> None:
    listing = {
        "server_groups": [{"id": "g", "name": "g", "project_id": "p", "user_id": "u", "members": [], **body}]
    }
    cloud = RecordingCloud().on("GET", "compute", "/os-server-groups", listing)
    (found,) = read("server_group", cloud)
    assert (found.fields["policy"], found.fields["rules"]) == ("affinity", {})


def test_rules_are_sent_only_where_a_server_group_has_some() -> None:
    cloud = RecordingCloud().on("POST", "compute", "/os-server-groups", {"server_group": {"id": "g"}})
    create(server_group("g", "p", "u"), cloud)
    create(changed(server_group("g", "p", "u"), rules={"max_server_per_host": 2}), cloud)
    first, second = cloud.sent("POST", "/os-server-groups")
    assert first == {"server_group": {"name": "g", "policy": "anti-affinity"}}
    assert second["server_group"]["rules"] == {"max_server_per_host": 2}


# --- network --------------------------------------------------------------------------------------
def test_tunnel_ids_are_each_clouds_own_and_segments_are_not() -> None:
    provider = {"provider:physical_network": "left", "provider:segmentation_id": 7}
    base = {"id": "n", "name": "n", "project_id": "p", "tags": []}
    for type_, kept in (("vxlan", False), ("geneve", False), ("vlan", True), ("flat", True)):
        item = KINDS["network"].item({**base, **provider, "provider:network_type": type_})
        assert item is not None
        assert ("provider:physical_network" in item.fields) == kept


def test_networks_without_words_of_extensions_say_none() -> None:
    flat = network("n", "p", dns_domain="", **{"provider:segmentation_id": None})
    assert not {"dns_domain", "provider:segmentation_id"} & set(flat.fields)


def test_pools_and_routes_are_sets_and_name_servers_are_not() -> None:
    pools = [{"start": "10.0.0.9", "end": "10.0.0.20"}, {"start": "10.0.0.2", "end": "10.0.0.5"}]
    one = subnet("s", "n", "p", allocation_pools=pools, dns_nameservers=["b", "a"])
    two = subnet("s", "n", "p", allocation_pools=pools[::-1], dns_nameservers=["b", "a"])
    assert one == two
    assert one.fields["dns_nameservers"] == ["b", "a"]
    assert "ipv6_ra_mode" not in one.fields


MAC = "fa:16:3e:01:02:03"


@pytest.mark.parametrize(
    ("address", "asked_for"),
    [
        ("10.0.0.5", True),
        ("2001:db8::f816:3eff:fe01:203", False),
        ("2001:db8::f816:3eff:fe01:204", True),
        ("2001:db8::5", True),
    ],
)
def test_an_address_that_follows_from_the_mac_is_not_asked_for(address: str, asked_for: bool) -> None:
    cloud = RecordingCloud().on("POST", "network", "/ports", {"port": {"id": "x"}})
    create(port("p", "n", "acme", mac=MAC, ips=[("s", address)]), cloud)
    expected = {"subnet_id": "s", "ip_address": address} if asked_for else {"subnet_id": "s"}
    assert cloud.sent("POST", "/ports")[0]["port"]["fixed_ips"] == [expected]


def test_no_address_pairs_are_not_sent() -> None:
    cloud = RecordingCloud().on("POST", "network", "/ports", {"port": {"id": "x"}})
    pair = {"ip_address": "10.0.0.9", "mac_address": MAC}
    create(port("p", "n", "acme"), cloud)
    create(port("p", "n", "acme", allowed_address_pairs=[pair]), cloud)
    first, second = (b["port"] for b in cloud.sent("POST", "/ports"))
    assert "allowed_address_pairs" not in first
    assert second["allowed_address_pairs"] == [pair]
    assert "tags" not in first


@pytest.mark.parametrize("owner", ["network:dhcp", "network:router_interface", "network:floatingip"])
def test_the_networks_own_ports_are_left_out(owner: str) -> None:
    assert KINDS["port"].item({"id": "p", "device_owner": owner}) is None


def test_a_router_is_made_switched_off_and_switched_on_later() -> None:
    cloud = RecordingCloud().on("POST", "network", "/routers", {"router": {"id": "r"}})
    create(router("gate", "p"), cloud)
    assert cloud.sent("POST", "/routers")[0]["router"]["admin_state_up"] is False
    for state in (True, False):
        KINDS["router"].activate(cloud, "r", want(router("gate", "p", admin_state_up=state)))
    assert cloud.sent("PUT", "/routers/r") == [{"router": {"admin_state_up": s}} for s in (True, False)]


def test_of_a_gateway_only_what_can_be_written_is_kept() -> None:
    ips = [{"subnet_id": "s", "ip_address": a} for a in ("192.0.2.9", "192.0.2.3")]
    gateway = {"network_id": "n", "enable_snat": True, "external_fixed_ips": ips, "qos_policy_id": None}
    found = router("r", "p", gateway).fields["external_gateway_info"]
    assert set(found) == {"network_id", "enable_snat", "external_fixed_ips"}
    assert [ip["ip_address"] for ip in found["external_fixed_ips"]] == ["192.0.2.3", "192.0.2.9"]


def interface_cloud(gateway: str, *ports: dict[str, Any]) -> RecordingCloud:
    cloud = RecordingCloud().on(
        "GET", "network", "/subnets/s", {"subnet": {"id": "s", "gateway_ip": gateway}}
    )
    cloud.on("POST", "network", "/ports", {"port": {"id": "new-port"}})
    return cloud.on("GET", "network", "/ports", {"ports": list(ports)})


def gateway(*addresses: str) -> dict[str, Any]:
    ips = [{"subnet_id": "s", "ip_address": address} for address in addresses]
    return {"network_id": "public", "external_fixed_ips": ips}


def test_further_gateways_of_a_router_are_added_and_removed_by_calls_of_their_own() -> None:
    kind, all_of = KINDS["router"], [gateway("1.1.1.1"), gateway("1.1.1.3", "1.1.1.2"), gateway("1.1.1.9")]
    body = {"id": "r", "name": "r", "project_id": "p", "status": "ACTIVE", "external_gateway_info": all_of[0]}
    item = kind.item({**body, "external_gateways": all_of[:2]})
    assert item is not None
    assert item.fields["external_gateways"] == [gateway("1.1.1.2", "1.1.1.3")]
    there = {"router": {**body, "external_gateways": [all_of[0], all_of[2]]}}
    cloud = RecordingCloud().on("GET", "network", "/routers/x", there)
    want = kind.target(item, lambda _, identifier: identifier)
    kind.finish(cloud, "x", want, item)
    (added,) = cloud.sent("PUT", "/routers/x/add_external_gateways")
    (removed,) = cloud.sent("PUT", "/routers/x/remove_external_gateways")
    assert added["router"]["external_gateways"] == [gateway("1.1.1.2", "1.1.1.3")]
    assert removed["router"]["external_gateways"] == [gateway("1.1.1.9")]


def test_an_interface_with_the_gateways_address_is_added_by_its_subnet() -> None:
    cloud = interface_cloud("10.0.0.1")
    create(interfaces("r", "p", ("n", "s", "10.0.0.1")), cloud)
    assert cloud.sent("PUT", "/routers/r/add_router_interface") == [{"subnet_id": "s"}]


def test_an_interface_with_another_address_is_added_by_a_port_that_has_it() -> None:
    cloud = interface_cloud("10.0.0.1")
    create(interfaces("r", "p", ("n", "s", "10.0.0.7")), cloud)
    (made,) = cloud.sent("POST", "/ports")
    assert made["port"]["fixed_ips"] == [{"subnet_id": "s", "ip_address": "10.0.0.7"}]
    assert cloud.sent("PUT", "/routers/r/add_router_interface") == [{"port_id": "new-port"}]


def test_an_interface_that_is_there_is_not_added_again_and_routes_come_last() -> None:
    cloud = interface_cloud("10.0.0.1", {"id": "x", "fixed_ips": [{"ip_address": "10.0.0.1"}]})
    route = {"destination": "10.9.0.0/16", "nexthop": "10.0.0.5"}
    create(changed(interfaces("r", "p", ("n", "s", "10.0.0.1")), routes=[route]), cloud)
    assert cloud.did("PUT") == [("PUT", "/routers/r")]
    assert cloud.sent("PUT", "/routers/r") == [{"router": {"routes": [route]}}]


def test_routes_go_before_the_interfaces_they_need() -> None:
    cloud = RecordingCloud().on("GET", "network", "/routers/r", {"router": {}})
    cloud.on("GET", "network", "/ports", {"ports": [{"id": "i1"}]}, {"ports": []})
    KINDS["router_interfaces"].delete(cloud, "r")
    assert cloud.did("PUT") == [("PUT", "/routers/r"), ("PUT", "/routers/r/remove_router_interface")]


def test_a_floating_ip_is_pointed_at_its_port_later() -> None:
    cloud = RecordingCloud().on("POST", "network", "/floatingips", {"floatingip": {"id": "f"}})
    item = floating_ip("f", "192.0.2.7", "public", "p", "port")
    create(item, cloud)
    assert "port_id" not in cloud.sent("POST", "/floatingips")[0]["floatingip"]
    KINDS["floating_ip"].activate(cloud, "f", want(item))
    body = {"port_id": "port", "fixed_ip_address": "10.0.0.10"}
    assert cloud.sent("PUT", "/floatingips/f") == [{"floatingip": body}]
    KINDS["floating_ip"].activate(cloud, "f", want(floating_ip("g", "192.0.2.8", "public", "p")))
    assert len(cloud.sent("PUT", "/floatingips/f")) == 1


def test_the_default_group_is_looked_at_and_never_made() -> None:
    listing = {"security_groups": [{"id": "its-default"}]}
    cloud = RecordingCloud().on("GET", "network", "/security-groups", listing)
    default = changed(group("g", "p", "default"), description="ours", tags=["a"])
    assert create(default, cloud) == "its-default"
    assert cloud.did("POST") == []
    assert cloud.calls[0][3] == {"project_id": "p", "name": "default"}
    finish(default, cloud)
    assert cloud.sent("PUT", "/security-groups/new") == [{"security_group": {"description": "ours"}}]
    assert cloud.sent("PUT", "/security-groups/new/tags") == [{"tags": ["a"]}]


SSH = rule(protocol="tcp", port_range_min=22, port_range_max=22)
EGRESS = rule(direction="egress")


def rules_cloud(*there: dict[str, Any]) -> RecordingCloud:
    listed = [{**r, "id": f"r{n}"} for n, r in enumerate(there)]
    cloud = RecordingCloud()
    return cloud.on("GET", "network", "/security-group-rules", {"security_group_rules": listed})


def made(cloud: RecordingCloud) -> list[dict[str, Any]]:
    return [body["security_group_rule"] for body in cloud.sent("POST", "/security-group-rules")]


def test_rules_are_made_equal_as_a_whole() -> None:
    cloud = rules_cloud(EGRESS, rule(ethertype="IPv6", direction="egress"))
    assert create(group_rules("g", "p", EGRESS, SSH), cloud) == "g"
    assert cloud.did("DELETE") == [("DELETE", "/security-group-rules/r1")]
    (one,) = made(cloud)
    assert one == {
        "project_id": "p",
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 22,
        "security_group_id": "g",
    }


def test_equal_rules_are_left_alone() -> None:
    cloud = rules_cloud({**SSH, "description": None}, EGRESS)
    create(group_rules("g", "p", EGRESS, SSH), cloud)
    assert cloud.did("DELETE", "POST") == []


def test_a_rule_that_neutron_says_it_has_is_success() -> None:
    cloud = rules_cloud().on("POST", "network", "/security-group-rules", Conflict("exists"))
    create(group_rules("g", "p", SSH), cloud)


def test_icmp_of_type_zero_is_not_icmp_of_any_type() -> None:
    reply = rule(protocol="icmp", port_range_min=0, port_range_max=0)
    cloud = rules_cloud(rule(protocol="icmp"))
    create(group_rules("g", "p", reply), cloud)
    assert cloud.did("DELETE") == [("DELETE", "/security-group-rules/r0")]
    assert [r["port_range_min"] for r in made(cloud)] == [0]


def test_rules_are_a_set_whatever_they_are_of() -> None:
    several = [SSH, EGRESS, rule(protocol="icmp"), rule(protocol="icmp", port_range_min=0, port_range_max=0)]
    assert group_rules("g", "p", *several).fields == group_rules("g", "p", *several[::-1]).fields


# --- images ---------------------------------------------------------------------------------------
def test_an_image_keeps_its_id_and_is_not_protected_before_it_is_whole() -> None:
    cloud = RecordingCloud().on("POST", "image", "/images", {"id": "i"})
    cloud.on("GET", "image", "/images/new", {images.MAKING: "i"})
    item = image("i", "p", protected=True, properties={"hw_disk_bus": "scsi"})
    assert create(item, cloud) == "i"
    (body,) = cloud.sent("POST", "/images")
    assert (body["id"], body["protected"], body["hw_disk_bus"]) == ("i", False, "scsi")
    assert "properties" not in body
    finish(item, cloud)
    unmarked, protected = cloud.sent("PATCH", "/images/new")
    assert unmarked == [{"op": "remove", "path": f"/{images.MAKING}"}]
    assert protected[0]["value"] is True


def test_an_image_under_way_is_told_by_its_mark_which_is_no_property_of_it() -> None:
    body = dict(image("i", "p").fields) | {"id": "new", images.MAKING: "i"}
    item = KINDS["image"].item(body)
    assert item is not None
    assert (item.observed["making"], images.MAKING in item.fields["properties"]) == ("i", False)


def test_an_image_whose_id_is_taken_gets_another() -> None:
    cloud = RecordingCloud().on("POST", "image", "/images", Conflict("taken"), {"id": "other"})
    assert create(image("i", "p"), cloud) == "other"
    assert "id" not in cloud.sent("POST", "/images")[1]


def test_what_glance_has_no_field_for_is_a_property_and_what_its_store_says_is_not() -> None:
    body = (
        dict(image("i", "p").fields)
        | dict(image("i", "p").observed)
        | {"id": "i", "schema": "/v2", "stores": "x"}
    )
    for name in ("properties", "signature", "deactivated", images.DEVICES):
        body.pop(name)
    extra = {"hw_vif_model": "e1000", "os_glance_failed_import": "", "direct_url": "rbd://", "file": "/x"}
    item = KINDS["image"].item({**body, **extra})
    assert item is not None
    assert item.fields["properties"] == {"hw_vif_model": "e1000"}


UNFINISHED = ("queued", "saving", "uploading", "importing", "killed", "deleted", "pending_delete")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (image("i", "p"), ""),
        (image("i", "p", size=0), "empty"),
        (changed(image("i", "p"), observed={"status": "deactivated"}), ""),
        *((changed(image("i", "p"), observed={"status": status}), status) for status in UNFINISHED),
        (image("i", "p", properties={"block_device_mapping": "what?"}), "cannot be read"),
        (image("i", "p", size=0, block_device_mapping=[{"snapshot_id": "s"}]), ""),
        (
            changed(image("i", "p", size=0), observed={"gone": ["volume_snapshot:s"]}),
            "volume_snapshot s is gone",
        ),
        (image("i", "p", properties={images.MARK: "s"}, os_hidden=True), "belongs to a server"),
    ],
)
def test_images_that_cannot_be_copied_are_skipped_with_a_reason(item: Item, words: str) -> None:
    reason = KINDS["image"].skip_reason(item)
    assert words in reason
    assert bool(reason) == bool(words)


def test_hidden_and_community_images_are_read_too_once() -> None:
    body = {"id": "i", "name": "i", "status": "active", "kernel_id": "k", "ramdisk_id": "i"}
    cloud = RecordingCloud().on("GET", "image", "/images", {"images": [body]})
    (found,) = read("image", cloud, volume_snapshot=[])
    queries = [{n: v for n, v in query.items() if n != "limit"} for *_, query in cloud.calls]
    assert queries == list(images.QUERIES)
    assert found.observed["gone"] == ["image:k"]


def test_a_kernel_that_is_gone_is_not_waited_for_and_kept_by_name() -> None:
    item = changed(
        image("i", "p", properties={"kernel_id": "k", "ramdisk_id": "r"}), observed={"gone": ["image:k"]}
    )
    assert KINDS["image"].needs(item) == ("project:p", "image:r")
    target = KINDS["image"].target(item, lambda kind, i: None if i == "k" else f"new {i}")
    assert target["properties"] == {"kernel_id": "k", "ramdisk_id": "new r"}


def test_ids_in_a_snapshot_are_mapped_where_there_is_a_counterpart() -> None:
    names = {"base_image_ref": "base", "instance_uuid": "s", "user_id": "u", "owner_id": "p"}
    item = image("i", "p", properties=names)
    assert KINDS["image"].needs(item) == ("project:p",)
    assert set(KINDS["image"].needs(item, weak=True)) == {"project:p", "image:base", "server:s", "user:u"}
    target = KINDS["image"].target(item, lambda kind, i: None if kind in ("user", "server") else f"new {i}")
    assert target["properties"] == {
        "base_image_ref": "new base",
        "instance_uuid": "s",
        "user_id": "u",
        "owner_id": "new p",
    }


def test_the_shell_of_a_snapshot_names_the_counterparts_of_its_volume_snapshots() -> None:
    devices = [{"snapshot_id": "s", "boot_index": 0}, {"source_type": "blank"}]
    body = {
        "id": "i",
        "name": "i",
        "status": "active",
        "size": 0,
        "block_device_mapping": json.dumps(devices),
    }
    cloud = RecordingCloud().on("GET", "image", "/images", {"images": [body]})
    cloud.on("POST", "image", "/images", {"id": "i"})
    snapshot = Item("volume_snapshot", "s", "s", None, {})
    (item,) = read("image", cloud, volume_snapshot=[snapshot])
    assert (KINDS["image"].needs(item), item.observed["gone"]) == (("volume_snapshot:s",), [])
    KINDS["image"].create(cloud, KINDS["image"].target(item, lambda kind, i: f"new {i}"), item)
    sent = json.loads(cloud.sent("POST", "/images")[0]["block_device_mapping"])
    assert sent == [{"snapshot_id": "new s", "boot_index": 0}, {"source_type": "blank"}]
    (lost,) = read("image", cloud, volume_snapshot=[])
    assert KINDS["image"].needs(lost) == ()
    assert "is gone" in KINDS["image"].skip_reason(lost)


def test_a_signature_is_set_when_the_data_is_there() -> None:
    item = image("i", "p", signature={"img_signature": "x"}, deactivated=True)
    cloud = RecordingCloud().on("POST", "image", "/images", {"id": "i"})
    cloud.on("GET", "image", "/images/i", {"status": "active", images.MAKING: "i"})
    create(item, cloud)
    assert "img_signature" not in cloud.sent("POST", "/images")[0]
    KINDS["image"].finish(cloud, "i", want(item), item)
    assert cloud.sent("PATCH", "/images/i") == [
        [
            {"op": "add", "path": "/img_signature", "value": "x"},
            {"op": "remove", "path": f"/{images.MAKING}"},
        ]
    ]
    assert cloud.did("POST")[-1] == ("POST", "/images/i/actions/deactivate")


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        ({"os_hash_value": "else"}, ["os_hash_value"]),
        ({"os_hash_value": "else", "os_hash_algo": "sha256"}, []),
        ({"size": 7}, ["size"]),
        ({"deactivated": True}, ["deactivated"]),
    ],
)
def test_hashes_are_compared_where_the_algorithm_is_the_same(
    other: dict[str, Any], fields: list[str]
) -> None:
    item = image("i", "p")
    found = KINDS["image"].compare(item.fields, {**item.fields, **other})
    assert [name for name, *_ in found] == fields


def test_a_protected_image_is_removed_all_the_same() -> None:
    cloud = RecordingCloud().on("GET", "image", "/images/i", {"protected": True})
    KINDS["image"].delete(cloud, "i")
    assert cloud.did("PATCH", "DELETE") == [("PATCH", "/images/i"), ("DELETE", "/images/i")]


def test_a_member_accepts_as_it_did() -> None:
    cloud = RecordingCloud().on("POST", "image", "/images/i/members", Conflict("is one"))
    item = image_member("i", "p")
    assert create(item, cloud) == "i/p"
    finish(item, cloud)
    assert cloud.sent("PUT", "/images/i/members/p") == [{"status": "accepted"}]


# --- volumes --------------------------------------------------------------------------------------
def test_a_volume_type_is_known_by_its_name_and_read_with_what_belongs_to_it() -> None:
    body = {"id": "uuid", "name": "gold", "description": None, "extra_specs": {}, "qos_specs_id": "q"}
    cloud = RecordingCloud().on("GET", "block-storage", "/types", {"volume_types": [body]})
    cloud.on("GET", "block-storage", "/types/uuid/encryption", {"cipher": "aes", "deleted": False})
    (found,) = read("volume_type", cloud, volume_qos=[Item("volume_qos", "q", "fast", None, {})])
    assert (found.id, found.observed["type_id"]) == ("gold", "uuid")
    assert (found.fields["qos_specs"], found.fields["encryption"]) == ("fast", {"cipher": "aes"})


def test_a_volume_type_is_made_with_what_belongs_to_it() -> None:
    cloud = RecordingCloud().on("POST", "block-storage", "/types", {"volume_type": {"id": "uuid"}})
    there = {"volume_types": [{"id": "uuid", "name": "gold", volume_types.PUBLIC: False}]}
    cloud.on("GET", "block-storage", "/types", there)
    cloud.on("GET", "block-storage", "/qos-specs", {"qos_specs": [{"id": "q", "name": "fast"}]})
    cloud.on("GET", "block-storage", "/qos-specs/q/associations", {"qos_associations": [{"id": "uuid"}]})
    gold = volume_type("gold", extra_specs={"a": "b"}, qos_specs="fast", encryption={"cipher": "aes"})
    assert create(gold, cloud) == "gold"
    KINDS["volume_type"].finish(cloud, "gold", want(gold), gold)
    assert cloud.sent("POST", "/types/uuid/extra_specs") == [{"extra_specs": {"a": "b"}}]
    assert cloud.sent("POST", "/types/uuid/encryption") == [{"encryption": {"cipher": "aes"}}]
    create(volume_type_access("gold", "acme"), cloud)
    assert cloud.sent("POST", "/types/uuid/action") == [{"addProjectAccess": {"project": "acme"}}]
    KINDS["volume_type"].delete(cloud, "gold")
    assert ("DELETE", "/types/uuid") in [(c[0], c[2]) for c in cloud.calls]


def test_the_access_to_private_types_is_read() -> None:
    answer = {"volume_type_access": [{"project_id": "acme", "volume_type_id": "id-gold"}]}
    cloud = RecordingCloud().on("GET", "block-storage", "/types/id-gold/os-volume-type-access", answer)
    types = [volume_type("gold", **{volume_types.PUBLIC: False}), volume_type("open")]
    (found,) = read("volume_type_access", cloud, volume_type=types, project=[project("acme")])
    assert found.fields == {"volume_type": "gold", "project_id": "acme"}


def test_a_read_only_volume_stays_so() -> None:
    answer = {"volume": {"bootable": "false", "volume_image_metadata": {}, "metadata": {}}}
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/new", answer)
    finish(volume("v", "p", "u", readonly=True), cloud)
    assert cloud.sent("POST", "/volumes/new/action") == [{"os-update_readonly_flag": {"readonly": True}}]


def volume_body(**more: Any) -> dict[str, Any]:
    body = dict(volume("v", "p", "u").fields) | {"id": "v", "bootable": "true", "status": "available"}
    return body | {volumes.PROJECT: "p", "metadata": {"a": "b", "readonly": "False"}, **more}


def test_a_volume_is_read_with_its_project_and_without_a_user_that_is_gone() -> None:
    bodies = [volume_body(name=None), volume_body(id="w", user_id="gone")]
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/detail", {"volumes": bodies})
    found, orphan = KINDS["volume"].read(cloud, {"user": [user("u")]})
    assert (found.project_id, found.name, found.fields["name"]) == ("p", "v", "")
    assert (found.fields["user_id"], orphan.fields["user_id"]) == ("u", None)
    assert found.fields["bootable"] is True
    assert found.fields["metadata"] == {"a": "b"}


def test_snapshots_are_read_without_those_of_a_run() -> None:
    body = {"id": "s", "name": None, "volume_id": "v", "status": "available", "metadata": {}, "size": 1}
    bodies = [body, {**body, "id": "t", "name": "pumphouse-v-snapshot"}]
    cloud = RecordingCloud().on("GET", "block-storage", "/snapshots/detail", {"snapshots": bodies})
    (found,) = KINDS["volume_snapshot"].read(cloud, {"user": []})
    assert (found.id, found.fields["name"], found.fields["user_id"]) == ("s", "", None)


def test_a_snapshot_is_made_marked_and_loses_the_mark() -> None:
    cloud = RecordingCloud().on("POST", "block-storage", "/snapshots", {"snapshot": {"id": "x"}})
    create(volume_snapshot("s", "v", "p"), cloud)
    (body,) = cloud.sent("POST", "/snapshots")
    assert body["snapshot"]["metadata"] == {snapshots.MARK: "s"}
    finish(volume_snapshot("s", "v", "p"), cloud)
    assert cloud.sent("PUT", "/snapshots/new/metadata") == [{"metadata": {}}]


def test_a_broken_snapshot_is_left() -> None:
    assert KINDS["volume_snapshot"].skip_reason(volume_snapshot("s", "v", "p", status="error"))


def test_pools_tell_whether_volumes_can_change_their_content() -> None:
    answer = {"pools": [{"name": "host@rbd#ssd", "capabilities": {"storage_protocol": "ceph"}}]}
    cloud = RecordingCloud().on("GET", "block-storage", "/scheduler-stats/get_pools", answer)
    zones = [{"zoneName": n, "zoneState": {"available": a}} for n, a in (("east", True), ("west", False))]
    cloud.on("GET", "block-storage", "/os-availability-zone", {"availabilityZoneInfo": zones})
    (found,) = KINDS["volume_pool"].read(cloud, {})
    assert found.observed["zones"] == ["east"]
    assert (found.id, found.observed["storage_protocol"]) == ("host@rbd#ssd", "ceph")
    assert found.observed["reimage"] is cloud.supports("block-storage", "3.68")


def test_a_volume_of_no_project_is_skipped() -> None:
    assert KINDS["volume"].skip_reason(volume("v", None, "u"))
    assert not KINDS["volume"].skip_reason(volume("v", "p", "u"))


def test_a_volume_is_made_of_an_image_and_marked() -> None:
    cloud = RecordingCloud().on("POST", "block-storage", "/volumes", {"volume": {"id": "x"}})
    create(volume("v", "p", "u", metadata={"a": "b"}), cloud, image_id="img")
    (body,) = cloud.sent("POST", "/volumes")
    assert body["volume"]["imageRef"] == "img"
    assert body["volume"]["metadata"] == {"a": "b", volumes.MARK: "v"}


def test_a_volume_goes_to_the_zone_that_policy_says() -> None:
    there = volume("v", "p", "u", availability_zone="old")
    kind = KINDS["volume"]
    chosen = kind.decide(dict(there.fields), there, Policy(volume_availability_zones={"old": "new"}))
    assert chosen["availability_zone"] == "new"
    assert "availability_zone" not in kind.decide(dict(there.fields), there, Policy())
    cloud = RecordingCloud().on("POST", "block-storage", "/volumes", {"volume": {"id": "x"}})
    kind.create(cloud, {**chosen, "image_id": "img"}, there)
    (body,) = cloud.sent("POST", "/volumes")
    assert body["volume"]["availability_zone"] == "new"


def test_a_volume_gets_back_what_the_image_took_from_it() -> None:
    answer = {"volume": {"bootable": "true", "volume_image_metadata": {"image_id": "t", "os": "x"}}}
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/new", answer)
    finish(volume("v", "p", "u", metadata={"a": "b"}, volume_image_metadata={"os": "linux"}), cloud)
    assert cloud.sent("POST", "/volumes/new/action") == [
        {"os-unset_image_metadata": {"key": "image_id"}},
        {"os-set_image_metadata": {"metadata": {"os": "linux"}}},
        {"os-set_bootable": {"bootable": False}},
    ]
    assert cloud.sent("PUT", "/volumes/new/metadata") == [{"metadata": {"a": "b"}}]


def test_a_bootable_volume_stays_bootable() -> None:
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/new", {"volume": {"bootable": "true"}})
    finish(volume("v", "p", "u", bootable="true"), cloud)
    assert cloud.did("POST") == []


def test_a_volume_of_an_interrupted_run_is_found_by_its_mark() -> None:
    listing = {"volumes": [{"id": "a", "metadata": {}}, {"id": "b", "metadata": {volumes.MARK: "v"}}]}
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/detail", listing)
    assert volumes.find_marked(cloud, "v") == "b"
    assert volumes.find_marked(cloud, "w") is None


def test_waiting_for_a_volume_ends_with_its_error() -> None:
    states = [{"volume": {"id": "v", "name": "d", "status": s}} for s in ("creating", "error")]
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/v", *states)
    with pytest.raises(CloudError, match=r"destination: volume 'd' \(v\) is in status error"):
        volumes.wait(cloud, FakeClock(), "/volumes/v", "volume", 60)


def test_waiting_for_a_volume_to_go_ends_when_it_cannot() -> None:
    stuck = {"volume": {"id": "v", "status": "error_deleting"}}
    cloud = RecordingCloud().on("GET", "block-storage", "/volumes/v", stuck)
    with pytest.raises(CloudError, match="could not be deleted"):
        volumes.wait_gone(cloud, FakeClock(), "/volumes/v", 60)
    volumes.wait_gone(RecordingCloud(), FakeClock(), "/volumes/v", 60)


# --- servers --------------------------------------------------------------------------------------
def server_body(**more: Any) -> dict[str, Any]:
    return {
        "id": "s",
        "name": "s",
        "tenant_id": "p",
        "user_id": "u",
        "metadata": {},
        "status": "ACTIVE",
        "flavor": {"original_name": "small", "vcpus": 2, "ram": 64, "disk": 3, "ephemeral": 0, "swap": 0},
        "image": {"id": "i"},
        "tags": ["b", "a"],
        **more,
    }


def read_server(
    body: dict[str, Any], asked: dict[str, dict[str, Any]] | None = None, **found: list[Item]
) -> Item:
    cloud = RecordingCloud().on("GET", "compute", "/servers/detail", {"servers": [body]})
    for path, answer in (asked or {}).items():
        cloud.on("GET", "compute", f"/servers/s/{path}", answer)
    kinds: dict[str, list[Item]] = {"flavor": [flavor("f1", "small")], "user": [user("u")]}
    kinds |= {"keypair": [], "port": [], "volume": [], "server_group": [], "image": []}
    (item,) = list(KINDS["server"].read(cloud, kinds | found))
    return item


def addresses(*macs: str) -> dict[str, Any]:
    return {"net": [{"OS-EXT-IPS-MAC:mac_addr": mac, "addr": "10.0.0.1"} for mac in macs]}


def test_nics_are_in_the_order_of_the_addresses_and_then_by_age() -> None:
    ports = [
        port("late", "n", "p", server_="s", observed={"created_at": "2020-02"}),
        port("early", "n", "p", server_="s", observed={"created_at": "2020-01"}),
        port("second", "n", "p", server_="s", mac="fa:16:3e:00:00:02", observed={"created_at": "2019"}),
        port("first", "n", "p", server_="s", mac="fa:16:3e:00:00:01", observed={"created_at": "2021"}),
        port("other", "n", "p", server_="t"),
    ]
    body = server_body(addresses=addresses("fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:01"))
    assert read_server(body, port=ports).fields["ports"] == ["first", "second", "early", "late"]


def attached(**devices: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = [{"volumeId": v, "device": d, "tag": f"tag-{v}"} for v, d in devices.items()]
    return {ATTACHED: [{"id": v} for v in devices]}, {"os-volume_attachments": {"volumeAttachments": found}}


def test_volumes_are_in_the_order_of_their_devices() -> None:
    more, asked = attached(z="/dev/vdaa", y="/dev/vdc", x="/dev/vdb")
    item = read_server(server_body(**more), asked)
    assert [(v["volume_id"], v["tag"]) for v in item.fields["volumes"]] == [
        ("x", "tag-x"),
        ("y", "tag-y"),
        ("z", "tag-z"),
    ]
    assert {v["boot_index"] for v in item.fields["volumes"]} == {-1}


@pytest.mark.parametrize("root", ["/dev/vda", "/dev/sdx", None])
def test_a_server_on_a_volume_boots_from_its_root_device(root: str | None) -> None:
    more, asked = attached(data="/dev/vdb" if root != "/dev/sdx" else "/dev/sdb", boot=root or "/dev/vda")
    more["OS-EXT-SRV-ATTR:root_device_name"] = root
    item = read_server(server_body(image="", **more), asked)
    assert [(v["volume_id"], v["boot_index"]) for v in item.fields["volumes"]] == [("boot", 0), ("data", -1)]
    assert item.observed["image_id"] is None


def test_tags_of_nics_are_in_the_order_of_the_nics() -> None:
    ports = [
        port(p, "n", "p", server_="s", mac=m)
        for p, m in (("second", "fa:16:3e:00:00:02"), ("first", "fa:16:3e:00:00:01"))
    ]
    body = server_body(addresses=addresses("fa:16:3e:00:00:01", "fa:16:3e:00:00:02"))
    nics = [{"port_id": "second", "tag": "storage"}, {"port_id": "first", "tag": None}]
    item = read_server(body, {"os-interface": {"interfaceAttachments": nics}}, port=ports)
    assert item.fields["nic_tags"] == [None, "storage"]


@pytest.mark.parametrize(
    ("projects", "who"), [(["p"], "owner"), (["p", "admin"], "admin"), (["admin", "p"], "owner"), ([], "")]
)
def test_who_locked_a_server_is_told_by_its_last_lock(projects: list[str], who: str) -> None:
    actions = [
        {"action": "lock", "project_id": p, "start_time": f"2026-01-0{n}"} for n, p in enumerate(projects)
    ]
    actions.append({"action": "start", "project_id": "other", "start_time": "2026-02-01"})
    item = read_server(server_body(locked=True), {"os-instance-actions": {"instanceActions": actions[::-1]}})
    assert item.observed["locked_by"] == who


def test_the_disk_of_a_shelved_server_is_told_by_its_image() -> None:
    found = [
        changed(image("i1", "p", properties={"instance_uuid": "s"}), name="s-shelved"),
        image("i2", "p", properties={"instance_uuid": "s"}),
        changed(image("i3", "p", properties={"instance_uuid": "t"}), name="t-shelved"),
    ]
    renamed = [Item("image", i.id, i.fields["name"], i.project_id, i.fields, i.observed) for i in found]
    item = read_server(server_body(status="SHELVED"), image=renamed)
    assert item.observed["shelve_images"] == ["i1"]
    assert [bool(KINDS["image"].skip_reason(i)) for i in renamed] == [True, False, True]


def embedded(**more: Any) -> dict[str, Any]:
    sizes = {"vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0, "extra_specs": {"a": "b"}}
    return {"original_name": "small", **sizes, **more}


def test_a_flavor_is_found_by_its_name_or_its_id_or_is_gone() -> None:
    small = flavor("f1", "small")
    sizes = {"vcpus": small.fields["vcpus"], "ram": small.fields["ram"], "disk": small.fields["disk"]}
    assert read_server(server_body(flavor=embedded(**sizes))).fields["flavor_id"] == "f1"
    assert read_server(server_body(flavor={"id": "f1"})).fields["flavor_id"] == "f1"
    assert read_server(server_body(flavor={"id": "f2"})).fields["flavor_id"] is None


@pytest.mark.parametrize("more", [{"original_name": "lost"}, {"vcpus": 77}], ids=["gone", "made anew"])
def test_a_deleted_flavor_is_told_by_its_servers_and_is_theirs_alone(more: dict[str, Any]) -> None:
    copy = embedded(**more)
    servers_ = [read_server(server_body(flavor=copy)), read_server(server_body(flavor=copy, id="other"))]
    found: dict[str, list[Item]] = {"server": servers_, "project": [project("p")]}
    (item,) = KINDS["flavor"].implied(found)
    assert item.id == servers_[0].fields["flavor_id"] == servers_[1].fields["flavor_id"]
    assert (item.name, item.fields["vcpus"], item.fields["os-flavor-access:is_public"]) == (
        copy["original_name"],
        copy["vcpus"],
        False,
    )
    assert item.fields["extra_specs"] == {"a": "b"}
    (access,) = KINDS["flavor_access"].implied(found)
    assert access.fields == {"flavor_id": item.id, "project_id": "p"}
    assert KINDS["flavor"].candidates(item.fields, item, [item]) == []


def test_a_flavor_may_get_another_name_by_policy() -> None:
    small, kind = flavor("f1", "small"), KINDS["flavor"]
    for key in ("f1", "small"):
        policy = Policy(flavors={key: "small-old"})
        assert kind.decide(dict(small.fields), small, policy)["name"] == "small-old"
    assert kind.decide(dict(small.fields), small, Policy())["name"] == "small"


@pytest.mark.parametrize(
    ("zones", "pinned", "wanted"),
    [
        ({}, None, None),
        ({}, True, "nova"),
        ({"nova": "b"}, None, "b"),
        ({"nova": "b"}, True, "b"),
        ({"x": "b"}, None, None),
    ],
)
def test_zone_host_and_user_data_are_the_policys(
    zones: dict[str, str], pinned: bool | None, wanted: str | None
) -> None:
    item = server("s", "p", "u", user_data="I2E=", observed={"zone_pinned": pinned})
    policy = Policy(availability_zones=zones, hosts={"old-1": "new-1"}, user_data="drop")
    want = KINDS["server"].decide(dict(item.fields), item, policy)
    assert (want["availability_zone"], want["host"], want["user_data"]) == (wanted, "new-1", None)
    assert KINDS["server"].decide(dict(item.fields), item, Policy())["user_data"] == "I2E="


ROOT = {"server": {"image": "", "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda"}}
ATTACHMENTS = {
    "volumeAttachments": [{"volumeId": "d", "device": "/dev/vdb"}, {"volumeId": "r", "device": "/dev/vda"}]
}


def test_a_root_disk_becomes_a_volume_by_policy() -> None:
    item = server("s", "p", "u", volumes=["v"])
    policy = Policy(boot_root="volume", boot_root_type="fast", boot_root_delete=False)
    decided = KINDS["server"].decide(want(item), item, policy)
    assert decided["root_volume"] == {"volume_type": "fast", "keep": True}
    cloud = RecordingCloud().on("POST", "compute", "/servers", {"server": {"id": "x"}})
    decided |= {"image_id": "i", "root_volume": {**decided["root_volume"], "size": 3}}
    KINDS["server"].create(cloud, decided, item)
    body = cloud.sent("POST", "/servers")[0]["server"]
    assert "imageRef" not in body
    assert body["block_device_mapping_v2"][0] == {
        "uuid": "i",
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 3,
        "volume_type": "fast",
        "device_name": "/dev/vda",
        "boot_index": 0,
        "delete_on_termination": True,
    }
    have = {**item.fields, "volumes": [{"volume_id": "r", "boot_index": 0}, *item.fields["volumes"]]}
    assert "volumes" not in [name for name, *_ in KINDS["server"].compare(decided, have)]


@pytest.mark.parametrize("keep", [True, False])
def test_a_root_volume_outlives_its_server_only_when_it_is_finished(keep: bool) -> None:
    cloud = RecordingCloud().on("GET", "compute", "/servers/x", ROOT)
    cloud.on("GET", "compute", "/servers/x/os-volume_attachments", ATTACHMENTS)
    marked = {"volume": {"volume_image_metadata": {servers.IMAGE_MARK: "s"}}}
    cloud.on("GET", "block-storage", "/volumes/r", marked)
    item = server("s", "p", "u")
    KINDS["server"].finish(cloud, "x", want(item, root_volume={"volume_type": None, "keep": keep}), item)
    assert cloud.sent("POST", "/volumes/r/action") == [
        {"os-unset_image_metadata": {"key": servers.IMAGE_MARK}}
    ]
    sent = cloud.sent("PUT", "/servers/x/os-volume_attachments/r")
    assert [b["volumeAttachment"]["delete_on_termination"] for b in sent] == ([False] if keep else [])


def test_device_names_and_what_one_side_does_not_tell_are_no_differences() -> None:
    kind = KINDS["server"]
    disks = [{"volume_id": "v", "device": "/dev/vdb", "tag": "t"}]
    have = {"volumes": [{**disks[0], "device": "/dev/vdc"}], "status": "SHELVED_OFFLOADED"}
    want = {
        "volumes": disks,
        "status": "SHELVED",
        "scheduler_hints": {"a": "b"},
        "host": "h",
        "hostname": None,
    }
    assert list(kind.compare(want, have)) == []
    assert [name for name, *_ in kind.compare({**want, "volumes": []}, have)] == ["volumes"]


def test_a_user_that_is_gone_is_no_owner() -> None:
    assert read_server(server_body(user_id="deleted")).fields["user_id"] is None


def test_a_server_is_made_around_its_ports_and_disks() -> None:
    cloud = RecordingCloud().on("POST", "compute", "/servers", {"server": {"id": "x"}})
    item = server("s", "p", "u", ports=["p1", "p2"], volumes=["v"], group_="g", key_name="k", tags=["a"])
    assert create(item, cloud, image_id="root") == "x"
    (request,) = cloud.sent("POST", "/servers")
    body = request["server"]
    assert body["networks"] == [{"port": "p1"}, {"port": "p2"}]
    assert [(d["uuid"], d["source_type"], d["boot_index"]) for d in body["block_device_mapping_v2"]] == [
        ("root", "image", 0),
        ("v", "volume", -1),
    ]
    assert body["imageRef"] == "root"
    assert body["tags"] == [servers.MARK + "s"]
    assert request["os:scheduler_hints"] == {"group": "g"}
    finish(item, cloud)
    assert cloud.sent("PUT", "/servers/new/tags") == [{"tags": ["a"]}]


def test_a_server_without_ports_gets_none() -> None:
    cloud = RecordingCloud().on("POST", "compute", "/servers", {"server": {"id": "x"}})
    create(server("s", "p", "u"), cloud, image_id=None)
    body = cloud.sent("POST", "/servers")[0]["server"]
    assert body["networks"] == "none"
    assert not {"imageRef", "key_name", "user_data"} & set(body)


@pytest.mark.parametrize(("microversion", "sent"), [("2.89", False), ("2.90", True), ("2.96", True)])
def test_the_hostname_is_sent_where_it_can_be(microversion: str, sent: bool) -> None:
    cloud = RecordingCloud().on("POST", "compute", "/servers", {"server": {"id": "x"}})
    cloud.microversions["compute"] = microversion
    create(server("s", "p", "u"), cloud, image_id="i")
    assert ("hostname" in cloud.sent("POST", "/servers")[0]["server"]) == sent


def server_states(*bodies: dict[str, Any]) -> RecordingCloud:
    answers = [{"server": {"id": "s", "name": "web", **body}} for body in bodies]
    return RecordingCloud().on("GET", "compute", "/servers/s", *answers)


def test_waiting_for_a_server_waits_for_its_task_too() -> None:
    task = "OS-EXT-STS:task_state"
    states = ({"status": "BUILD"}, {"status": "ACTIVE", task: "spawning"}, {"status": "ACTIVE", task: None})
    cloud = server_states(*states)
    servers.wait(cloud, FakeClock(), "s", "ACTIVE", 60)
    assert len(cloud.calls) == 3


@pytest.mark.parametrize("fault", [{"message": "no valid host"}, None])
def test_waiting_for_a_server_ends_with_its_error(fault: Any) -> None:
    words = "no valid host" if fault else "no reason given"
    with pytest.raises(CloudError, match=rf"server 'web' \(s\) is in ERROR: {words}"):
        servers.wait(server_states({"status": "ERROR", "fault": fault}), FakeClock(), "s", "ACTIVE", 60)


def test_a_key_that_its_user_no_longer_has_is_left_out() -> None:
    gone = read_server(server_body(key_name="laptop"))
    there = read_server(server_body(key_name="laptop"), keypair=[keypair("u", "laptop")])
    assert (gone.observed["key_gone"], there.observed["key_gone"]) == ("laptop", "")
    assert KINDS["server"].target(gone, lambda _, identifier: identifier)["key_name"] is None
    assert KINDS["server"].target(there, lambda _, identifier: identifier)["key_name"] == "laptop"
