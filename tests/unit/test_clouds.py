"""The Cloud port against a small HTTP server: errors, retries, paging, image data."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from fakes import FakeClock
from keystoneauth1 import exceptions, session, token_endpoint

from pumphouse.clouds.bodies import decoded, may_retry, next_page
from pumphouse.clouds.cloud import OpenStackCloud
from pumphouse.clouds.errors import from_answer, from_exception
from pumphouse.errors import (
    CloudError,
    Conflict,
    Forbidden,
    Missing,
    NotAuthenticated,
    Overlimit,
    Unreachable,
)

DROP = object()  # an answer: close the connection without a word


class Server:
    """Answers every request with the next of its answers; the last one for ever.

    An answer is DROP, ``(status, body)`` or ``(status, body, headers)``, or a function of the handler.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = [(200, {})]
        self.requests: list[tuple[str, str, bytes, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                server.requests.append((self.command, self.path, body, self.headers))
                answers = server.answers
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer is DROP:
                    self.close_connection = True
                elif callable(answer):
                    answer(self)
                else:
                    self.reply(*answer)

            def reply(self, status: int, body: Any = b"", headers: Any = None) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                pass

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=lambda: self.http.serve_forever(0.01), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def open_cloud(url: str, clock: FakeClock) -> OpenStackCloud:
    def open_session(scope: Any) -> session.Session:
        return session.Session(auth=token_endpoint.Token(url, "token"), timeout=5)

    return OpenStackCloud("source", open_session, clock, region=None, interface="public", login="root")


@pytest.fixture
def cloud(server: Server, clock: FakeClock) -> OpenStackCloud:
    return open_cloud(server.url, clock)


# --- answers --------------------------------------------------------------------------------------
HTML = b"<html>\n<head><title>413 Too Large</title></head>\n<body>nginx</body></html>"


def named(error: str, message: str) -> dict[str, Any]:
    return {error: {"code": 400, "type": "X", "message": message, "detail": ""}}


NOT_ALLOWED = "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed."
NO_PROVIDER = {"errors": [{"status": 404, "title": "Not Found", "detail": "no such\nprovider"}]}
ANSWERS: dict[str, tuple[int, Any, type[CloudError], str]] = {
    "nova": (404, named("itemNotFound", "no instance x"), Missing, "no instance x"),
    "nova conflict": (409, named("conflictingRequest", "busy"), Conflict, "busy"),
    "nova quota": (403, named("forbidden", "Quota exceeded for cores"), Overlimit, "exceeded for cores"),
    "neutron": (409, named("NeutronError", "in use"), Conflict, "in use"),
    "neutron quota": (
        409,
        named("NeutronError", "Quota exceeded for resources: ['port']."),
        Overlimit,
        "port",
    ),
    "cinder quota": (413, named("overLimit", "VolumeLimitExceeded: quota"), Overlimit, "VolumeLimitExceeded"),
    "cinder": (400, named("badRequest", "Invalid\n volume:\n in use"), CloudError, "Invalid volume: in use"),
    "keystone": (401, named("error", "log in"), NotAuthenticated, "log in"),
    "keystone forbidden": (403, named("error", "You are not authorized"), Forbidden, "not authorized"),
    "policy about quotas": (403, named("forbidden", NOT_ALLOWED), Forbidden, NOT_ALLOWED),
    "placement": (404, NO_PROVIDER, Missing, "no such provider"),
    "placement without detail": (409, {"errors": [{"title": "Conflict"}]}, Conflict, "Conflict"),
    "glance": (409, b"409 Conflict\n\nImage is in use\n", Conflict, "409 Conflict Image is in use"),
    "glance refuses data": (
        415,
        {"message": "not supported.\n<br /><br />\nImage disk_format qcow2 does not match", "title": "No"},
        CloudError,
        "not supported. Image disk_format qcow2 does not match",
    ),
    "glance page": (404, HTML, Missing, "Not Found"),
    "proxy": (502, HTML, Unreachable, "Bad Gateway"),
    "too large": (413, HTML, Overlimit, "Request Entity Too Large|Content Too Large"),
    "overloaded": (503, b"", Unreachable, "Service Unavailable"),
    "nothing": (500, b"", CloudError, "Internal Server Error"),
    "empty object": (500, {}, CloudError, "Internal Server Error"),
    "a text": (500, "one\ntwo", CloudError, "one two"),
    "a list": (500, ["one"], CloudError, "one"),
    "pecan": (400, {"faultcode": "Client", "faultstring": "bad\nvalue"}, CloudError, "bad value"),
}


def response(status: int, body: Any) -> requests.Response:
    from http import HTTPStatus

    answer = requests.Response()
    answer.status_code, answer.reason = status, HTTPStatus(status).phrase
    answer._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_becomes_an_error_of_one_line(case: str) -> None:
    status, body, kind, words = ANSWERS[case]
    error = from_answer("source compute: GET /servers", response(status, body))
    assert type(error) is kind
    assert error.status == status
    assert error.message.startswith("source compute: GET /servers: ")
    assert error.message.endswith(f" (HTTP {status})")
    assert any(w in error.message for w in words.split("|"))
    assert "\n" not in error.message
    assert "<" not in error.message


def test_a_long_answer_is_cut() -> None:
    for body in (b"x" * 9999, {"error": {"message": "x" * 9999}}):
        assert len(from_answer("here", response(500, body)).message) < 600


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (exceptions.Unauthorized("x"), NotAuthenticated),
        (exceptions.EndpointNotFound("x"), Missing),
        (exceptions.EmptyCatalog("x"), Missing),
        (exceptions.ConnectFailure("x"), Unreachable),
        (exceptions.ConnectTimeout("x"), Unreachable),
        (exceptions.DiscoveryFailure("x"), Unreachable),
        (exceptions.SSLError("x"), Unreachable),
        (requests.exceptions.ChunkedEncodingError("x"), Unreachable),
        (requests.exceptions.ReadTimeout("x"), Unreachable),
        (exceptions.InternalServerError("x"), CloudError),
        (OSError("x"), CloudError),
    ],
)
def test_a_fault_of_the_libraries_becomes_an_error_of_ours(fault: Exception, kind: type[CloudError]) -> None:
    error = from_exception("here", fault)
    assert type(error) is kind
    assert error.message.startswith("here: ")


