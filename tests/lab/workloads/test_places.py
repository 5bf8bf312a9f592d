"""Where things go: host aggregates that are made, zones of volumes, root disks that become volumes."""

import pytest
import yaml
from tenant import Tenant

REFUSED = 3


@pytest.fixture(scope="module")
def yard(lab):
    """A project with a server and a volume; two aggregates hold its host, one of them is for the project alone."""
    made = Tenant(lab, "yard").furnish(60)
    made.web = made.server(f"{made.name}-web")
    storage, compute = made.tenant.block_storage, made.here.compute
    made.disk = storage.create_volume(name=f"{made.name}-disk", size=1)
    storage.wait_for_status(made.disk, "available", interval=0.5)
    made.host = compute.get_server(made.web.id).compute_host
    (made.target,) = [each.name for each in made.clouds["destination"].compute.hypervisors()]
    made.own = compute.create_aggregate(name=f"{made.name}-own")
    compute.add_host_to_aggregate(made.own, made.host)
    compute.set_aggregate_metadata(made.own, {"filter_tenant_id": made.project.id, "ssd": "true"})
    made.idle = compute.create_aggregate(name=f"{made.name}-idle")
    yield made
    compute.remove_host_from_aggregate(made.own, made.host)
    for aggregate in (made.own, made.idle):
        compute.delete_aggregate(aggregate)


def configured(lab, made, **policy):
    path = lab.home / f"{made.name}.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(lab.config.read_text()), "policy": policy}))
    return ("--config", str(path))


@pytest.fixture(scope="module")
def refused(lab, yard):
    """The plan with a zone of volumes that the destination does not have."""
    return lab.run(
        *("plan", "project", yard.name),
        *configured(lab, yard, volume_availability_zones={"nova": "mars"}, boot_root="volume"),
        check=False,
    )


def test_a_zone_that_is_not_there_refuses(yard, refused):
    assert refused.returncode == REFUSED
    assert f"volume '{yard.name}-disk'" in refused.stdout
    assert "goes to availability zone 'mars', which the block storage of the destination" in refused.stdout
    assert "volume_availability_zones: nova" in " ".join(refused.stdout.split())


def test_root_disks_that_become_volumes_are_counted(yard, refused):
    rows = [line.split() for line in refused.stdout.splitlines() if line.startswith(f"project {yard.name} ")]
    added = {row[2]: (row[3], row[4]) for row in rows}
    assert (added["volumes"], added["gigabytes"]) == (("0", "2"), ("0", "2"))


@pytest.fixture(scope="module")
def config(lab, yard):
    return configured(
        *(lab, yard),
        aggregates="apply",
        hosts={yard.host: yard.target},
        volume_availability_zones={"nova": "nova"},
        boot_root="volume",
    )


@pytest.fixture(scope="module")
def moved(lab, yard, config):
    lab.run("migrate", "project", yard.name, "--yes", *config)
    lab.run("verify", "project", yard.name, "--accept-running", *config)
    yield
    lab.run("rollback", "project", yard.name, "--yes", *config)
    assert aggregates(yard) == {}


def aggregates(yard):
    compute = yard.clouds["destination"].compute
    found = [each for each in compute.aggregates() if each.name.startswith(yard.name)]
    return {each.name.removeprefix(f"{yard.name}-"): (each.metadata, each.hosts) for each in found}


def test_the_aggregate_of_the_server_is_made_with_its_host_and_project(yard, moved):
    project = yard.clouds["destination"].identity.find_project(yard.name)
    assert aggregates(yard) == {"own": ({"filter_tenant_id": project.id, "ssd": "true"}, [yard.target])}


def test_its_metadata_are_brought_up(lab, yard, moved, config):
    yard.here.compute.set_aggregate_metadata(yard.own, {"ssd": None, "nvme": "true"})
    lab.run("migrate", "project", yard.name, "--yes", *config)
    (metadata, hosts) = aggregates(yard)["own"]
    assert (metadata.get("ssd"), metadata["nvme"], hosts) == (None, "true", [yard.target])


def test_the_server_is_on_its_host_and_the_volume_in_its_zone(yard, moved):
    compute = yard.clouds["destination"].compute
    server = yard.there("compute", "servers", f"{yard.name}-web")
    assert compute.get_server(server.id).compute_host == yard.target
    (disk,) = yard.all("block_storage", "volumes", f"{yard.name}-disk")
    assert disk.availability_zone == "nova"
