"""Who may what through the API: refused, noted, nothing changed."""

import pytest
from fake_service import FakeService
from fastapi.testclient import TestClient

from pumphouse.api.access import ATTEMPTS
from pumphouse.api.app import create_app
from pumphouse.api.guarding import BODY
from pumphouse.api.problems import Unanswerable
from pumphouse.config import Config
from pumphouse.model import Caller, Role
from pumphouse.service.conductor import COMMANDS
from pumphouse.wiring import open_desk

SHOP = {"selection": {"what": "project", "names": ["demo"]}}
CALLERS = {role.value: Caller(f"{role}@Default", role) for role in Role}
WRITING = ("migrate", "verify", "commit", "rollback", "host_change", "decommission")
NEEDS = {
    "/v1/migrations": "operator",
    "/v1/migrations/m1/verify": "operator",
    "/v1/migrations/m1/retry": "operator",
    "/v1/migrations/m1/rollback": "operator",
    "/v1/migrations/m1/commit": "approver",
    "/v1/hosts/h1/upgrade": "approver",
    "/v1/hosts/h1/acquire": "approver",
    "/v1/hosts/h1/withdraw": "operator",
    "/v1/hosts/h1/evacuate": "operator",
    "/v1/hosts/h1/maintenance": "operator",
    "/v1/hosts/h1/reopen": "operator",
    "/v1/upgrade": "approver",
    "/v1/decommission": "approver",
    "/v1/jobs/j1/cancel": "operator",
    "/v1/jobs/j1/pause": "operator",
    "/v1/jobs/j1/resume": "operator",
}


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def desk(tmp_path):
    with open_desk(
        Config(source={"cloud": "a"}, destination={"cloud": "b"}, ledger=str(tmp_path / "l"))
    ) as desk:
        yield desk


@pytest.fixture
def app(service, desk):
    return create_app(lambda bus, **policy: service.open(None, bus), desk, CALLERS.get)


@pytest.fixture
def client(app):
    return TestClient(app)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", NEEDS)
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_less_is_refused_and_noted(client, service, desk, path, role):
    body = SHOP if path.endswith("migrations") else {}
    headers = bearer(role) | {"If-Match": "*"}
    answer = client.post(path, json=body, headers=headers)
    allowed = Role(role).covers(Role(NEEDS[path]))
    assert (answer.status_code == 403) is not allowed, answer.text
    (entry,) = desk.trail.entries()
    assert (entry.who, entry.role, entry.what) == (f"{role}@Default", role, f"POST {path}")
    assert (entry.status, entry.origin) == (answer.status_code, "testclient")
    if not allowed:
        assert NEEDS[path] in answer.json()["detail"] and answer.json()["remedy"]
        assert service.calls == [] and desk.jobs.all() == ()


def test_every_command_can_be_handed_in_by_an_approver(client, service, desk):
    service.answers["host_plan"] = Unanswerable  # not asked: the ETag is any
    headers = bearer("approver") | {"If-Match": "*"}
    for path in ("/v1/migrations/m1/commit", "/v1/decommission"):
        assert client.post(path, headers=headers).status_code in (202, 409), path
    assert {job.command for job in desk.jobs.all()} <= set(COMMANDS)
    assert desk.jobs.all()[0].caller == "approver@Default"


def test_the_audit_trail_tells_what_it_was_about(client, desk):
    client.post("/v1/migrations", json=SHOP, headers=bearer("operator") | {"If-Match": "*"})
    client.get("/v1/migrations", headers=bearer("viewer"))
    assert client.get("/v1/audit", headers=bearer("operator")).status_code == 403
    refused, asked = client.get("/v1/audit", headers=bearer("approver")).json()
    assert (asked["about"], asked["status"]) == ("migrate project demo", 202)
    assert (refused["what"], refused["status"], refused["who"]) == ("GET /v1/audit", 403, "operator@Default")
    assert client.get(f"/v1/audit?before={asked['seq']}", headers=bearer("approver")).json() == []


def test_what_breaks_is_in_the_audit_trail_too(app, service, desk):
    service.answers["plan"] = KeyError("a bug")
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/v1/plans", json=SHOP, headers=bearer("viewer"))
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert [entry.status for entry in desk.trail.entries()] == [500]


