"""Prepared today, moved over a week: what changes at the source in between is carried over by the same command."""

import pytest
from killing import Point
from tenant import Tenant


@pytest.fixture(scope="module")
def harbour(lab):
    """A project at the source, of which everything is prepared."""
    lab.manifest  # noqa: B018 - brings the external network
    made = Tenant(lab, "harbour").furnish(1)
    network = made.tenant.network
    made.group = network.create_security_group(name=f"{made.name}-gate", description="before")
    for port in (80, 443):
        network.create_security_group_rule(
            security_group_id=made.group.id, direction="ingress", protocol="tcp", **ports(port)
        )
    made.router = network.create_router(name=f"{made.name}-router", description="before")
    network.add_interface_to_router(made.router, subnet_id=made.subnet.id)
    made.second = network.create_subnet(
        network_id=made.network.id, name=f"{made.name}-second", ip_version=4, cidr="10.77.201.0/24"
    )
    public = network.find_network("public", ignore_missing=False)
    made.address = network.create_ip(floating_network_id=public.id, description="before")
    made.side = network.create_network(name=f"{made.name}-side", description="before")
    made.port = network.create_port(
        network_id=made.network.id,
        name=f"{made.name}-spare",
        security_group_ids=[made.group.id],
        extra_dhcp_opts=[option("mtu", "1400")],
    )
    compute = made.here.compute
    made.private = compute.create_flavor(
        name=f"{made.name}-private", ram=64, vcpus=1, disk=1, is_public=False
    )
    compute.flavor_add_tenant_access(made.private, made.project.id)
    compute.create_flavor_extra_specs(made.private, {"hw_rng:allowed": "True", "quota:cpu_shares": "9"})
    made.shared = made.upload(f"{made.name}-shared", visibility="shared", role="before", gone="soon")
    lab.run("migrate", "project", made.name, "--yes", "--prepare-only")
    return made


def option(name, value):
    return {"opt_name": name, "opt_value": value, "ip_version": 4}


def ports(number):
    return {"port_range_min": number, "port_range_max": number, "ethertype": "IPv4"}


def open_ports(cloud, group):
    rules = cloud.network.security_group_rules(security_group_id=group.id, direction="ingress")
    return sorted(rule.port_range_min for rule in rules if rule.port_range_min)


def everything_changes(made):
    """At the source: something of each kind."""
    network, identity, compute = made.tenant.network, made.here.identity, made.here.compute
    network.update_network(made.network, description="after", is_admin_state_up=False)
    network.set_tags(made.network, ["red", "green"])
    network.update_subnet(made.subnet, dns_nameservers=["198.51.100.9"], description="after")
    network.add_interface_to_router(made.router, subnet_id=made.second.id)
    network.remove_interface_from_router(made.router, subnet_id=made.subnet.id)
    route = {"destination": "192.168.9.0/24", "nexthop": "10.77.201.9"}
    network.update_router(made.router, description="after", routes=[route])
    network.update_ip(made.address, description="after")
    network.update_security_group(made.group, description="after")
    gone = next(r for r in network.security_group_rules(security_group_id=made.group.id, port_range_min=443))
    network.delete_security_group_rule(gone)
    network.create_security_group_rule(
        security_group_id=made.group.id, direction="ingress", protocol="tcp", **ports(8080)
    )
    network.update_port(
        made.port,
        description="after",
        allowed_address_pairs=[{"ip_address": "10.77.1.250"}],
        extra_dhcp_opts=[option("mtu", None), option("ntp-server", "10.77.1.3")],
    )
    identity.update_project(made.project, description="after")
    identity.update_user(made.user, description="after", email="keeper@example.org")
    identity.assign_project_role_to_user(made.project, made.user, identity.find_role("reader"))
    made.here.network.update_quota(made.project.id, networks=23)
    made.here.set_compute_quotas(made.project.id, instances=17)
    compute.delete_flavor_extra_specs_property(made.private, "quota:cpu_shares")
    compute.create_flavor_extra_specs(made.private, {"quota:cpu_period": "10000"})
    image = made.tenant.image
    patch = [
        {"op": "replace", "path": "/role", "value": "after"},
        {"op": "remove", "path": "/gone"},
        {"op": "replace", "path": "/min_ram", "value": 32},
    ]
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    image.patch(f"/images/{made.shared.id}", json=patch, headers=headers).raise_for_status()
    other = identity.create_project(name=f"{made.name}-guest", domain_id="default")
    image.add_member(made.shared, member_id=other.id)
    network.create_network(name=f"{made.name}-new")
    network.delete_network(made.side)
    return other


@pytest.fixture(scope="module")
def changed(lab, harbour):
    """It changes at the source, a little of it in the destination, and is prepared again; killed once on the way."""
    there = harbour.clouds["destination"]
    harbour.guest = everything_changes(harbour)
    there.network.update_subnet(
        harbour.there("network", "subnets", f"{harbour.name}-sub"), description="theirs"
    )
    there.network.update_router(
        harbour.there("network", "routers", f"{harbour.name}-router"), name=f"{harbour.name}-theirs"
    )
    plan = lab.run("plan", "project", harbour.name)
    migrate = ("migrate", "project", harbour.name, f"{harbour.name}-guest", "--yes", "--prepare-only")
    assert lab.kill(Point("step.started", "update", 3), *migrate)
    done = lab.run(*migrate, check=False)
    return plan.stdout + plan.stderr, done


def test_the_plan_says_what_is_updated(harbour, changed):
    plan, _ = changed
    for line in (f"~ update {harbour.name}-net", "admin_state_up, description, tags changed at the source"):
        assert line in plan
    assert (
        f"subnet '{harbour.name}-sub'" in plan
        and "description changed at the source and in the destination" in plan
    )
    assert f"network '{harbour.name}-side'" in plan and "was deleted at the source" in plan


