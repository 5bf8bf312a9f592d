"""Carries out jobs: claims one, runs the use case, says how it ended. There may be any number of conductors."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pumphouse.errors import BoardError, Interrupted, PumphouseError
from pumphouse.events import Bus
from pumphouse.jobs import Board, JobLedger
from pumphouse.model import Ended, Job, JobState, Outcome, Plan, Result, RunResult, Wishes
from pumphouse.service.rolling import EVERYTHING
from pumphouse.service.service import Service

LOG = logging.getLogger(__name__)
LOOK = 0.5  # seconds between two looks at the board, and at what is wished of a job
BEAT = 4.0  # seconds between two signs of life of a claim
SLOTS = 8  # jobs of one conductor at once
POLICY = ("concurrency", "bandwidth")


class OpenService(Protocol):
    """Opens a service of its own for a job."""

    def __call__(self, bus: Bus, **policy: Any) -> AbstractContextManager[Service]:
        """The service; see :func:`pumphouse.wiring.open_service`."""


def planned(service: Service, job: Job) -> Plan:
    """What a job to migrate would do."""
    plan = service.plan(job.selection, tuple(job.options.get("accept", ())), job.caller)
    return service.skip_blocked(plan) if job.options.get("skip_blocked") else plan


def _migrate(service: Service, job: Job) -> RunResult:
    return service.migrate(planned(service, job), prepare_only=bool(job.options.get("prepare_only")))


def _verify(service: Service, job: Job) -> RunResult:
    options = {name: bool(job.options[name]) for name in ("data", "accept_running") if name in job.options}
    return service.verify(job.selection, **options)


def _host(service: Service, job: Job) -> RunResult:
    if job.selection == EVERYTHING:
        return _upgrade_everything(service)
    (name,) = job.selection.names
    record = service.host_change(job.command, name, evacuate=bool(job.options.get("evacuate")))
    return RunResult("", (Outcome(f"host:{name}", Result.OK, str(record.data.get("host", "")) or None),))


def _upgrade_everything(service: Service) -> RunResult:
    """Wave after wave, each planned anew; at last the source is closed."""
    failed: dict[str, str] = {}
    before, plan = None, service.waves.plan({})
    while plan.waves:
        wave = plan.waves[0]
        if wave == before:
            raise PumphouseError(
                "the last wave changed nothing, though nothing failed in it",
                "See the log, then resume the job.",
            )
        new = service.waves.carry_out(wave)
        failed |= new
        before, plan = (None if new else wave), service.waves.plan(failed)
    left = {each.what: each.why for each in plan.remains}
    if not (failed or left):
        failed = dict(service.waves.finish())
    return RunResult("", tuple(Outcome(k, Result.FAIL, None, why) for k, why in {**left, **failed}.items()))


def _evacuate(service: Service, job: Job) -> RunResult:
    (name,), given = job.selection.names, job.options
    wishes = Wishes(given.get("reason", ""), (), tuple(given.get("keep_off", ())), bool(given.get("rebuild")))
    service.evacuate(name, tuple(given.get("move", ())), wishes, job.command)
    return RunResult("", (Outcome(f"host:{name}", Result.OK),))


def _reopen(service: Service, job: Job) -> RunResult:
    (name,) = job.selection.names
    service.maintenance_off(name)
    return RunResult("", (Outcome(f"host:{name}", Result.OK),))


def _decommission(service: Service, job: Job) -> RunResult:
    service.decommission(job.options.get("controllers", "keep"))
    return RunResult("", ())


COMMANDS: Mapping[str, Callable[[Service, Job], RunResult]] = {
    "migrate": _migrate,
    "verify": _verify,
    "commit": lambda service, job: service.commit(job.selection),
    "rollback": lambda service, job: service.rollback(job.selection),
    "upgrade": _host,
    "acquire": _host,
    "withdraw": _host,
    "evacuate": _evacuate,
    "maintenance": _evacuate,
    "reopen": _reopen,
    "decommission": _decommission,
}
#: Commands that cannot be undone, or take machines away.
FINAL = ("commit", "upgrade", "acquire", "decommission")


@dataclass
class _Work:
    """A job that is under way here.

    :param why: why it is to stop: ``cancel``, ``pause``, ``leave`` (to another conductor) or ``lost``.
    """

    job: Job
    thread: threading.Thread | None = None
    cancel: Callable[[], None] | None = None
    why: str = ""


class Conductor:
    """Carries out jobs until it is stopped.

    :param name: tells it from all others.
    """

    def __init__(self, jobs: JobLedger, board: Board, open_service: OpenService, name: str) -> None:
        self._jobs, self._board, self._open, self.name = jobs, board, open_service, name
        self._lock = threading.Lock()
        self._works: dict[str, _Work] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until :meth:`stop`; then its jobs stop at their next safe points and are left to others."""
        while not self._stopping.is_set():
            try:
                with self._board.open(self.name):
                    self._loop()
            except Interrupted:
                LOG.error("this conductor was not heard of for a while; its jobs were given to others")
            except BoardError as error:
                LOG.error("%s; trying again", error)
                self._stopping.wait(4 * LOOK)

    def stop(self) -> None:
        """Have :meth:`run` end."""
        self._stopping.set()

    def _loop(self) -> None:
        beaten = threading.Event()
        beating = threading.Thread(target=self._beat, args=(beaten,), daemon=True, name="claims")
        beating.start()
        try:
            while not self._stopping.is_set():
                if not self._begin_one():
                    self._board.wait(LOOK)
        finally:
            self._stop_all("leave" if self._stopping.is_set() else "lost")
            beaten.set()
            beating.join()

    def _mine(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._works)

    def _begin_one(self) -> bool:
        """Whether there was a job to begin, and room for it."""
        mine = self._mine()
        try:
            identifier = self._board.claim(mine) if len(mine) < SLOTS else None
            if identifier is None:
                return False
            job = self._jobs.started(identifier, self.name)
        except BoardError as error:  # what runs goes on: the locks of the ledger keep others off
            LOG.warning("%s", error)
            return False
        LOG.info("begins '%s' (job %s of %s)", job, job.id, job.caller)
        work = _Work(job)
        work.thread = threading.Thread(target=self._carry_out, args=(work,), name=f"job {identifier}")
        with self._lock:
            self._works[identifier] = work
        work.thread.start()
        return True

    def _carry_out(self, work: _Work) -> None:
        state, ended, result = self._result(work)
        LOG.info("'%s' (job %s): %s", work.job, work.job.id, state)
        try:
            if work.why != "lost":  # else it is somebody else's, who says how it ended
                self._jobs.stopped(work.job.id, state, ended, result)
                (self._board.release if state is JobState.WAITING else self._board.done)(work.job.id)
        except BoardError as error:  # whoever claims it sees that it is over
            LOG.warning("%s", error)
        finally:
            with self._lock:
                del self._works[work.job.id]

    def _result(self, work: _Work) -> tuple[JobState, Ended, Any]:
        job = work.job
        policy = {name: job.options[name] for name in POLICY if job.options.get(name) is not None}
        try:
            with self._open(Bus(), **policy) as service:
                with self._lock:
                    work.cancel = service.cancel
                    unwanted = work.why or job.wish
                if unwanted:
                    self._stop(work, unwanted)
                result = COMMANDS[job.command](service, job)
        except Interrupted as error:
            ended = Ended(error=error.message, remedy=error.remedy, failure=type(error).__name__)
            states = {"cancel": JobState.CANCELLED, "pause": JobState.PAUSED, "leave": JobState.WAITING}
            return states.get(work.why, JobState.WAITING), ended, None
        except PumphouseError as error:
            return JobState.FAILED, Ended("", error.message, error.remedy, type(error).__name__), None
        except Exception as error:  # a bug must not leave a job that runs for ever
            LOG.exception("a bug")
            return JobState.FAILED, Ended(error=f"this is a bug in pumphouse: {error!r}"), None
        finally:
            with self._lock:
                work.cancel = None
        return _judged(result)

    def _stop(self, work: _Work, why: str) -> None:
        with self._lock:
            work.why, cancel = why, work.cancel
        if cancel:
            cancel()

    def _stop_all(self, why: str) -> None:
        with self._lock:
            works = list(self._works.values())
        for work in works:
            self._stop(work, why)
        for work in works:
            if work.thread:
                work.thread.join()

    def _beat(self, beaten: threading.Event) -> None:
        """Sees to claims and wishes, until the board is closed."""
        beats = 0.0
        while not beaten.wait(LOOK):
            beats += LOOK
            for identifier in self._mine():
                work = self._works.get(identifier)
                try:
                    self._look_after(work, beat=beats >= BEAT) if work else None
                except BoardError as error:  # perhaps the next time; else the claim runs out
                    LOG.warning("%s", error)
                except Exception:
                    LOG.exception("cannot look after job %s", identifier)
            beats = 0.0 if beats >= BEAT else beats

    def _look_after(self, work: _Work, *, beat: bool) -> None:
        if beat and not self._board.keep(work.job.id):
            LOG.error("the claim of job %s was lost", work.job.id)
            self._stop(work, "lost")
        found = self._jobs.find(work.job.id)
        if found and found.wish and not work.why:
            self._stop(work, found.wish)


def _judged(result: RunResult) -> tuple[JobState, Ended, Any]:
    differing = sum(difference.failing for difference in result.differences)
    bad = bool(result.failed) or bool(differing)
    ended = Ended(
        migration=result.migration,
        error=next((outcome.error for outcome in result.failed), ""),
        outcomes=len(result.outcomes),
        failed=len(result.failed),
        differences=differing,
    )
    return (JobState.FAILED if bad else JobState.DONE), ended, asdict(result)
