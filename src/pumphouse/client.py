"""The use cases through the HTTP API of a service elsewhere, for ``pumphouse --server URL``."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import requests
from pydantic import TypeAdapter

from pumphouse import errors
from pumphouse.api.bodies import HostPlanBody
from pumphouse.events import Bus
from pumphouse.model import (
    CheckResult,
    Event,
    HostRecord,
    HostStatus,
    Job,
    JobState,
    Migration,
    Plan,
    Row,
    RunResult,
    Selection,
    Step,
)
from pumphouse.service import planfile

TIMEOUT = 600  # seconds for an answer: planning reads both clouds
PAUSE = 0.5  # seconds between two looks at a job
#: Errors by HTTP status; the first that is not below counts.
STATUS: tuple[tuple[int, type[errors.PumphouseError]], ...] = (
    (502, errors.CloudError),
    (500, errors.PumphouseError),
    (422, errors.UsageError),
    (405, errors.Refused),
    (404, errors.UsageError),
    (401, errors.Refused),
    (400, errors.UsageError),
)


class RemoteService:
    """What :class:`pumphouse.service.Service` can do, as far as the API can.

    :param token: see docs/api.md.
    :param bus: where the events of a run are published.
    :param policy: ``concurrency`` and ``bandwidth`` of migrations.
    """

    def __init__(self, url: str, token: str, bus: Bus, **policy: Any) -> None:
        self._at, self._bus = url.rstrip("/"), bus
        self._policy = {name: value for name, value in policy.items() if value is not None}
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._plans: dict[Plan, tuple[str, dict[str, Any]]] = {}
        self._etags: dict[str, str] = {}
        self._job = ""

    def __getattr__(self, name: str) -> Any:
        """A use case that is not here."""

        def refuse(*_: Any, **__: Any) -> NoReturn:
            raise _not_here(name)

        return refuse

    # --- looking --------------------------------------------------------------------------------
    def check(self) -> Iterator[CheckResult]:
        """See the service."""
        yield from self._get("/check", tuple[CheckResult, ...])

    def hosts(self) -> tuple[HostStatus, ...]:
        """See the service."""
        return self._get("/hosts", tuple[HostStatus, ...])  # type: ignore[no-any-return]

    def host(self, name: str) -> HostStatus:
        """See the service."""
        return self._get(f"/hosts/{name}", HostStatus)  # type: ignore[no-any-return]

    def host_records(self) -> tuple[HostRecord, ...]:
        """See the service."""
        return self._get("/operations", tuple[HostRecord, ...])  # type: ignore[no-any-return]

    def migrations(self) -> tuple[Migration, ...]:
        """See the service."""
        return self._get("/migrations", tuple[Migration, ...])  # type: ignore[no-any-return]

    def rows(self, migration_id: str) -> tuple[Row, ...]:
        """See the service; those that were rolled back are among them."""
        return self._get(f"/migrations/{migration_id}/resources", tuple[Row, ...])  # type: ignore[no-any-return]

    def rolled_back(self, migration_id: str) -> tuple[Row, ...]:
        """See the service."""
        return ()

    def events(self, after: int = 0, migration: str | None = None) -> tuple[Event, ...]:
        """See the service."""
        query = {"follow": "false", "after": after} | ({"migration": migration} if migration else {})
        return tuple(_events(self._ask("GET", "/events", params=query).text))

    def plan(self, selection: Selection, accept: Sequence[str] = (), by: str = "") -> Plan:
        """See the service; ``by`` is whoever the token belongs to."""
        return self._plan({"selection": _body(selection), "accept": list(accept)})

    def skip_blocked(self, plan: Plan) -> Plan:
        """See the service."""
        return self._plan(self._plans[plan][1] | {"skip_blocked": True})

    def save_plan(self, plan: Plan, path: Path) -> None:
        """See the service."""
        planfile.save(plan, path)

    def commit_preview(self, selection: Selection) -> tuple[Step, ...]:
        """See the service."""
        return self._preview("commit", selection)

    def rollback_preview(self, selection: Selection) -> tuple[Step, ...]:
        """See the service."""
        return self._preview("rollback", selection)

    def host_plan(self, operation: str, host: str, *, evacuate: bool = False) -> HostPlanBody:
        """See the service."""
        path = _operation(operation, host, evacuate=evacuate)
        answer = self._ask("GET", path)
        self._etags[path] = answer.headers["ETag"]
        plan: HostPlanBody = TypeAdapter(HostPlanBody).validate_python(answer.json())
        return plan

    # --- acting ---------------------------------------------------------------------------------
    def migrate(self, plan: Plan, *, prepare_only: bool = False) -> RunResult:
        """See the service."""
        etag, body = self._plans[plan]
        body = body | self._policy | {"prepare_only": prepare_only}
        return self._carry_out("/migrations", plan.selection, etag, body)

    def verify(self, selection: Selection, *, data: bool = True, accept_running: bool = False) -> RunResult:
        """See the service."""
        body = {"data": data, "accept_running": accept_running}
        return self._carry_out(f"{self._of(selection)}/verify", selection, "*", body)

    def commit(self, selection: Selection) -> RunResult:
        """See the service."""
        return self._end("commit", selection)

    def rollback(self, selection: Selection) -> RunResult:
        """See the service."""
        return self._end("rollback", selection)

    def host_change(self, operation: str, host: str, *, evacuate: bool = False) -> HostRecord:
        """See the service."""
        path = _operation(operation, host, evacuate=evacuate)
        self._carry_out(path, Selection(operation, (host,)), self._etags.get(path, "*"))
        return next(record for record in self.host_records() if record.name == host)

    def cancel(self) -> None:
        """Stop the job that was handed in at its next safe point."""
        if self._job:
            self._ask("POST", f"{self._job}/cancel")

    # --- the API --------------------------------------------------------------------------------
    def _plan(self, body: dict[str, Any]) -> Plan:
        answer = self._ask("POST", "/plans", json=body)
        plan: Plan = TypeAdapter(Plan).validate_python(answer.json())
        self._plans[plan] = answer.headers["ETag"], body
        return plan

    def _of(self, selection: Selection) -> str:
        """Where the migration of a selection is."""
        for migration in self.migrations():
            if migration.selection == selection:
                return f"/migrations/{migration.id}"
        raise errors.Refused(
            f"nothing was migrated with the selection '{selection}'", "See 'pumphouse status'."
        )

    def _preview(self, command: str, selection: Selection) -> tuple[Step, ...]:
        path = f"{self._of(selection)}/{command}"
        answer = self._ask("GET", path)
        self._etags[path] = answer.headers["ETag"]
        steps: tuple[Step, ...] = TypeAdapter(tuple[Step, ...]).validate_python(answer.json())
        return steps

    def _end(self, command: str, selection: Selection) -> RunResult:
        path = f"{self._of(selection)}/{command}"
        return self._carry_out(path, selection, self._etags.get(path, "*"))

    def _carry_out(self, path: str, selection: Selection, etag: str, body: Any = None) -> RunResult:
        """Hand in a job and follow it to its end."""
        migration = selection.fingerprint[:8]
        seen = max((event.seq for event in self.events(0, migration)), default=0)
        answer = self._ask("POST", path, headers={"If-Match": etag}, json=body)
        self._job = answer.headers["Location"].removeprefix("/v1")
        try:
            while True:
                job: Job = self._get(self._job, Job)
                for event in self.events(seen, migration):
                    seen = event.seq
                    self._bus.publish(event)
                if job.state.over:
                    return self._result(job)
                time.sleep(PAUSE)
        finally:
            self._job = ""

    def _result(self, job: Job) -> RunResult:
        if job.state in (JobState.CANCELLED, JobState.PAUSED):
            raise errors.Interrupted(f"'{job}' was {job.state}", "The same command goes on where it was.")
        result: RunResult | None = self._get(f"/jobs/{job.id}/result", RunResult | None)
        if result is None:
            kind = getattr(errors, job.ended.failure or "PumphouseError")
            raise kind(job.ended.error, job.ended.remedy)
        return result

    def _get(self, path: str, kind: Any) -> Any:
        return TypeAdapter(kind).validate_python(self._ask("GET", path).json())

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            answer = self._session.request(method, f"{self._at}/v1{path}", timeout=TIMEOUT, **more)
        except requests.RequestException as error:
            raise errors.Unreachable(
                f"the service at {self._at} does not answer: {type(error).__name__}", "Check --server."
            ) from None
        if answer.status_code >= 400:
            raise _error(answer, self._at)
        return answer


def _not_here(name: str) -> errors.UsageError:
    return errors.UsageError(
        f"'{name.replace('_', ' ')}' is not possible with --server", "Run it where config.yaml is."
    )


def _body(selection: Selection) -> dict[str, Any]:
    names = ("what", "names", "filters", "exclude", "connected")
    return {name: getattr(selection, name) for name in names}


def _error(answer: requests.Response, where: str) -> errors.PumphouseError:
    try:
        problem = answer.json()
        detail, remedy = str(problem["detail"]), str(problem.get("remedy", ""))
    except (ValueError, KeyError, TypeError):
        detail, remedy = f"{where} answered with HTTP {answer.status_code}", "Check --server."
    kind = next(kind for status, kind in STATUS if answer.status_code >= status)
    return kind(detail, remedy)


def _events(text: str) -> Iterator[Event]:
    """Server-sent events, each with an id, a type and one line of data."""
    for block in text.replace("\r\n", "\n").split("\n\n"):
        parts = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in parts and "id" in parts:
            body = json.loads(parts["data"])
            yield Event(
                body["at"], body["migration"], parts["event"], body["key"], body["data"], int(parts["id"])
            )


def _operation(operation: str, host: str, *, evacuate: bool) -> str:
    return f"/hosts/{host}/{operation}" + ("?evacuate=true" if evacuate else "")
