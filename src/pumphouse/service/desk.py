"""Where work is handed in that takes long, and looked after from outside of its conductor."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pumphouse.errors import BoardError, Refused, UsageError
from pumphouse.jobs import Board, JobLedger, Trail
from pumphouse.model import Caller, Ended, Job, JobState, Selection

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """Jobs are handed in here; conductors find them on the board."""

    jobs: JobLedger
    board: Board
    trail: Trail

    def submit(
        self,
        caller: Caller,
        command: str,
        selection: Selection,
        options: Mapping[str, Any],
        key: str | None = None,
    ) -> Job:
        """Hand in a job, or get the one that the same key made.

        :param options: JSON-able; see :data:`pumphouse.service.conductor.COMMANDS`.
        :param key: of the caller's choice: the same request again is the same job.
        :raises Refused: when something waits or runs with the same selection.
        """
        options = json.loads(json.dumps(options))
        if key is None or self.jobs.with_key(caller.name, key) is None:
            self._refuse_second(selection)
        job = self.jobs.add(caller.name, command, selection, options, key)
        if job.state is JobState.WAITING:
            self._post(job)
        return job

    def stop(self, identifier: str, wish: str) -> Job:
        """``cancel`` or ``pause`` a job: it stops at its next safe point; nobody goes on with it by himself."""
        job = self._get(identifier)
        if job.state is JobState.PAUSED and wish == "cancel":
            return self.jobs.stopped(job.id, JobState.CANCELLED, job.ended)
        return self.jobs.wish(job.id, wish)

    def resume(self, identifier: str) -> Job:
        """Go on with a job that was paused, was cancelled or failed: what is missing is done.

        :raises Refused: when it is done, or something else works on its selection.
        """
        job = self._get(identifier)
        if not job.state.over:
            return job
        if job.state is JobState.DONE:
            raise Refused(f"'{job}' is done", "Hand in a new job.")
        self._refuse_second(job.selection)
        again = self.jobs.stopped(job.id, JobState.WAITING, Ended())
        self._post(again)
        return again

    def _get(self, identifier: str) -> Job:
        found = self.jobs.find(identifier)
        if found is None:
            raise UsageError(f"no job {identifier!r}", "See /v1/jobs.")
        return found

    def _post(self, job: Job) -> None:
        try:
            self.board.post(job.id)
        except BoardError as error:  # conductors look for jobs that were never posted
            LOG.warning("job %s is not on the board yet: %s", job.id, error)

    def _refuse_second(self, selection: Selection) -> None:
        for other in self.jobs.unfinished():
            if other.selection == selection:
                raise Refused(f"'{other}' is {other.state}", f"See /v1/jobs/{other.id}.")
