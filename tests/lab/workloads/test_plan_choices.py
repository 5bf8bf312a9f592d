"""What an operator decides about a plan: applications, knowingly taken losses, settings per server."""

import json

import pytest
import yaml
from tenant import Tenant

REFUSED = 3
RULE = "server-local-disks"


@pytest.fixture(scope="module")
def shop(lab):
    """web and app share a network, app and db another one, lone has its own; scratch has an ephemeral disk."""
    made = Tenant(lab, "choices").furnish(40)
    network, compute = made.tenant.network, made.tenant.compute
    nets = {name: network.create_network(name=name) for name in ("front", "back", "own")}
    for octet, (name, net) in enumerate(nets.items(), start=41):
        network.create_subnet(network_id=net.id, name=name, ip_version=4, cidr=f"10.77.{octet}.0/24")
    flavor = made.here.compute.create_flavor(
        name=f"{made.name}.scratch", ram=64, vcpus=1, disk=1, ephemeral=1
    )
    wanted = {"web": ["front"], "app": ["front", "back"], "db": ["back"], "lone": ["own"], "scratch": ["own"]}
    for name, wires in wanted.items():
        compute.create_server(
            name=f"{made.name}-{name}",
            flavor_id=flavor.id if name == "scratch" else made.flavor.id,
            image_id=made.image.id,
            networks=[{"uuid": nets[wire].id} for wire in wires],
        )
    made.servers = {
        s.name.rpartition("-")[2]: compute.wait_for_server(s, interval=0.5) for s in compute.servers()
    }
    return made


@pytest.fixture(scope="module")
def config(lab, shop):
    """The lab's configuration, with what differs for one server."""
    settings = yaml.safe_load(lab.config.read_text())
    settings.setdefault("policy", {})["overrides"] = [
        {"project": shop.name, "server": "*-scratch", "lock_source": False, "verify_disks": "checksum"},
        {"project": shop.name, "server": "nobody", "lock_source": False},
    ]
    path = lab.home / "choices.yaml"
    path.write_text(yaml.safe_dump(settings))
    return "--config", str(path)


def because(lab, shop, *words):
    rows = [r for r in lab.listing("plan", *words) if r["Kind"] == "server"]
    return {
        row["Name"].removeprefix(f"{shop.name}-"): row["Because"].replace(f"{shop.name}-", "") for row in rows
    }


def test_an_application_comes_with_all_that_hangs_together(lab, shop):
    web = f"{shop.name}/{shop.name}-web"
    assert because(lab, shop, "server", web) == {"web": ""}
    assert because(lab, shop, "server", web, "--with-connected") == {
        "web": "",
        "app": "shares network front with web",
        "db": "shares network back with app, which shares network front with web",
    }
    without = ("--exclude", f"server:{shop.name}-app")
    assert because(lab, shop, "server", web, "--with-connected", *without) == {"web": ""}


def test_names_may_come_from_a_file_and_say_whose_they_are(lab, shop, tmp_path):
    names = tmp_path / "tonight"
    names.write_text(f"# tonight\n{shop.servers['lone'].id}\n{shop.name}/{shop.name}-db  # last\n")
    assert set(because(lab, shop, "server", f"@{names}")) == {"lone", "db"}
    project = because(lab, shop, "project", f"Default/{shop.name}", "--exclude", "server:*-scratch")
    assert set(project) == {"web", "app", "db", "lone"}


def test_a_loss_refuses_until_somebody_takes_it(lab, shop, config, tmp_path):
    server = ("server", shop.servers["scratch"].id)
    refused = lab.run("plan", *server, *config, check=False)
    assert refused.returncode == REFUSED
    assert f"--accept {RULE}:{shop.servers['scratch'].id}" in refused.stdout
    for wrong, code in ((f"{RULE}:other", REFUSED), ("server-state", 2), ("server-stat", 2)):
        done = lab.run("plan", *server, "--accept", wrong, *config, check=False)
        assert done.returncode == code, wrong
    plan = lab.run("plan", *server, "--accept", f"{RULE}:*-scratch", "-o", str(tmp_path / "p.yaml"), *config)
    assert "accepted by" in plan.stdout
    assert "named by 'project: " in plan.stdout and "server: nobody" in plan.stdout
    (taken,) = yaml.safe_load((tmp_path / "p.yaml").read_text())["accepted"]
    assert (taken["rule"], taken["resource"]) == (RULE, f"server:{server[1]}") and taken["by"]


def test_what_was_accepted_moves_and_the_report_says_by_whom(lab, shop, config):
    server = ("server", shop.servers["scratch"].id)
    assert lab.run("migrate", *server, "--yes", *config, check=False).returncode == REFUSED
    lab.run("migrate", *server, "--yes", "--accept", f"{RULE}:{server[1]}", *config)
    name = f"{shop.name}-scratch"
    assert (shop.status(name, "source"), shop.status(name, "destination")) == ("SHUTOFF", "ACTIVE")
    assert not shop.all("compute", "servers", name, "source")[0].is_locked, "the override says so"
    lab.run("report", *server, "--json", "choices.json", *config)
    (taken,) = json.loads((lab.home / "choices.json").read_text())["accepted"]
    assert taken["rule"] == RULE and taken["by"] and taken["at"] and "ephemeral" in taken["what"]
    lab.run("rollback", *server, "--yes", *config)
    assert (shop.status(name, "source"), shop.status(name, "destination")) == ("ACTIVE", None)


def test_a_network_of_the_destination_takes_the_place_of_another(lab, shop, tmp_path):
    """Its subnet is made in it; rollback takes the subnet away, and leaves what was there."""
    there = shop.clouds["destination"]
    project = there.identity.create_project(name=shop.name, domain_id="default")
    landing = there.network.create_network(name=f"{shop.name}-landing", project_id=project.id)
    front = ("network", f"{shop.name}/front")
    file = tmp_path / "plan.yaml"
    lab.run("plan", *front, "-o", str(file))
    plan = yaml.safe_load(file.read_text())
    (step,) = (s for s in plan["steps"] if s["kind"] == "network")
    step |= {"action": "reuse", "destination_id": landing.name}
    file.write_text(yaml.safe_dump(plan))
    done = lab.run("migrate", "--plan", str(file), "--yes")
    assert "is mapped to" in done.stderr and "differs in name" in done.stderr
    again = {r["Kind"]: r for r in lab.listing("plan", *front)}
    assert again["network"]["Destination ID"] == landing.id, "it is remembered"
    subnets = list(there.network.subnets(network_id=landing.id))
    assert [s.cidr for s in subnets] == ["10.77.41.0/24"]
    assert not list(there.network.networks(name="front", project_id=project.id))
    lab.run("rollback", *front, "--yes")
    assert not list(there.network.subnets(network_id=landing.id))
    there.network.delete_network(landing, ignore_missing=False)
    there.identity.delete_project(project)


def test_an_override_of_the_whole_run_is_refused(lab, shop, tmp_path):
    settings = yaml.safe_load(lab.config.read_text()) | {
        "policy": {"overrides": [{"server": "a", "bandwidth": 3}]}
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    done = lab.run("plan", "server", "a", "--config", str(path), check=False)
    assert done.returncode == 2
    assert "policy.overrides.0: bandwidth holds for the whole run" in done.stderr


def test_rules_are_listed_without_a_configuration(lab):
    rows = {row["Rule"]: row for row in lab.listing("rules")}
    assert rows[RULE]["Acceptable"] and not rows["server-state"]["Acceptable"]
