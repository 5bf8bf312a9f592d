"""One server leaves its host: the order to Nova, the wait for it, and what is left to do after it.

The ledger gets what is about to be ordered before Nova does. A run that finds such an order looks at the server first:
it waits for what is under way, finishes what has moved, and forgets what never began. Nothing is ordered twice.
"""

import threading
from typing import Any

from pumphouse.errors import CloudError, Conflict, Missing, NotMoved
from pumphouse.model import How, Move
from pumphouse.tasks.hosts.occupancy import HOST
from pumphouse.tasks.hosts.work import POLL, Work

Body = dict[str, Any]
TASK = "OS-EXT-STS:task_state"
# How a server moves → in which words of its plan and of messages.
WORDS = {
    How.LIVE: "live migration",
    How.COLD: "cold migration",
    How.OFFLOAD: "offloading",
    How.EVACUATE: "evacuation",
    How.REBUILD: "rebuild elsewhere",
}


class Moving:
    """The servers on their way from one host.

    :param host: of the compute service they leave.
    :ivar given_up: servers whose live migration was aborted because it was stuck.
    """

    def __init__(self, work: Work, host: str) -> None:
        self._work, self._cloud, self._host = work, work.source, host
        self._lock = threading.Lock()
        self.given_up: set[str] = set()

    @property
    def ordered(self) -> dict[str, Body]:
        """What was ordered and is not known to have ended, by server."""
        return dict(self._work.data.get("moves", {}))

    def move(self, move: Move) -> None:
        """Have a server leave; returns when it has.

        :raises CloudError: when it does not; it is where it was, or the message says what is left to do.
        """
        self._work.clock.check()  # of those that wait for their turn none begins after a stop
        server = move.server
        order = {
            "name": server.name,
            "how": move.how.value,
            "target": move.target,
            "was": server.status,
            "since": self._work.clock.now(),
        }
        self._note(server.id, order)
        to = f" to {move.target}" if move.target else ""
        self._work.tell(None, f"{server.name}: {WORDS[move.how]}{to}")
        try:
            self._order(move)
        except CloudError as error:
            if 400 <= error.status < 500:  # refused; anything else may have been carried out
                self._note(server.id, None)
            raise CloudError(
                f"server {server.name!r}: {WORDS[move.how]}{to}: {error.message}", error.remedy, error.status
            ) from None
        self.finish(server.id, order)

    def join(self, identifier: str, name: str) -> None:
        """Wait for a live migration that somebody else began."""
        order = {"name": name, "how": How.LIVE.value, "was": "ACTIVE", "since": self._work.clock.now()}
        self.finish(identifier, order)

    def finish(self, identifier: str, order: Body) -> None:
        """Wait for what was ordered, and do what is left to do.

        :raises CloudError: when the server did not leave, or not in time.
        """
        how, began = How(order["how"]), order["since"]
        policy = self._work.policy
        stuck = began + policy.stuck_after if how is How.LIVE else None
        end = (stuck or self._work.clock.now()) + policy.timeouts.move
        dealt = ""
        while True:
            found = self._cloud.find("compute", f"/servers/{identifier}")
            if found is None:  # deleted meanwhile
                break
            server = found["server"]
            if not server[TASK] and self._has_left(server, how):
                if self._settled(server, order):
                    break
            elif not server[TASK]:
                self._note(identifier, None)
                raise self._failed(server, how, dealt)
            now = self._work.clock.now()
            if stuck and now >= stuck and not dealt:
                if self._queued(identifier):  # Nova has not begun: others are before it
                    stuck, end = now + policy.stuck_after, now + policy.stuck_after + policy.timeouts.move
                else:
                    dealt = self._unstick(server, now - began)
            if now >= end:
                raise CloudError(
                    f"server {order['name']!r}: its {WORDS[how]} has not ended after {now - began:.0f} s"
                    f"{dealt and '; ' + dealt}",
                    "Look at it with 'openstack server migration list'. The same command goes on waiting.",
                )
            self._work.clock.sleep(POLL)
        self._note(identifier, None)

    def _order(self, move: Move) -> None:
        path, cloud, target = f"/servers/{move.server.id}/action", self._cloud, move.target
        if move.how is How.LIVE:
            self._order_live(path, target)
        elif move.how is How.COLD:  # before 2.56 nobody may say where to; Nova chooses
            named = cloud.supports("compute", "2.56")
            cloud.post("compute", path, {"migrate": {"host": target} if named else None})
        elif move.how is How.OFFLOAD:
            cloud.post("compute", path, {"shelveOffload": None})
        else:  # before 2.14 Nova had to be told; it refuses when that is wrong
            shared = {} if cloud.supports("compute", "2.14") else {"onSharedStorage": False}
            cloud.post("compute", path, {"evacuate": {"host": target, **shared}})

    def _order_live(self, path: str, target: str) -> None:
        """From 2.25 on Nova finds out itself whether the hosts share storage; before, they are asked by trying."""
        body: Body = {"host": target, "block_migration": "auto"}
        if self._cloud.supports("compute", "2.25"):
            self._cloud.post("compute", path, {"os-migrateLive": body})
            return
        body |= {"block_migration": False, "disk_over_commit": False}
        try:
            self._cloud.post("compute", path, {"os-migrateLive": body})
        except CloudError as error:
            if error.status != 400:
                raise
            self._cloud.post("compute", path, {"os-migrateLive": body | {"block_migration": True}})

    def _has_left(self, server: Body, how: How) -> bool:
        if how is How.OFFLOAD:
            return bool(server["status"] == "SHELVED_OFFLOADED")
        return bool(server[HOST] != self._host)

    def _settled(self, server: Body, order: Body) -> bool:
        """Whether a server that has arrived is as it was; orders what is missing."""
        path = f"/servers/{server['id']}/action"
        stopped = (order["was"], server["status"]) == ("ACTIVE", "SHUTOFF")
        if server["status"] == "VERIFY_RESIZE":
            missing = {"confirmResize": None}
        elif stopped and order["how"] in (How.EVACUATE, How.REBUILD):  # from 2.95 on Nova does not start it
            missing = {"os-start": None}
        else:
            return True
        try:
            self._cloud.post("compute", path, missing)
        except CloudError as error:
            if error.status not in (400, 409):  # it is at it already
                raise
        return False

    def _queued(self, identifier: str) -> bool:
        """Whether a live migration waits for others of its host: Nova runs one at a time unless told otherwise."""
        try:
            found = self._cloud.get("compute", f"/servers/{identifier}/migrations")["migrations"]
        except (CloudError, Missing):  # before 2.23
            return False
        return bool(found) and all(each.get("status") == "queued" for each in found)

    def _unstick(self, server: Body, seconds: float) -> str:
        """Abort or force a live migration, as the policy says; what was done, empty when it could not be."""
        path = f"/servers/{server['id']}/migrations"
        try:
            running = list(self._cloud.get("compute", path)["migrations"])
            if not running:
                return ""
            identifier = max(each["id"] for each in running)
            if self._work.policy.when_stuck == "abort":
                self._cloud.delete("compute", f"{path}/{identifier}")
                done = f"it was stuck, and aborted after {seconds:.0f} s"
            else:
                self._cloud.post("compute", f"{path}/{identifier}/action", {"force_complete": None})
                done = f"it was stuck, and forced after {seconds:.0f} s"
        except (Conflict, Missing):  # queued still, or just at its end; before 2.22 Nova has no such order
            return ""
        except CloudError as error:
            if error.status != 400:
                raise
            return ""
        self._work.tell(None, f"{server['name']}: {done}")
        return done

    def _failed(self, server: Body, how: How, dealt: str) -> CloudError:
        if dealt:
            self.given_up.add(server["id"])
        why = dealt or self._reason(server)
        kind = CloudError if dealt else NotMoved
        return kind(f"server {server['name']!r} stays: {WORDS[how]} failed: {why}")

    def _reason(self, server: Body) -> str:
        """What Nova says of its last action on the server."""
        if fault := server.get("fault"):
            return str(fault["message"])
        path = f"/servers/{server['id']}/os-instance-actions"
        actions = self._cloud.get("compute", path)["instanceActions"]
        last = max(actions, key=lambda action: str(action["start_time"]))
        events = self._cloud.get("compute", f"{path}/{last['request_id']}")["instanceAction"]["events"]
        for event in events:
            if said := event.get("details") or (event.get("traceback") or "").strip().rpartition("\n")[2]:
                return str(said)
        return "Nova gives no reason; its logs do"

    def _note(self, identifier: str, order: Body | None) -> None:
        """Threads share the record of the host."""
        with self._lock:
            moves = self.ordered
            if order is None:
                moves.pop(identifier, None)
            else:
                moves[identifier] = order
            self._work.note(moves=moves)
