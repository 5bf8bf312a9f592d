"""The HTTP side of a Fuel master: Keystone's tokens and Nailgun's interface, as a WSGI application."""

import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from pumphouse.lab.fuel import answers, disks, interfaces, members
from pumphouse.lab.fuel.answers import Failure
from pumphouse.lab.fuel.deployment import Changes
from pumphouse.lab.fuel.hardware import Hardware
from pumphouse.lab.fuel.state import BUSY, Cluster, Node, State, Task

T = TypeVar("T")
TOKEN_SECONDS = 3600.0
OPEN = {("POST", "/nodes"), ("PUT", "/nodes/agent")}
NOT_FOUND = Failure(HTTPStatus.NOT_FOUND, "not found", bare=True)


class Master:
    """One Fuel master with all its environments.

    :param pace: seconds of each step of a deployment.
    """

    def __init__(self, state: State, hardware: Hardware, password: str, pace: float) -> None:
        self.state = state
        self.pace = pace
        self.tokens: dict[str, float] = {}
        self._hardware = hardware
        self._password = password

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """See PEP 3333."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].rstrip("/")
        text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        headers: list[tuple[str, str]] = []
        try:
            if path.startswith("/keystone/"):
                status, said = self._login(path, json.loads(text), headers)
            else:
                status, said = self._nailgun(method, path, environ.get("HTTP_X_AUTH_TOKEN", ""), query, text)
            body, kind = (said if isinstance(said, str) else json.dumps(said)), "application/json"
        except Failure as failure:
            status, body, kind = failure.status, failure.body, "text/html"
        if status != HTTPStatus.UNAUTHORIZED or body:
            headers.append(("Content-Type", kind))
        start_response(f"{int(status)} -", headers)
        return [body.encode()]

    def _login(self, path: str, body: Any, headers: list[tuple[str, str]]) -> tuple[int, Any]:
        if path == "/keystone/v2.0/tokens":
            asked = body["auth"]["passwordCredentials"]
            name, password = asked["username"], asked["password"]
        elif path == "/keystone/v3/auth/tokens" and self.state.release.has_v3:
            asked = body["auth"]["identity"]["password"]["user"]
            name, password = asked["name"], asked["password"]
        else:
            raise NOT_FOUND
        if (name, password) != ("admin", self._password):
            raise Failure(HTTPStatus.UNAUTHORIZED, "")
        token = secrets.token_hex(16)
        self.tokens[token] = time.monotonic() + TOKEN_SECONDS
        if "v3" in path:
            headers.append(("X-Subject-Token", token))
            return HTTPStatus.CREATED, {"token": {"methods": ["password"]}}
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + TOKEN_SECONDS))
        access = {
            "token": {"id": token, "expires": ends, "tenant": {"name": "admin"}},
            "serviceCatalog": [],
            "user": {},
        }
        return HTTPStatus.OK, {"access": access}

    def _nailgun(
        self, method: str, path: str, token: str, query: dict[str, str], text: bytes
    ) -> tuple[int, Any]:
        place = re.sub("^/api(/v1)?", "", path)
        public = (method, place) in OPEN or (place == "/version" and self.state.release.tells_version)
        if not public and self.tokens.get(token, 0) < time.monotonic():
            raise Failure(HTTPStatus.UNAUTHORIZED, "", bare=True)
        try:
            body = json.loads(text) if text else None
        except ValueError:
            raise Failure(HTTPStatus.BAD_REQUEST, "Invalid json received") from None
        for wanted, pattern, answer in self._routes():
            found = re.fullmatch(pattern, place)
            if found and wanted == method:
                with self.state.lock:
                    status, said = answer(*found.groups(), *([query] if wanted == "GET" else [body]))
                    if method != "GET":
                        self.state.save()
                    return status, said
        raise NOT_FOUND

    def _routes(self) -> tuple[tuple[str, str, Callable[..., tuple[int, Any]]], ...]:
        return (
            ("GET", "/version", lambda _: (HTTPStatus.OK, answers.version(self.state))),
            ("GET", "/releases", lambda _: (HTTPStatus.OK, [answers.openstack_release(self.state)])),
            ("GET", "/clusters", lambda _: self._all(self.state.clusters.values(), answers.cluster)),
            ("POST", "/clusters", self._new_cluster),
            ("GET", r"/clusters/(\d+)", lambda id, _: self._one(self._cluster(id), answers.cluster)),
            ("GET", r"/clusters/(\d+)/roles", self._roles),
            ("POST", r"/clusters/(\d+)/assignment", lambda id, body: self._assign(members.assign, id, body)),
            (
                "POST",
                r"/clusters/(\d+)/unassignment",
                lambda id, body: self._assign(members.unassign, id, body),
            ),
            ("PUT", r"/clusters/(\d+)/changes", self._changes),
            ("GET", "/nodes", self._nodes),
            ("PUT", "/nodes", self._update_nodes),
            ("POST", "/nodes", self._register),
            ("PUT", "/nodes/agent", lambda body: (HTTPStatus.OK, members.report(self.state, body))),
            ("GET", r"/nodes/(\d+)", lambda id, _: self._one(self._node(id), answers.node)),
            ("PUT", r"/nodes/(\d+)", self._update_node),
            ("DELETE", r"/nodes/(\d+)", self._delete_node),
            ("GET", r"/nodes/(\d+)/volumes", lambda id, _: (HTTPStatus.OK, disks.volumes(self._node(id)))),
            ("GET", r"/nodes/(\d+)/(disks|interfaces)", self._part),
            ("PUT", r"/nodes/(\d+)/(disks|interfaces)", self._change_part),
            ("GET", "/tasks", self._tasks),
            ("GET", r"/tasks/(\d+)", lambda id, _: self._one(self._task(id), answers.task)),
            ("DELETE", r"/tasks/(\d+)", self._delete_task),
        )

    def _all(self, things: Iterable[Any], show: Callable[..., Any]) -> tuple[int, Any]:
        return HTTPStatus.OK, [show(self.state, thing) for thing in things]

    def _one(self, thing: Any, show: Callable[..., Any]) -> tuple[int, Any]:
        return HTTPStatus.OK, show(self.state, thing)

    def _cluster(self, id: str) -> Cluster:
        return self._there(self.state.clusters, id, "Cluster")

    def _node(self, id: str) -> Node:
        return self._there(self.state.nodes, id, "Node")

    def _task(self, id: str) -> Task:
        return self._there(self.state.tasks, id, "Task")

    @staticmethod
    def _there(things: Mapping[int, T], id: str, what: str) -> T:
        if int(id) not in things:
            raise Failure(HTTPStatus.NOT_FOUND, f"{what} not found")
        return things[int(id)]

    def _new_cluster(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["name"] in [cluster.name for cluster in self.state.clusters.values()]:
            raise Failure(HTTPStatus.CONFLICT, "Environment with this name already exists")
        return HTTPStatus.CREATED, answers.cluster(self.state, self.state.new_cluster(body["name"]))

    def _roles(self, id: str, _: Any) -> tuple[int, Any]:
        self._cluster(id)
        if not self.state.release.has_roles:
            raise NOT_FOUND
        return HTTPStatus.OK, [{"name": name} for name in members.ROLES]

    def _assign(self, how: Callable[..., None], id: str, body: Any) -> tuple[int, Any]:
        how(self.state, self._cluster(id), body)
        return HTTPStatus.OK, None if self.state.release.has_roles else "None"

    def _changes(self, id: str, _: Any) -> tuple[int, Any]:
        task = Changes(self.state, self._hardware, self._cluster(id), self.pace).begin()
        status = HTTPStatus.ACCEPTED if task.status in BUSY else HTTPStatus.OK
        return status, answers.task(self.state, task)

    def _nodes(self, query: dict[str, str]) -> tuple[int, Any]:
        if "cluster_id" not in query:
            return self._all(self.state.nodes.values(), answers.node)
        wanted = query["cluster_id"]
        return self._all(self.state.members(int(wanted) if wanted else None), answers.node)

    def _register(self, body: Any) -> tuple[int, Any]:
        return HTTPStatus.CREATED, answers.node(self.state, members.register(self.state, body))

    def _update_node(self, id: str, body: Any) -> tuple[int, Any]:
        node = self._node(id)
        members.update(self.state, node, body)
        said = answers.node(self.state, node)
        # 9.2 wraps its answer twice
        return HTTPStatus.OK, json.dumps(json.dumps(said)) if self.state.release.runs_all else said

    def _update_nodes(self, body: Any) -> tuple[int, Any]:
        for each in body:
            members.update(self.state, self._node(each["id"]), each)
        return self._all([self._node(each["id"]) for each in body], answers.node)

    def _delete_node(self, id: str, _: Any) -> tuple[int, Any]:
        node = self._node(id)
        if node.cluster is not None:
            raise Failure(HTTPStatus.FORBIDDEN, "Unassign the node first: this Fuel deletes free nodes only")
        del self.state.nodes[node.id]
        return HTTPStatus.OK, {"status": "ready", "name": "node_deletion", "progress": 100}

    def _part(self, id: str, what: str, _: Any) -> tuple[int, Any]:
        show = disks.shown if what == "disks" else interfaces.shown
        return HTTPStatus.OK, show(self.state, self._node(id))

    def _change_part(self, id: str, what: str, body: Any) -> tuple[int, Any]:
        change = disks.change if what == "disks" else interfaces.change
        return HTTPStatus.OK, change(self.state, self._node(id), body)

    def _tasks(self, query: dict[str, str]) -> tuple[int, Any]:
        wanted = query.get("cluster_id")
        tasks = [t for t in self.state.tasks.values() if wanted in (None, str(t.cluster))]
        return self._all(tasks, answers.task)

    def _delete_task(self, id: str, _: Any) -> tuple[int, Any]:
        if self._task(id).status in BUSY:
            raise Failure(HTTPStatus.BAD_REQUEST, "You cannot delete running task manually")
        del self.state.tasks[int(id)]
        return HTTPStatus.OK, {}
