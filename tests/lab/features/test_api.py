"""Through the API alone, as users of the cloud, with conductors on PostgreSQL and Redis: a project is planned, moved
by a conductor that is killed while it copies, verified, rolled back, moved again, committed.
"""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time

import pytest
import requests
import yaml
from board_servers import board
from database_servers import running
from tenant import Tenant, wait

ROLES = {"viewer": "reader", "operator": "member", "approver": "admin"}


@pytest.fixture(scope="module")
def tenant(lab):
    made = Tenant(lab, "api").furnish(60)
    made.web = made.server(f"{made.name}-web", volumes=1)
    return made


@pytest.fixture(scope="module")
def tokens(lab):
    """A token of a user with each role in the administrator's project of the destination; one of another project."""
    cloud = lab.connect("destination")
    identity, users = cloud.identity, []

    def token(role, project):
        name, password = f"api-{role}-{secrets.token_hex(2)}", secrets.token_hex(8)
        user = identity.create_user(name=name, domain_id="default", password=password)
        users.append(user)
        identity.assign_project_role_to_user(project, user, identity.find_role(role, ignore_missing=False))
        own = lab.connect("destination", username=name, password=password, project_name=project.name)
        return own.session.get_token()

    ours = identity.get_project(cloud.current_project_id)
    other = identity.create_project(name=f"api-other-{secrets.token_hex(2)}", domain_id="default")
    made = {ours_role: token(role, ours) for ours_role, role in ROLES.items()}
    made |= {"foreign": token("admin", other), "revoked": token("admin", ours)}
    identity.delete("/auth/tokens", headers={"X-Subject-Token": made["revoked"]}).raise_for_status()
    yield made
    for user in users:
        identity.delete_user(user)
    identity.delete_project(other)


class Api:
    """The served API, and the conductors behind it."""

    def __init__(self, config, port, tokens):
        self.config, self.at, self.tokens = config, f"http://127.0.0.1:{port}", tokens
        self.processes = {}

    def start(self, name, *words):
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "pumphouse.cli.main", *words, "--config", str(self.config)]
        with self.config.with_name(f"{name}.out").open("w") as out:
            self.processes[name] = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        return self.processes[name]

    def ask(self, role, method, path, status=200, headers=None, **more):
        bearer = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        answer = requests.request(
            method, self.at + path, headers=bearer | (headers or {}), timeout=300, **more
        )
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def job(self, role, path, etag="*", **more):
        """A job that was handed in: where it is."""
        answer = self.ask(role, "POST", path, 202, {"If-Match": etag}, **more)
        return answer.headers["Location"]

    def ended(self, where):
        def over():
            job = self.ask("viewer", "GET", where).json()
            return job if job["state"] not in ("waiting", "running") else None

        job = wait(f"{where} to end", over, 240)
        assert job["state"] == "done", job
        return job


@pytest.fixture(scope="module")
def api(lab, tokens):
    with (
        running("postgresql") as server,
        board("redis") as redis,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        settings = yaml.safe_load(lab.config.read_text())
        settings |= {"ledger": server.make("pumphouse", ""), "log_dir": "api-logs"}
        settings["api"] = {"cloud": "destination", "listen": f"127.0.0.1:{port}", "board": redis}
        config = lab.home / "api.yaml"
        config.write_text(yaml.safe_dump(settings))
        made = Api(config, port, tokens)
        made.start("serve", "serve")

        def answers():
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"{made.at}/readyz", timeout=60).status_code == 200

        try:
            wait("the service to answer", answers, 120)
            yield made
        finally:
            for process in made.processes.values():
                process.kill()
                process.wait()
            config.unlink()


def test_who_has_no_right_token_is_refused(api, tokens):
    for role in ("foreign", "revoked", None):
        api.ask(role, "GET", "/v1/migrations", 401)
    forged = requests.get(f"{api.at}/v1/migrations", headers={"Authorization": "Bearer gAAAAAB"}, timeout=60)
    assert forged.status_code == 401
    api.ask("viewer", "POST", "/v1/migrations", 403, json={"selection": {"what": "all"}})
    api.ask("operator", "POST", "/v1/decommission", 403)
    api.ask("operator", "GET", "/v1/audit", 403)
    entries = api.ask("approver", "GET", "/v1/audit").json()
    assert [entry["status"] for entry in entries] == [403, 403, 403, 401, 401, 401, 401]
    assert {entry["who"].split("-")[1] for entry in entries if entry["who"]} == {"reader", "member"}
    assert not any(token in str(entries) for token in tokens.values())


def test_a_project_goes_there_and_back_and_there_for_good(api, tenant):
    what = {"selection": {"what": "project", "names": [tenant.name]}}
    looked = api.ask("viewer", "POST", "/v1/plans", json=what)
    assert {step["action"] for step in looked.json()["steps"] if step["kind"] == "server"} == {"move"}
    first, killed = api.start("first", "conductor"), 0.0
    slow = what | {"bandwidth": 0.1}
    where = api.job("operator", "/v1/migrations", looked.headers["ETag"], json=slow)

    def copying():
        text = api.ask("viewer", "GET", "/v1/events?follow=false&type=step.started").text
        return '"action":"transfer"' in text.replace(" ", "")

    wait("it to copy", copying, 120)
    second = api.start("second", "conductor")
    wait("the second conductor", lambda: "waits" in (api.config.with_name("second.out")).read_text(), 120)
    assert api.ask("viewer", "GET", where).json()["state"] == "running"
    first.kill()
    killed = time.monotonic()
    before = api.ask("viewer", "GET", where).json()["conductor"]
    wait("the second to take over", lambda: api.ask("viewer", "GET", where).json()["conductor"] != before, 40)
    assert time.monotonic() - killed < 30
    migration = api.ended(where)["ended"]["migration"]
    assert second.poll() is None
    moved = tenant.there("compute", "servers", f"{tenant.name}-web")
    assert moved.status == "ACTIVE" and tenant.status(f"{tenant.name}-web", "source") == "SHUTOFF"
    assert tenant.disk(moved, "destination") == tenant.disk(tenant.web, "source")
    assert api.ask("viewer", "GET", f"{where}/result").json()["differences"] == []

    at = f"/v1/migrations/{migration}"
    api.ended(api.job("operator", f"{at}/verify", json={"data": True}))
    preview = api.ask("viewer", "GET", f"{at}/rollback")
    api.ended(api.job("operator", f"{at}/rollback", preview.headers["ETag"]))
    assert tenant.there("compute", "servers", f"{tenant.name}-web") is None
    assert tenant.status(f"{tenant.name}-web", "source") == "ACTIVE"

    api.ended(api.job("operator", "/v1/migrations", json=what))
    preview = api.ask("viewer", "GET", f"{at}/commit")
    api.ask("operator", "POST", f"{at}/commit", 403, {"If-Match": preview.headers["ETag"]})
    api.ask("approver", "POST", f"{at}/commit", 412, {"If-Match": '"old"'})
    api.ended(api.job("approver", f"{at}/commit", preview.headers["ETag"]))
    assert tenant.status(f"{tenant.name}-web", "source") is None
    assert tenant.status(f"{tenant.name}-web", "destination") == "ACTIVE"
    abouts = [entry["about"] for entry in api.ask("approver", "GET", "/v1/audit").json()]
    assert f"commit project {tenant.name}" in abouts and f"migrate project {tenant.name}" in abouts
