"""Things made for the duration of a move: recorded before they are made, found again by name, gone at the end."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from urllib.parse import quote

from pumphouse.errors import CloudError, Conflict, Missing
from pumphouse.kinds import server, volume
from pumphouse.locks import Locks
from pumphouse.ports import Clock, Cloud, Ledger, Temporary

PREFIX = "pumphouse-"
# What is made from what: the copy goes before that which it was made from.
DELETE_ORDER = ("server", "keypair", "image", "volume", "snapshot", "grant")
COLLECTIONS = {"volume": "/volumes", "snapshot": "/snapshots"}

BORROWER = "keypair of "  # owner of a lent keypair, before the key of its server


def owning(owner: str) -> str:
    """The workload that a temporary's owner belongs to."""
    return owner.removeprefix(BORROWER)


class Temporaries:
    """Makes, finds and removes them.

    :param clouds: by role.
    :param timeout: seconds that the removal of one may take.
    """

    def __init__(
        self, clouds: dict[str, Cloud], ledger: Ledger, locks: Locks, clock: Clock, timeout: float
    ) -> None:
        self._clouds = clouds
        self._ledger = ledger
        self._locks = locks
        self._clock = clock
        self._timeout = timeout

    def ensure(self, owner: str, role: str, kind: str, name: str, make: Callable[[], str]) -> str:
        """The id of a temporary thing: of an earlier run when it is still there, else newly made."""
        known = self._ledger.temporary(owner, role, kind, name)
        if known:
            identifier = known.identifier or self._find(known)
            if identifier and self._there(known, identifier):
                self._ledger.temporary_made(role, kind, name, identifier)
                return identifier
        identifier = make()
        self._ledger.temporary_made(role, kind, name, identifier)
        return identifier

    def drop(self, owner: str | None = None, role: str | None = None, keep: str = "") -> None:
        """Remove those of an owner, or all but what other runs are working with.

        :param role: only those in this cloud.
        :param keep: names that end so stay.
        """
        found = self._ledger.temporaries(owner)
        if owner is None:
            found = self._free(found)
        for temporary in sorted(found, key=lambda t: DELETE_ORDER.index(t.kind)):
            if role in (None, temporary.cloud) and not (keep and temporary.name.endswith(keep)):
                self._remove(temporary)

    def left(self) -> int:
        """How many there are that no run is working with."""
        return len(self._free(self._ledger.temporaries()))

    def _free(self, found: Iterable[Temporary]) -> tuple[Temporary, ...]:
        return tuple(t for t in found if t.kind == "grant" or self._locks.attempt(owning(t.owner)))

    def grant(self, role: str, name: str, make: Callable[[], str]) -> str:
        """A role for the administrator of a cloud; several runs may count on one."""
        with self.alone(f"grant {name}"):
            self._locks.use(f"grant {name}")
            return self.ensure("", role, "grant", name, make)

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Within, no other run works on this; for a moment, so nobody is told of the waiting."""
        return self._locks.holding(name, lambda owner: None)

    def _remove(self, temporary: Temporary) -> None:
        if temporary.kind != "grant":
            self._remove_now(temporary)
            return
        with self.alone(f"grant {temporary.name}"):
            if not self._locks.used(f"grant {temporary.name}"):
                self._remove_now(temporary)

    def _remove_now(self, temporary: Temporary) -> None:
        cloud, kind = self._clouds[temporary.cloud], temporary.kind
        identifier = temporary.identifier or self._find(temporary)
        if identifier:
            if kind == "image":
                cloud.delete("image", f"/images/{identifier}")
            elif kind in COLLECTIONS:
                self._remove_from_block_storage(cloud, f"{COLLECTIONS[kind]}/{identifier}")
            elif kind == "server":
                cloud.delete("compute", f"/servers/{identifier}")
                server.wait_gone(cloud, self._clock, identifier, self._timeout)
            elif kind == "grant":
                project, user, role = identifier.split("/")
                cloud.delete("identity", f"/projects/{project}/users/{user}/roles/{role}")
            elif kind == "keypair":
                cloud.delete("compute", f"/os-keypairs/{quote(identifier)}")
        self._ledger.temporary_gone(temporary.cloud, kind, temporary.name)

    def _remove_from_block_storage(self, cloud: Cloud, path: str) -> None:
        """A copy under way keeps it busy for a while."""

        def ask() -> bool | None:
            try:
                cloud.delete("block-storage", path)
            except CloudError as error:
                if error.status in (400, 409):
                    return None
                raise
            return True

        self._clock.wait(f"{cloud.role} {path[1:]} to be free for deletion", self._timeout, ask)
        volume.wait_gone(cloud, self._clock, path, self._timeout)

    def _find(self, temporary: Temporary) -> str | None:
        """By its name, which is unique; in our own project, where all of them are."""
        cloud, name = self._clouds[temporary.cloud], temporary.name
        if temporary.kind == "image":
            found = list(cloud.pages("image", "/images", "images", name=name))
        elif temporary.kind == "server":
            found = [s for s in cloud.pages("compute", "/servers", "servers") if s["name"] == name]
        elif temporary.kind in COLLECTIONS:
            many = f"{temporary.kind}s"
            found = list(cloud.pages("block-storage", f"/{many}/detail", many, name=name))
        else:
            return name  # grants and keypairs are their name
        return str(found[0]["id"]) if found else None

    def _there(self, temporary: Temporary, identifier: str) -> bool:
        cloud = self._clouds[temporary.cloud]
        try:
            if temporary.kind == "image":
                status = cloud.get("image", f"/images/{identifier}")["status"]
                return status not in ("killed", "deleted", "pending_delete")
            if temporary.kind in COLLECTIONS:
                path = f"{COLLECTIONS[temporary.kind]}/{identifier}"
                body = cloud.get("block-storage", path)[temporary.kind]
                return not body["status"].startswith(("error", "deleting"))
        except (Missing, Conflict):
            return False
        return False  # grants and keypairs: making them again is harmless; servers are dropped first