def test_networks_are_brought_up(harbour, changed):
    net = harbour.there("network", "networks", f"{harbour.name}-net")
    assert (net.description, net.is_admin_state_up, sorted(net.tags)) == ("after", False, ["green", "red"])
    assert harbour.there("network", "networks", f"{harbour.name}-new")
    port = harbour.there("network", "ports", f"{harbour.name}-spare")
    assert port.description == "after"
    assert [pair["ip_address"] for pair in port.allowed_address_pairs] == ["10.77.1.250"]
    assert [each["opt_name"] for each in port.extra_dhcp_opts] == ["ntp-server"]
    ips = harbour.clouds["destination"].network.ips(floating_ip_address=harbour.address.floating_ip_address)
    assert [each.description for each in ips] == ["after"]


def test_routers_have_the_interfaces_and_routes_of_now(harbour, changed):
    router = harbour.there("network", "routers", f"{harbour.name}-theirs")
    second = harbour.there("network", "subnets", f"{harbour.name}-second")
    inner = harbour.clouds["destination"].network.ports(device_id=router.id)
    assert [ip["subnet_id"] for port in inner for ip in port.fixed_ips] == [second.id]
    assert [route["nexthop"] for route in router.routes] == ["10.77.201.9"]


def test_security_groups_have_the_rules_of_now(harbour, changed):
    group = harbour.there("network", "security_groups", f"{harbour.name}-gate")
    assert group.description == "after"
    assert open_ports(harbour.clouds["destination"], group) == [80, 8080]


def test_identity_is_brought_up(harbour, changed):
    identity = harbour.clouds["destination"].identity
    project = identity.find_project(harbour.name)
    user = identity.find_user(harbour.user.name)
    assert (project.description, user.description, user.email) == ("after", "after", "keeper@example.org")
    roles = identity.role_assignments(user_id=user.id, scope_project_id=project.id)
    names = {identity.get_role(each.role["id"]).name for each in roles}
    assert names == {"member", "reader"}


def test_limits_are_brought_up(harbour, changed):
    there = harbour.clouds["destination"]
    project = there.identity.find_project(harbour.name).id
    assert there.network.get_quota(project).networks == 23
    assert there.get_compute_quotas(project).instances == 17


def test_flavors_and_images_are_brought_up(harbour, changed):
    there = harbour.clouds["destination"]
    flavor = there.compute.find_flavor(f"{harbour.name}-private", get_extra_specs=True)
    assert flavor.extra_specs == {"hw_rng:allowed": "True", "quota:cpu_period": "10000"}
    image = harbour.there("image", "images", f"{harbour.name}-shared")
    assert (image.properties.get("role"), image.properties.get("gone"), image.min_ram) == ("after", None, 32)
    members = [each.member_id for each in there.image.members(image)]
    assert members == [there.identity.find_project(f"{harbour.name}-guest").id]


def test_what_changed_on_both_sides_is_left_and_told(harbour, changed):
    subnet = harbour.there("network", "subnets", f"{harbour.name}-sub")
    assert (subnet.description, subnet.dns_nameservers) == ("theirs", ["198.51.100.9"])


def test_what_changed_in_the_destination_only_stays(harbour, changed):
    router = harbour.there("network", "routers", f"{harbour.name}-theirs")
    assert router.description == "after"


def test_what_is_gone_at_the_source_stays(harbour, changed):
    assert harbour.there("network", "networks", f"{harbour.name}-side")


def test_the_run_is_no_failure(changed):
    _, done = changed
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_left_to_do(lab, harbour, changed):
    again = lab.run("migrate", "project", harbour.name, f"{harbour.name}-guest", "--yes", "--prepare-only")
    assert "nothing to do" in again.stdout + again.stderr


@pytest.fixture(scope="module")
def revoked(lab, harbour, changed):
    """What somebody may do or use is taken back at the source; the run that carries this over is killed once."""
    identity, compute = harbour.here.identity, harbour.here.compute
    reader = identity.find_role("reader")
    identity.unassign_project_role_from_user(harbour.project, harbour.user, reader)
    harbour.tenant.image.remove_member(harbour.guest.id, harbour.shared)
    compute.flavor_remove_tenant_access(harbour.private, harbour.project.id)
    migrate = ("migrate", "project", harbour.name, f"{harbour.name}-guest", "--yes", "--prepare-only")
    plan = lab.run("plan", *migrate[1:4])
    assert lab.kill(Point("step.started", "remove", 2), *migrate)
    lab.run(*migrate)
    assert "nothing to do" in lab.run(*migrate).stderr
    return plan.stdout


def test_grants_that_were_taken_back_are_taken_back_there(harbour, revoked):
    assert revoked.count("taken back at the source since it was carried over") == 3
    there = harbour.clouds["destination"]
    project, user = there.identity.find_project(harbour.name), there.identity.find_user(harbour.user.name)
    roles = there.identity.role_assignments(user_id=user.id, scope_project_id=project.id)
    assert [there.identity.get_role(each.role["id"]).name for each in roles] == ["member"]
    image = harbour.there("image", "images", f"{harbour.name}-shared")
    assert list(there.image.members(image)) == []
    flavor = there.compute.find_flavor(f"{harbour.name}-private")
    assert there.compute.get_flavor_access(flavor) == []


def test_rollback_takes_all_of_it_away(lab, harbour, changed):
    for names in ((harbour.name, f"{harbour.name}-guest"), (harbour.name,)):
        lab.run("rollback", "project", *names, "--yes")
    identity = harbour.clouds["destination"].identity
    assert [each for each in identity.projects() if each.name.startswith(harbour.name)] == []
    assert harbour.there("network", "networks", f"{harbour.name}-side") is None
