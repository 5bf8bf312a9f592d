"""The way to a Fuel master: tokens of both Keystones, redirects, answers in odd clothes. A small server says them."""

import json

import pytest
from fuel_lab import serve

from pumphouse.clock import StoppableClock
from pumphouse.config import load
from pumphouse.drivers.provision.fuel import FuelSettings, nailgun
from pumphouse.drivers.provision.fuel.nailgun import Answered, Nailgun
from pumphouse.errors import EngineLoginError, EngineUnreachable, ProvisionError
from pumphouse.wiring import open_provisioner


class Told:
    """A server that answers from a table, and remembers what it was asked."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []
        self.server, self.url = serve(self)

    def __call__(self, environ, start_response):
        name = environ["PATH_INFO"].strip("/").replace("/", "_").replace(".", "_")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], body.decode()))
        answer = self.answers.get(name, (404, "not found"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if name.startswith("api") and "token" in self.answers:
            answer = answer if environ.get("HTTP_X_AUTH_TOKEN") == self.answers["token"] else (401, "")
        status, text, *headers = answer
        start_response(f"{status} -", [("Content-Type", "text/html"), *headers])
        return [(text if isinstance(text, str) else json.dumps(text)).encode()]

    def client(self):
        settings = FuelSettings(url=self.url, environment="new", password="s3cret")
        return Nailgun(settings, StoppableClock())


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(nailgun, "PAUSE", 0.0)


def test_a_master_that_wants_no_login_gets_no_password():
    told = Told(api_version=(200, {"release": "5.0", "auth_required": False}))
    assert told.client().get("/version")["release"] == "5.0"
    assert "s3cret" not in str(told.asked)


def test_where_keystone_has_only_v3_that_is_used():
    token = ("X-Subject-Token", "t3")
    told = Told(token="t3", api_nodes=(200, []), keystone_v3_auth_tokens=(201, {"token": {}}, token))
    assert told.client().get("/nodes") == []
    assert [path for _, path, _ in told.asked] == [
        "/api/nodes", "/keystone/v2.0/tokens", "/keystone/v3/auth/tokens", "/api/nodes",
    ]  # fmt: skip


def test_a_token_that_does_not_help_is_a_refused_login():
    access = {"access": {"token": {"id": "other"}}}
    told = Told(token="t2", api_nodes=(200, []), keystone_v2_0_tokens=(200, access))
    with pytest.raises(EngineLoginError, match="does not accept its own Keystone's token"):
        told.client().get("/nodes")
    assert len(told.asked) == 3  # never again and again


def test_a_redirect_is_not_followed_for_it_would_lose_the_body():
    place = ("Location", "https://10.20.0.2:8443/api/nodes")
    with pytest.raises(ProvisionError, match=r"sends its clients to https://10\.20\.0\.2:8443"):
        Told(api_clusters_1_assignment=(301, "", place)).client().post("/clusters/1/assignment", [])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, {"message": "Node not found", "errors": []}), "400 Node not found"),
        ((400, "Changing cluster on the fly is not allowed"), "400 Changing cluster"),
        ((500, "<html><h1>Internal</h1>\n<p>error</p>"), "500 Internal error"),
        ((500, json.dumps("in quotes")), "500 in quotes"),
    ],
)
def test_errors_are_read_whatever_they_are_wrapped_in(answer, words):
    told = Told(api_clusters_1_changes=answer)
    with pytest.raises(Answered, match=words):
        told.client().put("/clusters/1/changes")
    assert len(told.asked) == 1  # an order is given once


@pytest.mark.parametrize(
    ("text", "value"),
    [("None", None), ("null", None), ("", None), ('"{\\"id\\": 3}"', {"id": 3}), ('{"id": 3}', {"id": 3})],
)
def test_answers_are_read_whatever_the_release_makes_of_them(text, value):
    assert Told(api_nodes_3=(200, text)).client().put("/nodes/3", {}) == value


def test_an_answer_that_is_no_fuel_is_told():
    with pytest.raises(ProvisionError, match="is not JSON: '<html>"):
        Told(api_nodes=(200, "<html>router</html>")).client().get("/nodes")


def test_a_question_is_asked_again_when_the_master_stumbles():
    told = Told(api_nodes=[(500, "'NoneType' object has no attribute 'group_id'"), (200, [])])
    assert told.client().get("/nodes") == []


def test_nobody_there_is_told_after_a_few_tries():
    told = Told()
    told.server.shutdown()
    told.server.server_close()
    with pytest.raises(EngineUnreachable, match="does not answer: Connection refused"):
        told.client().get("/nodes")


def test_the_file_of_the_password_is_beside_the_configuration(tmp_path):
    access = {"access": {"token": {"id": "t2"}}}
    told = Told(token="t2", api_nodes=(200, []), keystone_v2_0_tokens=(200, access), api_clusters=(200, []))
    deployment = f"{{type: fuel, url: '{told.url}', environment: new, password_file: fuel.password}}"
    (tmp_path / "fuel.password").write_text("from file\n")
    file = tmp_path / "config.yaml"
    file.write_text(f"source: {{cloud: a}}\ndestination: {{cloud: b, deployment: {deployment}}}\n")
    fuel = open_provisioner(load(file), "destination", StoppableClock())
    assert fuel.nodes() == ()
    assert '"from file"' in str(told.asked)