def test_a_certificate_that_is_not_trusted_says_what_to_set() -> None:
    assert "cacert" in from_exception("here", exceptions.SSLError("x")).remedy


@pytest.mark.parametrize(
    ("method", "fault", "again"),
    [
        ("GET", exceptions.ConnectFailure("x"), True),
        ("DELETE", exceptions.ConnectTimeout("x"), True),
        ("PUT", exceptions.UnknownConnectionError("x", None), True),
        ("POST", exceptions.ConnectFailure("x"), False),
        ("GET", exceptions.SSLError("x"), False),
        ("GET", exceptions.EndpointNotFound("x"), False),
        ("GET", exceptions.Unauthorized("x"), False),
    ],
)
def test_what_may_be_sent_again(method: str, fault: Exception, again: bool) -> None:
    assert may_retry(method, fault) is again


# --- retries --------------------------------------------------------------------------------------
ASK: dict[str, Callable[[OpenStackCloud], Any]] = {
    "GET": lambda c: c.get("network", "/v2.0/networks"),
    "POST": lambda c: c.post("network", "/v2.0/networks", {"network": {}}),
    "PUT": lambda c: c.put("network", "/v2.0/networks/n", {"network": {}}),
    "DELETE": lambda c: c.delete("network", "/v2.0/networks/n"),
}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_broken_connection_is_tried_again(server: Server, cloud: OpenStackCloud, method: str) -> None:
    server.answers = [DROP, DROP, (200, {})]
    ASK[method](cloud)
    assert [m for m, *_ in server.requests] == [method] * 3


def test_a_post_is_never_sent_twice_over_a_broken_connection(server: Server, cloud: OpenStackCloud) -> None:
    server.answers = [DROP, (200, {})]
    with pytest.raises(Unreachable):
        ASK["POST"](cloud)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_post_is_never_sent_twice_when_it_may_have_been_carried_out(
    server: Server, cloud: OpenStackCloud, status: int
) -> None:
    server.answers = [(status, {}), (200, {})]
    with pytest.raises(Unreachable):
        ASK["POST"](cloud)
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ASK)
@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_is_busy_is_asked_again(
    server: Server, cloud: OpenStackCloud, clock: FakeClock, method: str, status: int
) -> None:
    server.answers = [(status, {}), (status, {}), (200, {})]
    ASK[method](cloud)
    assert len(server.requests) == 3
    assert clock.slept == [1.0, 2.0]


