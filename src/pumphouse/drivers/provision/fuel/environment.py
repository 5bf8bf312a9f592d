"""One environment of a Fuel master: its members, and the one task that may work on it at a time."""

from collections.abc import Callable
from typing import Any

from pumphouse.drivers.provision.fuel.nailgun import Answered, Nailgun
from pumphouse.errors import EngineBusy, ProvisionError
from pumphouse.machines import Tell
from pumphouse.ports import Clock

Body = dict[str, Any]
BUSY = ("running", "pending")
POLL = 2.0  # seconds between two looks
SAYS_BUSY = ("already started", "running task")
BUSY_REMEDY = "Wait for it, or stop it in Fuel."
GONE: Body = {"status": "gone", "progress": None, "message": ""}


class Environment:
    """Found by name or id when it is needed first."""

    def __init__(self, nailgun: Nailgun, wanted: str, clock: Clock) -> None:
        self._nailgun = nailgun
        self._wanted = wanted
        self._clock = clock
        self._names: dict[int, str] = {}

    @property
    def names(self) -> dict[int, str]:
        """Names of all environments of the master, by id."""
        if not self._names:
            self._names = {each["id"]: each["name"] for each in self._nailgun.get("/clusters")}
        return self._names

    @property
    def id(self) -> int:
        """Its id.

        :raises ProvisionError: when there is none of that name.
        """
        for id, name in self.names.items():
            if self._wanted in (name, str(id)):
                return id
        there = ", ".join(sorted(self.names.values())) or "none"
        raise ProvisionError(f"Fuel has no environment {self._wanted!r}", f"Environments: {there}.")

    def __str__(self) -> str:
        return f"environment {self.names[self.id]!r}"

    def members(self) -> list[Body]:
        """Its nodes."""
        found: list[Body] = self._nailgun.get("/nodes", cluster_id=self.id)
        return found

    def assign(self, node: int, roles: tuple[str, ...]) -> None:
        """Make a node a member, with roles."""
        self._nailgun.post(f"/clusters/{self.id}/assignment", [{"id": node, "roles": list(roles)}])

    def unassign(self, node: int) -> None:
        """At once, when nothing was written to it yet; else it is removed by the next deployment."""
        self._nailgun.post(f"/clusters/{self.id}/unassignment", [{"id": node}])

    def running(self) -> Body | None:
        """What works on it; of a task and its parts, the whole."""
        tasks = [t for t in self._nailgun.get("/tasks", cluster_id=self.id) if t["status"] in BUSY]
        return min(tasks, key=lambda task: int(task["id"])) if tasks else None

    def idle(self, end: float, tell: Tell) -> None:
        """Wait until nothing works on it.

        :param end: when to give up, as the clock tells time.
        :raises EngineBusy: when something still does.
        """
        while task := self.running():
            if self._clock.now() > end:
                raise EngineBusy(
                    f"{self} is locked by another task: {task['name']}, {task['progress']} %",
                    BUSY_REMEDY,
                )
            tell(task["progress"], f"waits for task {task['name']} of the {self}")
            self._clock.sleep(POLL)

    def change(self, end: float) -> Body | None:
        """Have Fuel carry out what is pending; the task, which may have failed already.

        :param end: when to give up, as the clock tells time.
        :returns: None when somebody else was faster, and works on it.
        :raises EngineBusy: when that is so at the end.
        :raises ProvisionError: when Fuel does not begin.
        """
        try:
            task: Body = self._nailgun.put(f"/clusters/{self.id}/changes")
            return task
        except Answered as refused:
            # releases tell so by 400, 409 or 500, so the words and another look decide
            if not any(words in refused.words for words in SAYS_BUSY) and not self.running():
                raise
            if self._clock.now() > end:
                raise EngineBusy(f"{self} is locked by another task", BUSY_REMEDY) from None
            self._clock.sleep(POLL)
            return None

    def follow(self, task: Body, end: float, look: Callable[[Body], None]) -> Body:
        """Wait for the end of a task; how it was last seen: finished ones vanish when the next one begins.

        :param look: called with the task at each look.
        :raises ProvisionError: when it still runs at the end.
        """
        while task["status"] in BUSY:
            if self._clock.now() > end:
                raise ProvisionError(
                    f"task {task['name']} of the {self} still runs, {task['progress']} %",
                    "Fuel goes on with it; hosts.timeouts in config.yaml sets how long is waited.",
                )
            look(task)
            self._clock.sleep(POLL)
            task = self._nailgun.find(f"/tasks/{task['id']}") or GONE
        return task
