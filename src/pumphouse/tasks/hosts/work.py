"""One host on its way: what works on it, where it stands, and the loop that takes it through its stages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pumphouse.errors import Interrupted, PumphouseError
from pumphouse.host_policy import HostPolicy
from pumphouse.hosts import Host
from pumphouse.machines import HostLedger, MachineNetwork, Power, Provisioner
from pumphouse.model import Node
from pumphouse.ports import Clock, Cloud, Publish
from pumphouse.tasks.temporaries import Temporaries

T = TypeVar("T")
POLL = 1.0  # seconds between two looks at a service or an engine


@dataclass(frozen=True)
class Work:
    """One host, and everything outside the process that is needed to move it.

    :param engine: of the destination; None when it has none.
    :param former: the source's own engine; None when that does not manage its hosts.
    :param network: None when the machine stays in its network.
    """

    host: Host
    source: Cloud
    destination: Cloud
    power: Power
    engine: Provisioner | None
    former: Provisioner | None
    network: MachineNetwork | None
    ledger: HostLedger
    temporaries: Temporaries
    clock: Clock
    policy: HostPolicy
    publish: Publish

    @property
    def data(self) -> Mapping[str, Any]:
        """What earlier stages left for later ones."""
        record = self.ledger.find(self.host.name)
        return record.data if record else {}

    def note(self, **data: Any) -> None:
        """Keep facts for later stages, and for a rerun."""
        record = self.ledger.find(self.host.name)
        assert record is not None
        self.ledger.stage(self.host.name, record.stage, record.state, **data)

    def tell(self, percent: int | None, message: str) -> None:
        """Publish how far the stage is, in the words of whoever does it."""
        record = self.ledger.find(self.host.name)
        stage = record.stage if record else ""
        said = {"stage": stage, "state": "running", "percent": percent, "message": message}
        self.publish("host.stage", f"host:{self.host.name}", host=self.host.name, **said)

    def node(self) -> Node | None:
        """The machine as the destination's engine knows it."""
        return self.engine.find(self.host) if self.engine else None

    def until(self, seconds: float, poll: Callable[[], T | None]) -> T | None:
        """What poll answers first that is not None; None when the time is up."""
        end = self.clock.now() + seconds
        while (answer := poll()) is None:
            if self.clock.now() >= end:
                return None
            self.clock.sleep(POLL)
        return answer


@dataclass(frozen=True)
class Stage:
    """A part of an operation that can be repeated.

    :param about: what happens, for the plan.
    :param act: does it, unless it is done already.
    :param by_hand: what to do when it fails; added to the error's own remedy.
    :param limit: seconds it may take, for the plan; None when it takes no time worth telling.
    """

    name: str
    about: str
    act: Callable[[Work], None]
    by_hand: str = ""
    limit: float | None = None


def run(work: Work, stages: Sequence[Stage]) -> None:
    """Take a host through its stages.

    :raises PumphouseError: when one fails; the record says which, and the remedy what to do.
    """
    for stage in stages:
        work.clock.check()
        work.ledger.stage(work.host.name, stage.name, error="")
        work.tell(None, stage.about)
        try:
            stage.act(work)
        except Interrupted:
            raise  # no failure
        except PumphouseError as error:
            _failed(work, stage, error)
            raise
        said = {"stage": stage.name, "state": "done", "percent": 100, "message": ""}
        work.publish("host.stage", f"host:{work.host.name}", host=work.host.name, **said)


def _failed(work: Work, stage: Stage, error: PumphouseError) -> None:
    """Write down and tell what went wrong, and what can be done by hand."""
    error.remedy = " ".join(filter(None, (error.remedy, stage.by_hand)))
    work.ledger.stage(work.host.name, stage.name, "failed", error=error.message)
    said = {"stage": stage.name, "state": "failed", "percent": None, "message": error.message}
    work.publish("host.stage", f"host:{work.host.name}", host=work.host.name, **said)
