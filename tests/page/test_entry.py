"""Who gets in, and what other sites can do: nothing."""

from dataclasses import replace

import pytest
from clouds_of_tiles import Estate
from fake_service import DEMO, NETWORK, PLAN
from fastapi.testclient import TestClient
from serving import TOKEN

from pumphouse.api.access import ATTEMPTS
from pumphouse.api.app import create_app
from pumphouse.config import Config
from pumphouse.model import Action, Caller, Ended, JobState, Role
from pumphouse.page.application import add_page
from pumphouse.page.entry import _inside
from pumphouse.page.sessions import COOKIE
from pumphouse.service.upgrading import HostPlan
from pumphouse.tasks.hosts.work import Stage
from pumphouse.wiring import open_desk

CALLERS = {TOKEN: Caller("token", Role.APPROVER)} | {r.value: Caller(f"{r}@x", r) for r in Role}
HTML = {"Accept": "text/html"}
PAGES = (
    "/",
    "/picture",
    "/choose",
    "/plan?what=all",
    "/migrations",
    "/hosts",
    "/rules",
    "/settings",
    "/audit",
    "/clouds/source/servers/s1",
)


@pytest.fixture
def desk(tmp_path):
    config = Config(source={"cloud": "a"}, destination={"cloud": "b"}, ledger=str(tmp_path / "l"))
    with open_desk(config) as desk:
        yield desk


@pytest.fixture
def estate():
    return Estate()


@pytest.fixture
def app(estate, desk):
    app = create_app(estate.opened, desk, CALLERS.get)
    add_page(app, lambda: False)
    return app


@pytest.fixture
def client(app):
    return TestClient(app, base_url="http://page.example", headers=HTML, follow_redirects=False)


def log_in(client, token=TOKEN):
    assert client.get("/login", params={"token": token}).status_code == 303
    return client


def csrf(client):
    text = client.get("/choose").text
    return text.partition('name="csrf" value="')[2].partition('"')[0]


def jobs(desk):
    return [job.command for job in desk.jobs.all()]


@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_nothing_is_told(client, estate, path):
    answer = client.get(path)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login")
    assert client.get(path, headers={"Accept": "application/json"}).status_code == 401
    assert estate.calls == [] and estate.looks == 0


