"""Small fakes of the ports: a cloud that records what it is asked, a clock that does not wait."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from pumphouse.errors import CloudError, Interrupted, Missing, Refused
from pumphouse.ledger.sql import SqlLedger
from pumphouse.ledger.tables import metadata
from pumphouse.probes import Answer

T = TypeVar("T")
Call = tuple[str, str, str, Any]  # method, service, path, body or query


class RecordingCloud:
    """Answers from a table ``(method, service, path) → answer``; everything asked is in ``calls``.

    An answer that is an exception is raised; one that is a function gets the body or query; of a list one
    after the other is given, the last for ever. GET of an unknown path is Missing; all else answers None.
    """

    def __init__(self, role: str = "destination", **answers: Any) -> None:
        self.role = role
        self.calls: list[Call] = []
        self.answers: dict[tuple[str, str, str], Any] = {}
        self.microversions = {"compute": "2.96", "block-storage": "3.70"}
        self.user_id = answers.get("user_id", "admin-user")
        self.project_id = answers.get("project_id", "admin-project")
        self._lock = threading.RLock()

    def on(self, method: str, service: str, path: str, *answers: Any) -> "RecordingCloud":
        self.answers[method, service, path] = list(answers)
        return self

    def _ask(self, method: str, service: str, path: str, body: Any) -> Any:
        with self._lock:
            self.calls.append((method, service, path, body))
            answers = self.answers.get((method, service, path))
            if answers is None:
                if method == "GET":
                    raise Missing(f"{path} is not there", status=404)
                return None
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def get(self, service: str, path: str, **query: Any) -> Any:
        return self._ask("GET", service, path, query)

    def find(self, service: str, path: str, **query: Any) -> Any:
        try:
            return self.get(service, path, **query)
        except Missing:
            return None

    def pages(self, service: str, path: str, many: str, **query: Any) -> Iterator[dict[str, Any]]:
        yield from (self.find(service, path, **query) or {}).get(many, ())

    def post(self, service: str, path: str, body: Any = None) -> Any:
        return self._ask("POST", service, path, body)

    def put(self, service: str, path: str, body: Any = None) -> Any:
        return self._ask("PUT", service, path, body)

    def patch(self, service: str, path: str, body: Any, content_type: str = "application/json") -> Any:
        return self._ask("PATCH", service, path, body)

    def delete(self, service: str, path: str) -> bool:
        try:
            self._ask("DELETE", service, path, None)
        except Missing:
            return False
        return True

    def microversion(self, service: str) -> str | None:
        return self.microversions.get(service)

    def supports(self, service: str, microversion: str) -> bool:
        def number(text: str) -> tuple[int, ...]:
            return tuple(int(part) for part in text.split("."))

        return number(self.microversions[service]) >= number(microversion)

    def as_project(self, project_id: str, user_id: str | None = None, password: str | None = None) -> Any:
        self.calls.append(("AS", "identity", project_id, user_id))
        return self

    def did(self, *methods: str) -> list[tuple[str, str]]:
        """Method and path of the calls with these methods, in order."""
        return [(method, path) for method, _, path, _ in self.calls if method in methods]

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies sent."""
        return [body for m, _, p, body in self.calls if (m, p) == (method, path)]


class FakeClock:
    """Time passes only by sleeping."""

    def __init__(self, now: float = 1000.0) -> None:
        self.time = now
        self.slept: list[float] = []
        self.stopped = False
        self._local = threading.local()

    def now(self) -> float:
        return self.time

    def check(self) -> None:
        if self.stopped and not getattr(self._local, "shielded", False):
            raise Interrupted("stopped")

    def sleep(self, seconds: float) -> None:
        self.check()
        self.slept.append(seconds)
        self.time += seconds

    def shielded(self, work: Callable[[], T]) -> T:
        self._local.shielded = True
        try:
            return work()
        finally:
            self._local.shielded = False

    def wait(self, what: str, timeout: float, poll: Callable[[], T | None]) -> T:
        end = self.time + timeout
        while (answer := poll()) is None:
            if self.time > end:
                raise CloudError(f"waited {timeout:g} s for {what}")
            self.sleep(max(1.0, timeout / 10))
        return answer


class FreeLocks:
    """Locks of the only run there is; ``taken`` are held by another."""

    def __init__(self, *taken: str) -> None:
        self.taken = frozenset(taken)
        self.names: list[str] = []

    @contextmanager
    def running(self, doing: str) -> Iterator[None]:
        yield

    def take(self, names: Mapping[str, str]) -> None:
        for name in names:
            if name in self.taken:
                raise Refused(f"{names[name]} is being worked on")
        self.names += names

    def wait(self, name: str, told: Callable[[str], None]) -> None:
        self.names.append(name)

    @contextmanager
    def holding(self, name: str, told: Callable[[str], None]) -> Iterator[None]:
        self.names.append(name)
        yield

    def attempt(self, name: str) -> bool:
        return name not in self.taken

    def use(self, name: str) -> None:
        self.names.append(name)

    def used(self, name: str) -> bool:
        return name in self.taken


class NoProbes:
    """Answers as it was told to, by the kind of question; everything is good else."""

    def __init__(self, **bad: str) -> None:
        self.bad = bad
        self.asked: list[tuple[Any, ...]] = []

    def _answer(self, kind: str, *asked: Any) -> Answer:
        self.asked.append((kind, *asked))
        return Answer(kind not in self.bad, self.bad.get(kind, "fine"), "what it printed")

    def ping(self, address: str, timeout: float) -> Answer:
        return self._answer("ping", address)

    def tcp(self, address: str, port: int, timeout: float) -> Answer:
        return self._answer("tcp", address, port)

    def http(self, url: str, timeout: float) -> Answer:
        return self._answer("http", url)

    def command(self, words: tuple[str, ...], timeout: float, facts: Mapping[str, str]) -> Answer:
        return self._answer(words[0], words, dict(facts))


class Events:
    """A Publish that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, type: str, key: str = "", **data: Any) -> None:
        self.told.append((type, key, data))

    def of(self, type_: str) -> list[tuple[str, dict[str, Any]]]:
        return [(key, data) for kind, key, data in self.told if kind == type_]

    def types(self, key: str) -> list[str]:
        return [kind for kind, k, _ in self.told if k == key]


def memory_ledger() -> SqlLedger:
    """The real ledger on a database in memory, which all threads share."""
    options = {"poolclass": sa.pool.StaticPool, "connect_args": {"check_same_thread": False}}
    engine = sa.create_engine("sqlite://", **options)
    metadata.create_all(engine)
    return SqlLedger(engine, FakeClock())
