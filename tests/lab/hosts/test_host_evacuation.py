"""Hosts of the source are emptied: what Nova is told, and what happens to the servers by the lab's own record.

The tests tell one story of two hosts: what leaves the first goes to the second, and back.
"""

import signal
import subprocess

import pytest
import requests
import yaml
from tenant import Tenant, wait
from test_lab_machines import FIRST, SECOND, Machines

pytestmark = pytest.mark.lab

STOPS = {"stopped", "crashed", "rebooted", "started", "spawned", "deleted"}
SECONDS = "lab:live_migration_seconds"  # how long the guest keeps a live migration from ending
FOREVER = "600"


class Site(Machines):
    """Both hosts, servers made for the tests, and ``pumphouse host`` with settings of a test."""

    def __init__(self, lab):
        super().__init__(lab)
        self.compute = self.source.compute
        self.compute.default_microversion = "2.93"
        self.image = self.source.image.create_image(
            name="evacuation", data=b"GUEST" * 1024, disk_format="raw", container_format="bare", wait=True
        )
        self.flavor = self.compute.find_flavor("lab.tiny").id
        self.made = []

    def boot(self, name, host, **options):
        made = self.compute.create_server(
            name=name, flavor_id=self.flavor, image_id=self.image.id, networks="none",
            availability_zone=f"nova:{host}", **options,
        )  # fmt: skip
        self.made.append(made)
        return made

    def started(self):
        for server in self.made:
            self.becomes(server, "ACTIVE")

    def becomes(self, server, status):
        wait(status, lambda: self.see(server).status == status and not self.see(server).task_state, 60)

    def see(self, server):
        return self.compute.get_server(server.id)

    def where(self):
        return {s.name: (s.status, s.compute_host) for s in map(self.see, self.made)}

    def migrations(self):
        answer = self.compute.get("/os-migrations", microversion="2.93").json()["migrations"]
        return sorted((m["id"], m["status"]) for m in answer)

    def host(self, name):
        return next(s for s in self.compute.services(binary="nova-compute") if s.host == name)

    def command(self, *words, inventory=None, **hosts):
        path = self.lab.home / "evacuation.yaml"
        config = {**yaml.safe_load(self.lab.config.read_text()), "hosts": hosts}
        path.write_text(yaml.safe_dump({**config, **({"inventory": str(inventory)} if inventory else {})}))
        return ("host", *words, "--config", str(path))

    def run(self, *words, **hosts):
        return self.lab.run(*self.command(*words, **hosts), check=False)

    def lose(self, host):
        """Its nova-compute ends as by a crash; the machine keeps its power."""
        address = self.compute.get_endpoint().partition("/v2.1")[0]
        assert requests.get(f"{address}/lab/stop/{host}").text == "stopped\n"

    def clear(self):
        for server in self.made:
            self.compute.delete_server(server, ignore_missing=True)
        for server in self.made:
            wait("the server to go", lambda s=server: not self.compute.find_server(s.id), 60)
        self.made.clear()


@pytest.fixture(scope="module")
def site(machine_lab):
    made = Site(machine_lab)
    yield made
    made.clear()
    made.source.image.delete_image(made.image)
    for host in (FIRST, SECOND):
        made.compute.enable_service(made.host(host))
    made.source.close()


def test_running_servers_go_to_the_other_host_without_a_stop(site):
    running = site.boot("running", FIRST, metadata={SECONDS: "2"})
    paused, off = site.boot("paused", FIRST), site.boot("off", FIRST)
    site.started()
    site.compute.lock_server(running)
    site.compute.pause_server(paused)
    site.compute.stop_server(off)
    site.becomes(paused, "PAUSED")
    site.becomes(off, "SHUTOFF")
    before = {server.name: len(site.life(server)) for server in site.made}
    done = site.run("evacuate", FIRST, "--reason", "new fans", "--yes")
    assert done.returncode == 0
    assert "running" in done.stderr and f"to {SECOND}, live migration" in done.stderr
    expected = {"running": ("ACTIVE", SECOND), "paused": ("PAUSED", SECOND), "off": ("SHUTOFF", SECOND)}
    assert site.where() == expected
    since = {server.name: site.life(server)[before[server.name] :] for server in site.made}
    assert since["running"] == since["paused"] == [("live-migrated", SECOND)]
    assert since["off"] == [("migrated", SECOND)]
    service = site.host(FIRST)
    assert (service.status, service.disabled_reason) == ("disabled", "pumphouse: new fans")


def test_when_one_server_cannot_leave_nothing_is_begun_and_each_reason_is_told(site):
    paused = next(server for server in site.made if server.name == "paused")
    site.compute.unpause_server(paused)
    site.becomes(paused, "ACTIVE")
    site.compute.suspend_server(paused)
    site.becomes(paused, "SUSPENDED")
    before = site.migrations(), site.where()
    done = site.run("evacuate", SECOND, "--yes")
    assert done.returncode == 3
    assert f"server 'running' fits nowhere: {FIRST}: disabled" in done.stderr
    assert "server 'paused' is suspended; Nova moves no suspended server" in done.stderr
    assert site.host(SECOND).status == "enabled" and (site.migrations(), site.where()) == before
    assert site.run("maintenance", "off", FIRST).returncode == 0
    assert site.host(FIRST).status == "enabled"
    site.clear()


