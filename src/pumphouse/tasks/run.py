"""What every task of a run looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pumphouse.errors import CloudError
from pumphouse.inventory import Inventory
from pumphouse.model import Item, Plan, Row, Step
from pumphouse.plan.inforce import policy_of, wanted
from pumphouse.policy import Policy
from pumphouse.ports import Ports
from pumphouse.tasks.actors import Actors
from pumphouse.tasks.temporaries import Temporaries

KNOWN = ("created", "done", "reused", "committed")


@dataclass(frozen=True)
class Run:
    """A plan on its way: the outside world, the source as it was read, and what the ledger knows.

    :param planned: the ledger's rows as the plan saw them.
    :param again: plans one step anew, when another run has worked on its resource since.
    """

    ports: Ports
    policy: Policy
    plan: Plan
    source: Inventory
    actors: Actors
    temporaries: Temporaries
    planned: Mapping[str, Row]
    again: Callable[[str], Step]

    def item(self, key: str) -> Item:
        """The source's item of this key.

        :raises CloudError: when it is no longer there.
        """
        item = self.source.by_key(key)
        if item is None:
            raise CloudError(f"source: {key.replace(':', ' ', 1)} is no longer there", "Plan again.")
        return item

    def policy_of(self, key: str) -> Policy:
        """The policy in force for a resource of the source."""
        return policy_of(self.item(key), self.source, self.policy)

    def row(self, key: str) -> Row | None:
        """The ledger's row."""
        return self.ports.ledger.row(key)

    def lookup(self, kind: str, identifier: str) -> str | None:
        """The counterpart of a resource of the source; names are mapped by policy."""
        if (names := self.policy.names_of(kind)) is not None:
            return names.get(identifier)
        row = self.row(f"{kind}:{identifier}")
        return row.destination_id if row and row.state in KNOWN else None

    def want(self, item: Item) -> dict[str, Any]:
        """The fields as they should be in the destination."""
        return wanted(item, self.lookup, self.source, self.policy)

    def waiting(self, key: str) -> Callable[[str], None]:
        """Tells that this resource waits for another run."""
        return lambda owner: self.ports.publish("step.waiting", key, reason=f"for {owner}")

    def say(self, step: Step, action: str) -> "Told":
        """Events around an action of a step."""
        return Told(self, step, action)


class Told:
    """Publishes that an action started, and how it ended; adds to an error what it was about."""

    def __init__(self, run: Run, step: Step, action: str, workload: str = "") -> None:
        self._run = run
        self._step = step
        self._facts = {"action": action, "kind": step.kind, "name": step.name}
        self._workload = workload or step.key
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = self._run.ports.clock.now()
        self._publish("step.started")

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        seconds = round(self._run.ports.clock.now() - self._started, 3)
        if error is None:
            self._publish("step.done", seconds=seconds)
        else:
            self._publish("step.failed", seconds=seconds, error=str(error))

    def _publish(self, type_: str, **more: Any) -> None:
        self._run.ports.publish(type_, self._step.key, workload=self._workload, **self._facts, **more)