def test_retries_are_bounded(server: Server, cloud: OpenStackCloud, clock: FakeClock) -> None:
    server.answers = [(503, HTML)]
    with pytest.raises(Unreachable, match=r"source network: GET /v2\.0/networks: Service Unavailable"):
        ASK["GET"](cloud)
    assert len(server.requests) == 4
    assert sum(clock.slept) == 7


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_a_refusal_is_not_tried_again(server: Server, cloud: OpenStackCloud, status: int) -> None:
    server.answers = [(status, {"error": {"message": "no"}})]
    with pytest.raises(CloudError):
        ASK["GET"](cloud)
    assert len({path for _, path, *_ in server.requests}) == 1
    assert len(server.requests) <= 2  # a 401 makes keystoneauth log in again


def test_nothing_answers(clock: FakeClock) -> None:
    running = Server()
    running.close()
    with pytest.raises(Unreachable, match="nothing answers"):
        ASK["GET"](open_cloud(running.url, clock))


def test_a_stop_ends_the_retries(server: Server, cloud: OpenStackCloud, clock: FakeClock) -> None:
    from pumphouse.errors import Interrupted

    server.answers = [(503, {})]
    clock.stopped = True
    with pytest.raises(Interrupted):
        ASK["GET"](cloud)
    assert len(server.requests) == 1


# --- bodies ---------------------------------------------------------------------------------------
def test_absent_is_none_for_find_and_false_for_delete(server: Server, cloud: OpenStackCloud) -> None:
    server.answers = [(404, {"error": {"message": "no"}})]
    assert cloud.find("network", "/v2.0/networks/n") is None
    assert cloud.delete("network", "/v2.0/networks/n") is False
    with pytest.raises(Missing):
        cloud.get("network", "/v2.0/networks/n")


def test_an_empty_body_is_none() -> None:
    assert decoded(response(202, b"")) is None
    assert decoded(response(200, {"a": 1})) == {"a": 1}


def test_a_page_of_something_else_is_an_error_of_the_cloud(server: Server, cloud: OpenStackCloud) -> None:
    server.answers = [(200, b"<html>Please log in to this network</html>")]
    with pytest.raises(CloudError):
        list(cloud.pages("network", "/v2.0/networks", "networks"))


def test_a_patch_says_what_it_is(server: Server, cloud: OpenStackCloud) -> None:
    kind = "application/openstack-images-v2.1-json-patch"
    cloud.patch("image", "/v2/images/i", [{"op": "replace"}], kind)
    ((method, _, body, headers),) = server.requests
    assert (method, headers["Content-Type"], json.loads(body)) == ("PATCH", kind, [{"op": "replace"}])


def test_calls_are_counted_by_service(server: Server, cloud: OpenStackCloud) -> None:
    ASK["GET"](cloud)
    cloud.as_project("p").get("image", "/v2/images")
    assert cloud.calls == {"network": 1, "image": 1}


# --- paging ---------------------------------------------------------------------------------------
STYLES: dict[str, Callable[[str], dict[str, Any]]] = {
    "nova, neutron, cinder": lambda url: {
        "things_links": [{"rel": "previous", "href": "x"}, {"rel": "next", "href": url}]
    },
    "glance": lambda url: {"next": urlsplit(url).path + "?" + urlsplit(url).query},
    "keystone": lambda url: {"links": {"self": "x", "next": url, "previous": None}},
}


@pytest.mark.parametrize("style", STYLES)
def test_every_page_is_read(server: Server, cloud: OpenStackCloud, style: str) -> None:
    pages = []
    for number in range(3):
        following = f"http://elsewhere/v2.0/things?marker={number}&limit=2&name=a%20b"
        more = STYLES[style](following) if number < 2 else {"links": {"next": None}, "next": None}
        pages.append((200, {"things": [{"id": 2 * number}, {"id": 2 * number + 1}], **more}))
    server.answers = pages
    found = cloud.pages("network", "/v2.0/things", "things", name="a b", limit=2)
    assert [t["id"] for t in found] == list(range(6))
    queries = [parse_qs(urlsplit(path).query) for _, path, *_ in server.requests]
    assert [q.get("marker") for q in queries] == [None, ["0"], ["1"]]
    assert all(q["name"] == ["a b"] for q in queries)
    assert {urlsplit(path).path for _, path, *_ in server.requests} == {"/v2.0/things"}


