"""What was asked for through the API and takes long: each runs in a thread with a service of its own."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from pumphouse.errors import PumphouseError, Refused
from pumphouse.events import Bus
from pumphouse.model import RunResult
from pumphouse.service import Service

OpenService = Callable[[Bus], AbstractContextManager[Service]]
Work = Callable[[Service], RunResult]
KEPT = 1000  # runs remembered; what they did is in the ledger


@dataclass(frozen=True)
class Run:
    """One thing that was asked for.

    :param command: ``migrate``, ``verify``, ``commit`` or ``rollback``.
    :param selection: in words.
    :param migration: id of the migration it worked on, once it has ended.
    :param error: why it failed; empty when it did not.
    :param outcomes: how many resources it worked on. :param failed: how many of them failed or were skipped.
    :param differences: how many fields or disks differ between the clouds and should not.
    """

    id: str
    command: str
    selection: str
    state: Literal["running", "done", "failed"] = "running"
    migration: str = ""
    error: str = ""
    remedy: str = ""
    outcomes: int = 0
    failed: int = 0
    differences: int = 0


class Runs:
    """The runs of this process, the newest last."""

    def __init__(self, open_service: OpenService) -> None:
        self._open = open_service
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._asked: dict[str, str] = {}
        self._cancel: dict[str, Callable[[], None]] = {}
        self._unwanted: set[str] = set()
        self._threads: dict[str, threading.Thread] = {}

    def start(self, command: str, selection: str, work: Work, idempotency_key: str | None = None) -> Run:
        """Begin, or give the run that the same idempotency key began.

        :raises Refused: when the same is running already.
        """
        with self._lock:
            if idempotency_key and (known := self._runs.get(self._asked.get(idempotency_key, ""))):
                return known
            for other in self._runs.values():
                if other.state == "running" and other.selection == selection:
                    raise Refused(f"'{other.command} {selection}' is running", f"See /v1/runs/{other.id}.")
            run = Run(uuid.uuid4().hex, command, selection)
            self._runs[run.id] = run
            self._forget_old()
            if idempotency_key:
                self._asked[idempotency_key] = run.id
            thread = threading.Thread(target=self._carry_out, args=(run, work), name=f"run {run.id}")
            self._threads[run.id] = thread
            thread.start()
        return run

    def all(self) -> tuple[Run, ...]:
        """Every run that is remembered, the newest first."""
        with self._lock:
            return tuple(reversed(self._runs.values()))

    def find(self, identifier: str) -> Run | None:
        """A run, as it stands."""
        with self._lock:
            return self._runs.get(identifier)

    def cancel(self, identifier: str) -> None:
        """Stop a run at its next safe point; the same request goes on later."""
        with self._lock:
            if identifier in self._threads:
                self._unwanted.add(identifier)  # its service may not be open yet
            cancel = self._cancel.get(identifier)
        if cancel:
            cancel()

    def stop(self) -> None:
        """Stop all of them and wait until they have."""
        with self._lock:
            threads = dict(self._threads)
        for identifier in threads:
            self.cancel(identifier)
        for thread in threads.values():
            thread.join()

    def _carry_out(self, run: Run, work: Work) -> None:
        try:
            with self._service(run) as service:
                result = work(service)
            differing = sum(difference.failing for difference in result.differences)
            bad = bool(result.failed) or bool(differing)
            ended = replace(
                run,
                state="failed" if bad else "done",
                migration=result.migration,
                outcomes=len(result.outcomes),
                failed=len(result.failed),
                differences=differing,
            )
        except PumphouseError as error:
            ended = replace(run, state="failed", error=error.message, remedy=error.remedy)
        except Exception as error:  # a bug must not leave a run that runs for ever
            ended = replace(run, state="failed", error=f"this is a bug in pumphouse: {error!r}")
        with self._lock:
            self._runs[run.id] = ended
            self._unwanted.discard(run.id)
            del self._threads[run.id]

    @contextmanager
    def _service(self, run: Run) -> Iterator[Service]:
        with self._open(Bus()) as service:
            with self._lock:
                self._cancel[run.id] = service.cancel
                unwanted = run.id in self._unwanted
            if unwanted:
                service.cancel()
            try:
                yield service
            finally:
                with self._lock:
                    del self._cancel[run.id]

    def _forget_old(self) -> None:
        over = [run.id for run in self._runs.values() if run.state != "running"][
            : max(0, len(self._runs) - KEPT)
        ]
        for identifier in over:
            del self._runs[identifier]
        self._asked = {key: run for key, run in self._asked.items() if run in self._runs}
