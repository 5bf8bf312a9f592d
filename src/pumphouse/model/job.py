"""Work that was handed in through the service, to be carried out by whichever conductor is free."""

from dataclasses import dataclass, field
from enum import StrEnum

from pumphouse.model.item import Fields
from pumphouse.model.plan import Selection


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"  # for a conductor
    RUNNING = "running"
    PAUSED = "paused"  # stopped at a safe point; goes on when it is resumed
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in (JobState.WAITING, JobState.RUNNING)


@dataclass(frozen=True)
class Ended:
    """How a job ended; empty as long as it has not.

    :param migration: id of the migration it worked on.
    :param error: why it failed; empty when it did not. :param failure: class of that error.
    :param outcomes: how many resources it worked on. :param failed: how many of them failed or were skipped.
    :param differences: how many fields or disks differ between the clouds and should not.
    """

    migration: str = ""
    error: str = ""
    remedy: str = ""
    failure: str = ""
    outcomes: int = 0
    failed: int = 0
    differences: int = 0


@dataclass(frozen=True)
class Job:
    """A command, a selection and options: what one would type.

    :param command: as on the command line: ``migrate``, ``verify``, ``commit``, ``rollback``; ``upgrade``,
        ``acquire``, ``withdraw`` of a host; ``decommission``.
    :param selection: what it works on; of a command on a host: that command, and its name.
    :param caller: who handed it in.
    :param wish: ``cancel`` or ``pause`` when it is to stop at its next safe point.
    :param conductor: who carries it out, or did.
    """

    id: str
    command: str
    selection: Selection
    options: Fields = field(default_factory=dict)
    caller: str = ""
    state: JobState = JobState.WAITING
    wish: str = ""
    conductor: str = ""
    ended: Ended = field(default_factory=Ended)
    created_at: float = 0.0
    updated_at: float = 0.0

    def __str__(self) -> str:
        return f"{self.command} {self.selection}"
