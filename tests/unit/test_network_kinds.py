"""What the kinds of Neutron do otherwise, because Neutron does; and what is left out where it knows less."""

from collections.abc import Iterator
from typing import Any

import pytest
from fakes import RecordingCloud
from worlds import changed, floating_ip, item, network, port, router, step, world

from pumphouse.config import Policy
from pumphouse.errors import CloudError, Missing
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, NetworkFacts
from pumphouse.plan.understood import understood

FORWARDED = {
    "protocol": "tcp",
    "external_port": 80,
    "internal_port": 8080,
    "internal_port_id": "port",
    "internal_ip_address": "10.0.0.10",
    "description": "",
}
RANGE = {**FORWARDED, "external_port_range": "90:99", "internal_port_range": "90:99"}


def shared(target: str, kind: str = "security_group") -> dict[str, Any]:
    return {
        "id": "r",
        "action": "access_as_shared",
        "object_type": kind,
        "object_id": "o",
        "project_id": "p",
        "target_tenant": target,
    }


def target(what: Item) -> dict[str, Any]:
    return KINDS[what.kind].target(what, lambda kind, identifier: f"new-{identifier}")


# --- reading --------------------------------------------------------------------------------------
class Bare(RecordingCloud):
    """A Neutron that has no collections."""

    def pages(self, service: str, path: str, many: str, **query: Any) -> Iterator[dict[str, Any]]:
        raise Missing(f"{path} is not there")


def test_there_are_none_where_the_extension_is_missing() -> None:
    assert list(KINDS["trunk"].read(Bare(), {})) == []
    with pytest.raises(Missing):
        list(KINDS["port"].read(Bare(), {}))


@pytest.mark.parametrize("kind", ["network", "qos_policy", "address_scope", "subnetpool"])
def test_sharing_with_all_follows_from_an_attribute(kind: str) -> None:
    assert KINDS["rbac_policy"].item(shared("*", kind)) is None


def test_a_share_with_all_that_no_attribute_makes_is_carried() -> None:
    found = KINDS["rbac_policy"].item(shared("*"))
    assert found
    cloud = RecordingCloud().on("POST", "network", "/rbac-policies", {"rbac_policy": {"id": "n"}})
    assert KINDS["rbac_policy"].create(cloud, target(found), found) == "n"
    (body,) = cloud.sent("POST", "/rbac-policies")
    assert (body["rbac_policy"]["object_id"], body["rbac_policy"]["target_tenant"]) == ("new-o", "*")


def test_shares_of_other_things_are_not_ours_to_look_at() -> None:
    assert KINDS["rbac_policy"].item(shared("q", "bgpvpn")) is None


@pytest.mark.parametrize(
    ("owner", "carried"), [("", False), ("compute:nova", False), ("trunk:subport", False), ("vip:1", True)]
)
def test_who_holds_a_port_is_carried_when_no_service_wrote_it(owner: str, carried: bool) -> None:
    body = {
        **{"id": "x", "device_owner": owner, "device_id": "d", "fixed_ips": [], "security_groups": []},
        **{"network_id": "n", "project_id": "p", "binding:profile": {"trusted": "true", "pci_slot": "1"}},
    }
    found = KINDS["port"].item(body)
    assert found
    assert ("device_owner" in found.fields, "device_id" in found.fields) == (carried, carried)
    assert found.observed["asked_for"] == {"trusted": "true"}


@pytest.mark.parametrize(("said", "carried"), [(True, True), (False, True), (None, False)])
def test_whether_a_port_tells_its_uplinks_state_is_carried_where_it_is_said(said: Any, carried: bool) -> None:
    found = port("x", "lan", "p", propagate_uplink_status=said)
    fields = KINDS["port"].normalise(dict(found.fields))
    assert ("propagate_uplink_status" in fields) is carried


def test_a_load_balancers_port_is_left_out() -> None:
    assert KINDS["port"].skip_reason(port("x", "lan", "p", observed={"device_owner": "Octavia"}))