def test_no_next_page_is_said_in_many_ways() -> None:
    for body in ({}, {"links": {}}, {"next": ""}, {"things_links": []}, {"links": None}):
        assert next_page(body, "things") is None


# --- microversions --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("offered", "used"), [("2.60", "2.60"), ("2.96", "2.96"), ("2.103", "2.100"), ("", None)]
)
def test_the_highest_microversion_both_know_is_used(
    server: Server, cloud: OpenStackCloud, offered: str, used: str | None
) -> None:
    version = {
        "id": "v2.1",
        "status": "CURRENT",
        "version": offered,
        "min_version": "2.1" if offered else "",
        "links": [{"rel": "self", "href": f"{server.url}/v2.1/"}],
    }
    server.answers = [(200, {"version": version}), (200, {"servers": []})]
    assert cloud.microversion("compute") == used
    assert cloud.microversion("network") is None
    assert cloud.supports("compute", "2.9") is bool(used)
    assert not cloud.supports("compute", "2.101")
    server.answers = [(200, {"servers": []})]
    cloud.get("compute", "/servers")
    sent = server.requests[-1][3].get("OpenStack-API-Version")
    assert sent == (f"compute {used}" if used else None)


# --- image data -----------------------------------------------------------------------------------
DATA = bytes(range(256)) * 8192  # 2 MiB


def ranged(handler: Any) -> None:
    start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
    handler.reply(206 if start else 200, DATA[start:])


@pytest.mark.parametrize("start", [0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, len(DATA) - 1])
@pytest.mark.parametrize("answer", [ranged, (200, DATA)], ids=["ranges", "no ranges"])
def test_a_download_begins_where_it_is_told_to(
    server: Server, cloud: OpenStackCloud, start: int, answer: Any
) -> None:
    server.answers = [answer]
    with cloud.download("/v2/images/i/file", start) as chunks:
        assert b"".join(chunks) == DATA[start:]
    headers = server.requests[0][3]
    assert headers.get("Range") == (f"bytes={start}-" if start else None)


def test_a_download_that_breaks_off_is_unreachable(server: Server, cloud: OpenStackCloud) -> None:
    def broken(handler: Any) -> None:
        handler.close_connection = True
        handler.reply(200, DATA[: 1 << 20], {"Content-Length": str(len(DATA))})

    server.answers = [broken]
    got: list[bytes] = []
    with pytest.raises(Unreachable), cloud.download("/v2/images/i/file") as chunks:
        got.extend(chunks)
    assert DATA.startswith(b"".join(got))


def test_a_download_that_is_refused_says_so(server: Server, cloud: OpenStackCloud) -> None:
    server.answers = [(404, HTML)]
    with pytest.raises(Missing), cloud.download("/v2/images/i/file"):
        pass


def test_an_upload_is_sent_with_its_size(server: Server, cloud: OpenStackCloud) -> None:
    server.answers = [(204, b"")]
    cloud.upload("/v2/images/i/file", iter([DATA[:1000], DATA[1000:]]), len(DATA))
    ((method, _, body, headers),) = server.requests
    assert (method, headers["Content-Length"], body) == ("PUT", str(len(DATA)), DATA)
    assert headers["Content-Type"] == "application/octet-stream"
    assert "Transfer-Encoding" not in headers


def test_an_upload_is_never_sent_again_by_itself(server: Server, cloud: OpenStackCloud) -> None:
    server.answers = [(503, {}), (204, b"")]
    with pytest.raises(Unreachable):
        cloud.upload("/v2/images/i/file", iter([b"abc"]), 3)
    assert len(server.requests) == 1


def test_what_breaks_the_source_of_an_upload_comes_through(cloud: OpenStackCloud) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"abc"
        raise Missing("the download broke")

    with pytest.raises(Missing, match="the download broke"):
        cloud.upload("/v2/images/i/file", chunks(), 6)