def test_the_printed_link_logs_in_and_vanishes_from_the_address(client):
    answer = client.get("/login", params={"token": TOKEN, "next": "/migrations"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/migrations")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and TOKEN not in cookie
    assert client.get("/migrations").status_code == 200


def test_over_tls_the_cookie_is_secure(app):
    for address, headers in (
        ("https://page.example", HTML),
        ("http://page.example", HTML | {"Origin": "https://page.example"}),
    ):
        client = TestClient(app, base_url=address, headers=headers, follow_redirects=False)
        answer = client.post("/login", data={"token": TOKEN, "next": "/"})
        assert "Secure" in answer.headers["set-cookie"]
    assert (
        "max-age"
        in TestClient(app, base_url="https://page.example").get("/login").headers["strict-transport-security"]
    )


def test_a_wrong_token_does_not_log_in_and_is_not_tried_for_ever(client):
    answers = [client.post("/login", data={"token": f"guess {n}", "next": "/"}) for n in range(ATTEMPTS + 1)]
    assert [answer.status_code for answer in answers] == [401] * ATTEMPTS + [429]
    assert "wrong" in answers[0].text and COOKIE not in client.cookies


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"]
)
def test_a_login_leads_nowhere_else(client, address):
    assert client.get("/login", params={"token": TOKEN, "next": address}).headers["location"] == "/"
    assert _inside("/plan?what=all") == "/plan?what=all"


def test_logging_out_ends_the_session(client):
    log_in(client)
    kept = client.cookies[COOKIE]
    assert client.post("/logout", data={"csrf": csrf(client)}).status_code == 303
    client.cookies.set(COOKIE, kept)
    assert client.get("/migrations").status_code == 303


FORGED = [
    ({}, {}),
    ({"csrf": "guessed"}, {}),
    (None, {"Origin": "http://evil.example"}),
    (None, {"Sec-Fetch-Site": "cross-site"}),
    (None, {"Sec-Fetch-Site": "same-site"}),
]


@pytest.mark.parametrize("fields, headers", FORGED)
def test_other_sites_change_nothing(client, desk, fields, headers):
    log_in(client)
    form = {"csrf": csrf(client)} if fields is None else fields
    wish = {"what": "project", "name": "demo", "etag": "x"}
    for path in ("/migrate", "/migrations/m1/commit", "/migrations/m1/rollback", "/migrations/m1/verify"):
        answer = client.post(path, data={**wish, **form}, headers=headers)
        assert answer.status_code == 403, path
    # the session counts for the API as well, and so does what keeps others out
    body = {"selection": {"what": "project", "names": ["demo"]}}
    assert client.post("/v1/migrations", json=body, headers={"If-Match": "*", **headers}).status_code == 403
    assert jobs(desk) == []
    assert [entry.status for entry in desk.trail.entries()] == [403] * 5


def test_a_login_from_another_site_is_refused(client):
    answer = client.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403 and COOKIE not in client.cookies


@pytest.mark.parametrize(
    "role, allowed", [("viewer", []), ("operator", ["migrate"]), ("approver", ["migrate"])]
)
def test_a_role_may_what_it_may(client, desk, role, allowed):
    log_in(client, role)
    page = client.get("/plan?what=project&name=demo").text
    assert ("Approve and migrate" in page) == bool(allowed)
    etag = page.partition('name="etag" value="')[2].partition('">')[0].replace("&#34;", '"')
    form = {"csrf": csrf(client), "what": "project", "name": "demo", "etag": etag}
    answer = client.post("/migrate", data=form)
    assert answer.status_code == (303 if allowed else 403)
    assert jobs(desk) == allowed
    assert desk.trail.entries()[0].who == f"{role}@x"


@pytest.mark.parametrize("action", Action)
def test_a_plan_shows_whatever_it_does(client, estate, action):
    estate.answers["plan"] = replace(PLAN, steps=(replace(NETWORK, action=action),))
    log_in(client)
    answer = client.get("/plan?what=project&name=demo")
    assert answer.status_code == 200 and "private" in answer.text


def test_what_was_not_read_is_not_carried_out(client, desk):
    log_in(client)
    form = {"csrf": csrf(client), "what": "project", "name": "demo", "etag": '"of yesterday"'}
    answer = client.post("/migrate", data=form)
    assert answer.status_code == 412 and "Read it again" in answer.text and jobs(desk) == []


def test_headers_let_nothing_in_from_elsewhere(client):
    log_in(client)
    for path in ("/", "/login", "/assets/page.js", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert (
            "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"


def test_names_from_a_cloud_are_text_and_nothing_else(client, estate):
    estate.servers[0] = type(estate.servers[0])(
        "s0", "<script>alert(1)</script>", "source", '"><b>', "compute-0", "ACTIVE"
    )
    log_in(client)
    for path in ("/picture", "/", "/choose", "/clouds/source/servers/s0", "/clouds/source/hosts/compute-0"):
        text = client.get(path).text
        assert "<script>alert" not in text and '"><b>' not in text, path


@pytest.mark.parametrize(
    "path",
    ["/assets/../application.py", "/assets/%2e%2e/application.py", "/clouds/source/servers/..%2f..%2fetc"],
)
def test_tricks_with_paths_lead_nowhere(client, path):
    log_in(client)
    assert client.get(path).status_code == 404


def test_forms_that_are_too_long_are_refused(client, desk):
    log_in(client)
    answer = client.post("/migrate", content=b"what=" + b"x" * 300_000)
    assert answer.status_code == 413 and jobs(desk) == []


def test_errors_are_pages_for_people_and_documents_for_programs(client):
    log_in(client)
    page = client.get("/migrations/m9")
    assert page.status_code == 404 and "<h1>Not there</h1>" in page.text
    document = client.get("/v1/nothing", headers={"Accept": "application/json"})
    assert document.headers["content-type"] == "application/problem+json" and document.status_code == 404


def test_a_host_is_upgraded_after_a_look_at_its_stages(client, desk, estate):
    stages = (Stage("disable", "no new servers", print), Stage("deploy", "it is installed", print, limit=600))
    estate.answers["host_plan"] = HostPlan("upgrade", "compute-0", stages)
    log_in(client)
    page = client.get("/hosts/compute-0/upgrade").text
    assert page.index("no new servers") < page.index("it is installed") and "10 min" in page
    etag = page.partition('name="etag" value="')[2].partition('">')[0].replace("&#34;", '"')
    estate.answers["host_plan"] = HostPlan("upgrade", "compute-0", stages[:1])
    form = {"csrf": csrf(client), "etag": etag}
    assert client.post("/hosts/compute-0/upgrade", data=form).status_code == 412
    estate.answers["host_plan"] = HostPlan("upgrade", "compute-0", stages)
    assert client.post("/hosts/compute-0/upgrade", data=form).status_code == 303
    assert [str(job) for job in desk.jobs.all()] == ["upgrade upgrade compute-0"]


@pytest.mark.parametrize("path", ["/hosts/compute-0/upgrade", "/migrations/m1/commit"])
def test_what_is_final_needs_an_approver(client, desk, estate, path):
    estate.tell("run.started", command="migrate")
    estate.selection = DEMO
    log_in(client, "operator")
    assert client.post(path, data={"csrf": csrf(client), "etag": "x"}).status_code == 403
    assert client.get("/audit").status_code == 403 and jobs(desk) == []


def test_the_trail_tells_who_asked_for_what(client, desk):
    log_in(client)
    client.post("/migrate", data={"csrf": "guessed", "what": "project", "name": "demo"})
    page = client.get("/audit").text
    assert "POST /migrate" in page and "403" in page and "token" in page


def test_a_paused_job_is_gone_on_with(client, desk, estate):
    job = desk.submit(CALLERS["operator"], "migrate", DEMO, {})
    estate.selection, estate.state = DEMO, "running"
    estate.tell("run.started", command="migrate", selection="project demo", steps=1, bytes=1)
    log_in(client, "operator")
    assert f'formaction="/jobs/{job.id}/pause"' in client.get("/migrations/m1").text
    form = {"csrf": csrf(client)}
    assert client.post(f"/jobs/{job.id}/pause", data=form).status_code == 303
    assert desk.jobs.find(job.id).wish == "pause"
    desk.jobs.stopped(job.id, JobState.PAUSED, Ended())
    assert f'action="/jobs/{job.id}/resume"' in client.get("/migrations/m1").text
    assert client.post(f"/jobs/{job.id}/resume", data=form).status_code == 303
    assert desk.jobs.find(job.id).state == "waiting"
    assert client.post(f"/jobs/{job.id}/explode", data=form).status_code in (404, 422)