def test_wrong_tokens_are_limited_and_noted(client, desk):
    for _ in range(ATTEMPTS):
        assert client.get("/v1/rules", headers=bearer("forged")).status_code == 401
    for token in ("forged", "viewer"):
        answer = client.get("/v1/rules", headers=bearer(token))
        assert answer.status_code == 429 and "Wait" in answer.json()["remedy"]
    assert [entry.status for entry in desk.trail.entries()] == [401] * ATTEMPTS
    assert not any("forged" in repr(entry) for entry in desk.trail.entries())


def test_a_session_is_a_way_to_log_in_and_a_forged_one_is_refused(app, service, desk):
    def session(request):
        if request.cookies.get("session") != "s1":
            return None
        if request.method == "POST" and "X-CSRF-Token" not in request.headers:
            raise Unanswerable(403, "the request comes from another site")
        return CALLERS["operator"]

    app.state.access.sessions.append(session)
    client = TestClient(app, cookies={"session": "s1"})
    assert client.get("/v1/rules").status_code == 200
    headers = {"If-Match": "*", "Origin": "https://evil.example.org"}
    assert client.post("/v1/migrations", json=SHOP, headers=headers).status_code == 403
    assert desk.jobs.all() == () and service.calls == []
    assert (
        client.post("/v1/migrations", json=SHOP, headers=headers | {"X-CSRF-Token": "c"}).status_code == 202
    )
    assert [entry.status for entry in desk.trail.entries()] == [202, 403]


def test_browsers_are_told_to_be_careful(client):
    for path, headers in (("/healthz", {}), ("/v1/rules", bearer("viewer")), ("/v1/rules", {})):
        answer = client.get(path, headers=headers | {"Origin": "https://evil.example.org"})
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "strict-transport-security" not in answer.headers
    over_tls = TestClient(client.app, base_url="https://testserver").get("/healthz")
    assert over_tls.headers["strict-transport-security"]


def test_bodies_have_a_limit(client, service, desk):
    big = b'{"selection": "' + b"x" * BODY + b'"}'

    def chunks():
        for start in range(0, len(big), 1 << 16):
            yield big[start : start + (1 << 16)]

    for content in (big, chunks()):
        headers = bearer("approver") | {"Content-Type": "application/json"}
        answer = client.post("/v1/plans", content=content, headers=headers)
        assert answer.status_code == 413 and answer.json()["detail"]
    assert service.calls == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/migrations",
        "/v1/%2e%2e/v1/migrations",
        "//v1/migrations",
        "/v1/migrations/..%2f..%2fetc%2fpasswd",
        "/v1/hosts/%00",
        "/healthz/../v1/migrations",
        "/V1/migrations",
    ],
)
def test_path_tricks_lead_nowhere(client, service, path):
    assert client.get(path).status_code in (401, 404)
    assert client.post(path, json=SHOP).status_code in (401, 404, 405)
    assert service.calls == []


def test_an_idempotency_key_belongs_to_its_caller_and_its_request(client, desk):
    key = {"Idempotency-Key": "night-1", "If-Match": "*"}
    first = client.post("/v1/migrations", json=SHOP, headers=bearer("operator") | key)
    again = client.post("/v1/migrations", json=SHOP, headers=bearer("operator") | key | {"If-Match": '"old"'})
    assert again.status_code == 202 and again.json()["id"] == first.json()["id"]
    other = client.post(
        "/v1/migrations", json=SHOP | {"prepare_only": True}, headers=bearer("operator") | key
    )
    assert other.status_code == 409 and "Idempotency-Key" in other.json()["detail"]
    theirs = client.post("/v1/migrations", json=SHOP, headers=bearer("approver") | key)
    assert theirs.status_code == 409 and "waiting" in theirs.json()["detail"]
    assert len(desk.jobs.all()) == 1


def test_numbers_for_prometheus(client):
    client.post("/v1/migrations", json=SHOP, headers=bearer("operator") | {"If-Match": "*"})
    assert client.get("/metrics").status_code == 401
    text = client.get("/metrics", headers=bearer("viewer")).text
    assert 'pumphouse_jobs{command="migrate",state="waiting"} 1.0' in text
    assert 'pumphouse_migrations{state="migrated"} 1.0' in text
    assert 'pumphouse_http_answers_total{method="POST",operation="migrate",status="202"} 1.0' in text