# --- making ---------------------------------------------------------------------------------------
def test_quality_rules_are_made_equal_as_a_whole() -> None:
    rules = [{"id": "1", "type": "dscp_marking", "dscp_mark": 10, "qos_policy_id": "q"}]
    wanted = [
        {"type": "bandwidth_limit", "max_kbps": 9, "max_burst_kbps": 0, "direction": "egress", "id": "2"}
    ]
    fields = {"name": "gold", "project_id": "p", "rules": wanted, "tags": ["t"]}
    policy = item("qos_policy", "q", "gold", "p", fields)
    cloud = RecordingCloud().on("GET", "network", "/qos/policies/new", {"policy": {"rules": rules}})
    KINDS["qos_policy"].finish(cloud, "new", target(policy), policy)
    assert cloud.did("DELETE") == [("DELETE", "/qos/policies/new/dscp_marking_rules/1")]
    assert cloud.sent("POST", "/qos/policies/new/bandwidth_limit_rules") == [
        {"bandwidth_limit_rule": {"max_kbps": 9, "max_burst_kbps": 0, "direction": "egress"}}
    ]
    assert cloud.sent("PUT", "/policies/new/tags") == [{"tags": ["t"]}]


def test_a_default_quality_that_came_by_itself_is_taken_away() -> None:
    lan = network("lan", "p", qos_policy_id=None)
    cloud = RecordingCloud().on("GET", "network", "/networks/new", {"network": {"qos_policy_id": "gold"}})
    KINDS["network"].finish(cloud, "new", target(lan), lan)
    assert cloud.sent("PUT", "/networks/new") == [{"network": {"qos_policy_id": None}}]


def test_forwardings_are_made_equal_and_written_as_every_release_reads_them() -> None:
    kind, path = KINDS["floating_ip"], "/floatingips/new/port_forwardings"
    address = changed(
        floating_ip("f", "192.0.2.7", "public", "p"),
        **kind.normalise({"port_forwardings": [FORWARDED, RANGE], "port_id": None}),
    )
    wanted = target(address)
    old = {**FORWARDED, "id": "old", "external_port": 1, "internal_port_id": "new-port"}
    same = {**RANGE, "id": "same", "internal_port_id": "new-port"}
    cloud = RecordingCloud().on("GET", "network", path, {"port_forwardings": [old, same]})
    kind.activate(cloud, "new", wanted)
    assert cloud.did("DELETE") == [("DELETE", f"{path}/old")]
    (one,) = cloud.sent("POST", path)
    assert (one["port_forwarding"]["external_port"], one["port_forwarding"]["internal_port"]) == (80, 8080)


def forwarding(*listings: list[dict[str, Any]]) -> tuple[RecordingCloud, dict[str, Any]]:
    """A Neutron that refuses a forwarding; what it lists one time after the other."""
    address = changed(
        floating_ip("f", "192.0.2.7", "public", "p"),
        **KINDS["floating_ip"].normalise({"port_forwardings": [FORWARDED]}),
    )
    path = "/floatingips/new/port_forwardings"
    cloud = RecordingCloud().on("POST", "network", path, CloudError("collides", status=400))
    return cloud.on("GET", "network", path, *({"port_forwardings": each} for each in listings)), target(
        address
    )


def test_a_forwarding_that_another_cutover_makes_at_the_same_moment_is_there() -> None:
    there = {**FORWARDED, "id": "1", "internal_port_id": "new-port"}
    cloud, wanted = forwarding([], [there])
    KINDS["floating_ip"].activate(cloud, "new", wanted)
    cloud, wanted = forwarding([], [])
    with pytest.raises(CloudError):
        KINDS["floating_ip"].activate(cloud, "new", wanted)


def test_a_floating_ip_goes_after_its_forwardings() -> None:
    path = "/floatingips/new/port_forwardings"
    cloud = RecordingCloud().on("GET", "network", path, {"port_forwardings": [{**FORWARDED, "id": "1"}]})
    KINDS["floating_ip"].delete(cloud, "new")
    assert cloud.did("DELETE") == [("DELETE", f"{path}/1"), ("DELETE", "/floatingips/new")]