def test_a_stuck_live_migration_is_aborted_or_forced(site):
    stuck, free = site.boot("stuck", FIRST, metadata={SECONDS: FOREVER}), site.boot("free", FIRST)
    site.started()
    done = site.run("maintenance", "on", FIRST, "--yes", stuck_after=20)
    assert (
        done.returncode == 4 and "'stuck' stays" in done.stderr and "it was stuck, and aborted" in done.stderr
    )
    assert site.where() == {"stuck": ("ACTIVE", FIRST), "free": ("ACTIVE", SECOND)}
    assert site.life(stuck) == [("spawned", FIRST)]
    assert site.run("maintenance", "on", FIRST, "--yes", stuck_after=3, when_stuck="force").returncode == 0
    assert site.where()["stuck"] == ("ACTIVE", SECOND)
    assert site.life(stuck)[1:] == [("paused", FIRST), ("live-migrated", SECOND)]
    assert not STOPS & {event for event, _ in site.life(free)[1:]}
    assert site.run("maintenance", "off", FIRST).returncode == 0
    site.clear()


def test_after_a_kill_the_same_command_joins_what_is_under_way(site):
    slow, off = site.boot("slow", FIRST, metadata={SECONDS: "8"}), site.boot("off", FIRST)
    site.started()
    site.compute.stop_server(off)
    site.becomes(off, "SHUTOFF")
    words = site.command("evacuate", FIRST, "--yes")
    process = subprocess.Popen(site.lab.command(*words), cwd=site.lab.home, stderr=subprocess.DEVNULL)
    wait("both to be on their way", lambda: (
        site.see(slow).status == "MIGRATING" and site.see(off).status in ("RESIZE", "VERIFY_RESIZE")
    ), 60)  # fmt: skip
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert site.run("evacuate", FIRST, "--yes").returncode == 0
    assert site.where() == {"slow": ("ACTIVE", SECOND), "off": ("SHUTOFF", SECOND)}
    assert site.life(slow)[1:] == [("live-migrated", SECOND)]
    assert site.life(off)[2:] == [("migrated", SECOND)]
    assert site.run("maintenance", "off", FIRST).returncode == 0
    site.clear()


def test_a_dead_host_is_switched_off_before_its_servers_run_elsewhere(site):
    lost, off = site.boot("lost", FIRST), site.boot("off", FIRST)
    site.started()
    site.compute.stop_server(off)
    site.becomes(off, "SHUTOFF")
    site.lose(FIRST)
    wait("Nova to notice", lambda: site.host(FIRST).state == "down", 60)

    done = site.run("evacuate", FIRST, "--yes")
    assert done.returncode == 3 and "Repeat with --rebuild" in done.stderr
    nobody = site.lab.home / "nobody.yaml"
    nobody.write_text("hosts: []\n")
    done = site.run("evacuate", FIRST, "--rebuild", "--yes", inventory=nobody)
    assert done.returncode == 3 and "its machine may still run its servers" in done.stderr
    assert site(FIRST)["power"] == "on" and site.host(FIRST).status == "enabled"

    assert site.run("evacuate", FIRST, "--rebuild", "--yes").returncode == 0
    assert site(FIRST)["power"] == "off"
    assert site.where() == {"lost": ("ACTIVE", SECOND), "off": ("SHUTOFF", SECOND)}
    assert site.life(lost)[1:] == [("crashed", FIRST), ("evacuated", SECOND)]

    uuid = next(s.id for s in site.compute.hypervisors() if s.name == FIRST)
    left = site.source.placement.get(f"/resource_providers/{uuid}/allocations").json()["allocations"]
    assert left == {}

    site(FIRST, power="on")
    wait("the host to come back", lambda: site.host(FIRST).state == "up", 60)
    assert site.run("maintenance", "off", FIRST).returncode == 0
    assert site.where()["lost"] == ("ACTIVE", SECOND)
    site.clear()


def test_chosen_servers_go_to_the_destination_first(site):
    tenant = Tenant(site.lab, "leaving").furnish(44)
    leaver = tenant.server("leaver")
    host = site.see(leaver).compute_host
    other = site.boot("stayer", host)
    site.started()
    done = site.run("evacuate", host, "--move", f"server:{leaver.id}", "--yes")
    assert done.returncode == 0 and "1 originals; they go with 'pumphouse commit'" in done.stderr
    assert tenant.status("leaver", "destination") == "ACTIVE"
    assert (site.see(leaver).status, site.see(leaver).compute_host) == ("SHUTOFF", host)
    assert site.see(other).compute_host != host
    assert site.lab.run("commit", "server", leaver.id, "--yes").returncode == 0
    site.destination.compute.delete_server(tenant.there("compute", "servers", "leaver"))
    assert site.run("maintenance", "off", host).returncode == 0
