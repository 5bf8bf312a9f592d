"""Whom to act as in the destination: what belongs to its token's project and user is made by these.

Preferred is the user itself, so that servers and volumes keep belonging to it: possible for users that
Pumphouse made, whose password therefore nobody knows yet. Else the administrator, with a role in the project
for the duration, recorded before it is granted.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

from pumphouse.errors import CloudError, Forbidden, NotAuthenticated
from pumphouse.inventory import Inventory
from pumphouse.kinds.user import unknown_password
from pumphouse.model import Item
from pumphouse.ports import Clock, Cloud, Ledger
from pumphouse.tasks.temporaries import BORROWER, Temporaries

T = TypeVar("T")
GRANTED = "admin"
# A new password revokes the user's tokens of the same second too, those issued after it included (Keystone
# keeps revocations by whole seconds).
REVOKED = 1.1  # seconds


class Actors:
    """Sessions in projects of the destination, opened once each.

    :param refusal: why an item cannot be made by its own user; empty when it can.
    """

    def __init__(
        self,
        destination: Cloud,
        ledger: Ledger,
        temporaries: Temporaries,
        clock: Clock,
        refusal: Callable[[Item], str],
    ) -> None:
        self._cloud = destination
        self._ledger = ledger
        self._temporaries = temporaries
        self._clock = clock
        self.refusal = refusal
        self._passwords: dict[str, str] = {}
        self._sessions: dict[tuple[str, str | None], Cloud] = {}
        self._lock = threading.RLock()
        self._lending = threading.Lock()

    def perform(self, item: Item, work: Callable[[Cloud, bool], T], *, makes: bool = True) -> T:
        """Do something as the owner of an item, else as the administrator in its project.

        :param work: gets the cloud to use and whether it is the owner's.
        :param makes: whether it makes the item, which then belongs to whoever did.
        """
        project = self._counterpart("project", item.project_id)
        user = self._counterpart("user", item.fields.get("user_id"))
        if project is None:
            raise CloudError(f"{item.kind} {item.name!r}: its project is not in the destination yet")
        if user and not self.refusal(item):
            try:
                return work(self._as_user(project, user, f"user:{item.fields['user_id']}"), True)
            except (Forbidden, NotAuthenticated):
                # The destination's policies ask for more than the user has, or for a password of its own.
                refused = True
        else:
            refused = False
        answer = work(self._as_admin(project), False)
        if makes:
            self._ledger.note(item.key, owner=self._cloud.user_id, owner_refused=refused)
        return answer

    def in_project(self, project: str) -> Cloud:
        """The administrator, in a project of this cloud."""
        return self._as_admin(project)

    @contextmanager
    def lend_keypair(self, item: Item, source: Inventory) -> Iterator[None]:
        """Within, the administrator has the keypair of a server: Nova finds it by name among those of the maker.

        One server at a time: keypairs of different users may have the same name.

        :raises CloudError: when the administrator has another one of this name.
        """
        name = item.fields["key_name"]
        pair = source.get("keypair", f"{item.fields['user_id']}/{name}")
        if pair is None:
            raise CloudError(
                f"server {item.name!r}: its keypair {name!r} is gone at the source", "Plan again."
            )
        with self._lending, self._temporaries.alone(f"keypair {name}"):
            there = self._cloud.find("compute", f"/os-keypairs/{quote(name)}")
            if there is None:
                self._lend(item.key, pair)
            elif there["keypair"]["public_key"].split()[:2] != pair.fields["public_key"].split()[:2]:
                raise CloudError(
                    f"server {item.name!r}: the administrator of the destination has another keypair {name!r}",
                    "Rename that one for the time of the migration.",
                )
            try:
                yield
            finally:
                self._temporaries.drop(_borrower(item.key))

    def _lend(self, key: str, pair: Item) -> None:
        def make() -> str:
            body = {name: pair.fields[name] for name in ("name", "public_key", "type")}
            self._cloud.post("compute", "/os-keypairs", {"keypair": body})
            return pair.name

        self._temporaries.ensure(_borrower(key), self._cloud.role, "keypair", pair.name, make)

    def _counterpart(self, kind: str, identifier: str | None) -> str | None:
        row = self._ledger.row(f"{kind}:{identifier}") if identifier else None
        return row.destination_id if row else None

    def _as_user(self, project: str, user: str, key: str) -> Cloud:
        with self._lock:
            if user not in self._passwords:
                # Before: whoever finds this note knows that the user's own password has to be given back.
                self._ledger.note(key, password=None)
                password = unknown_password()
                body = {"user": {"password": password}}
                self._cloud.patch("identity", f"/users/{user}", body)
                self._passwords[user] = password
                self._clock.sleep(REVOKED)
            if (project, user) not in self._sessions:
                session = self._cloud.as_project(project, user, self._passwords[user])
                self._sessions[project, user] = session
            return self._sessions[project, user]

    def _as_admin(self, project: str) -> Cloud:
        with self._lock:
            if (project, None) not in self._sessions:
                self._grant(project)
                self._sessions[project, None] = self._cloud.as_project(project)
            return self._sessions[project, None]

    def _grant(self, project: str) -> None:
        """A role that was ours before is not temporary."""
        us = self._cloud.user_id
        roles = self._cloud.get("identity", "/roles", name=GRANTED)["roles"]
        role = roles[0]["id"]
        path = f"/projects/{project}/users/{us}/roles"
        have = {r["id"] for r in self._cloud.get("identity", path)["roles"]}
        name = f"{project}/{us}/{role}"
        ours = any(t.kind == "grant" and t.name == name for t in self._ledger.temporaries())
        if role in have and not ours:
            return

        def make() -> str:
            self._cloud.put("identity", f"{path}/{role}")
            return name

        self._temporaries.grant(self._cloud.role, name, make)


def _borrower(key: str) -> str:
    """Owner of a lent keypair: it goes before the server's other temporaries do."""
    return f"{BORROWER}{key}"