def test_subports_come_and_go_by_calls_of_their_own() -> None:
    one, two = ({"port_id": n, "segmentation_type": "vlan", "segmentation_id": 1} for n in ("a", "b"))
    fields = {"name": "t", "port_id": "p", "sub_ports": [one], "tags": []}
    trunk = item("trunk", "t", "t", "p", fields)
    cloud = RecordingCloud()
    KINDS["trunk"].update(cloud, "new", dict(trunk.fields), {"sub_ports": [two]}, trunk)
    assert cloud.did("PUT") == [("PUT", "/trunks/new/remove_subports"), ("PUT", "/trunks/new/add_subports")]


def test_addresses_of_a_group_come_and_go_by_calls_of_their_own() -> None:
    group = item("address_group", "g", "g", "p", {"name": "new", "addresses": ["192.0.2.1/32"]})
    cloud = RecordingCloud()
    have = {"addresses": ["192.0.2.2/32"], "name": "old"}
    KINDS["address_group"].update(cloud, "new", dict(group.fields), have, group)
    assert cloud.sent("PUT", "/address-groups/new/remove_addresses") == [{"addresses": ["192.0.2.2/32"]}]
    assert cloud.sent("PUT", "/address-groups/new") == [{"address_group": {"name": "new"}}]


# --- what the destination understands -------------------------------------------------------------
def as_understood(what: Item, facts: NetworkFacts, **policy: Any) -> Item:
    return next(iter(understood(Inventory("source", [what]), facts, Policy(**policy))))


def test_what_is_unknown_and_says_nothing_is_dropped_in_silence() -> None:
    found = as_understood(network("lan", "p", qos_policy_id=None, mtu=None), NetworkFacts())
    assert "qos_policy_id" not in found.fields
    assert found.observed["left_out"].keys() == {"port_security_enabled"}


def test_a_field_within_a_field_is_left_out() -> None:
    gateway = {"network_id": "n", "external_fixed_ips": [], "qos_policy_id": "q", "enable_snat": True}
    found = as_understood(router("r", "p", gateway), NetworkFacts(frozenset({"ext-gw-mode"})))
    assert found.fields["external_gateway_info"].keys() == {"network_id", "external_fixed_ips", "enable_snat"}
    assert found.observed["left_out"].keys() == {"external_gateway_info.qos_policy_id"}


@pytest.mark.parametrize(("mode", "kept"), [("destination", False), ("source", True)])
def test_the_mode_of_a_router_is_decided_by_policy(mode: str, kept: bool) -> None:
    what = router("r", "p", distributed=True, ha=True)
    found = as_understood(what, NetworkFacts(frozenset({"dvr", "l3-ha"})), router_mode=mode)
    assert ("distributed" in found.fields, "ha" in found.fields) == (kept, kept)


def test_zones_are_mapped_and_those_that_are_not_there_left_out() -> None:
    facts = NetworkFacts(
        frozenset({"router_availability_zone"}), frozenset({("router", "new"), ("network", "b")})
    )
    what = router("r", "p", availability_zone_hints=["a", "b"])
    found = as_understood(what, facts, network_availability_zones={"a": "new"})
    assert found.fields["availability_zone_hints"] == ["a"]
    assert "no availability zone b" in found.observed["left_out"]["availability_zone_hints"]


def test_a_share_comes_when_its_project_was_migrated_before() -> None:
    from worlds import acme, new_cloud, project, replaced, row, there

    other = project("other")
    fields = {"action": "a", "object_type": "network", "project_id": "acme", "network_id": "lan"}
    rbac = item("rbac_policy", "r", "r", "acme", {**fields, "target_project_id": "other"}, object_id="lan")
    source = replaced(acme(), other, rbac)
    assert step("rbac_policy:r", world(source)).action is Action.SKIP
    destination = replaced(new_cloud(), there(other))
    rows = [row("project:other", "done", "new-other")]
    assert step("rbac_policy:r", world(source, destination, *rows)).action is Action.CREATE


def test_a_floating_ip_comes_after_the_subnets_of_its_network() -> None:
    assert "subnet:public-subnet" in step("floating_ip:float", world()).after
