"""What lies outside the process, as small Protocols; adapters implement them, everything else sees only these."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pumphouse.locks import Locks
from pumphouse.model import (
    About,
    Copied,
    Endpoint,
    Event,
    Migration,
    Password,
    Row,
    Selection,
    Temporary,
    Version,
)
from pumphouse.probes import Probes

T = TypeVar("T")
Json = Any


class Cloud(Protocol):
    """One OpenStack cloud, spoken to as one user in one project, in the words of its REST APIs.

    ``service`` is a catalog type: ``identity``, ``compute``, ``image``, ``network``, ``block-storage``,
    ``placement``. Paths are relative to the versioned endpoint (``/servers/detail``). Compute and block storage
    are asked with the highest microversion both sides know. All methods raise
    :class:`pumphouse.errors.CloudError`; connection faults, 429, 502, 503 and 504 are retried a few times.
    """

    role: str  #: ``source`` or ``destination``; for messages

    def get(self, service: str, path: str, **query: Any) -> Json:
        """GET; the decoded body. Raises Missing when it is not there."""

    def find(self, service: str, path: str, **query: Any) -> Json | None:
        """GET; None when it is not there."""

    def pages(self, service: str, path: str, many: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every element of a collection, page by page; ``many`` is the name of the list in the body."""

    def post(self, service: str, path: str, body: Json = None) -> Json:
        """POST; the decoded body, or None when the answer has none."""

    def put(self, service: str, path: str, body: Json = None) -> Json:
        """PUT; the decoded body, or None."""

    def patch(self, service: str, path: str, body: Json, content_type: str = "application/json") -> Json:
        """PATCH; the decoded body, or None."""

    def delete(self, service: str, path: str) -> bool:
        """DELETE; False when it was not there."""

    def microversion(self, service: str) -> str | None:
        """The microversion used with ``compute`` or ``block-storage``, e.g. ``2.93``."""

    def supports(self, service: str, microversion: str) -> bool:
        """Whether requests to the service are made with at least this microversion."""

    def download(self, path: str, start: int = 0) -> AbstractContextManager[Iterator[bytes]]:
        """Bytes of an image service path from offset ``start``; raises CloudError when it breaks off."""

    def upload(self, path: str, chunks: Iterable[bytes], size: int) -> None:
        """PUT ``size`` bytes to an image service path."""

    def as_project(self, project_id: str, user_id: str | None = None, password: str | None = None) -> "Cloud":
        """The same cloud, in another project; as this administrator, or as the user given."""

    def catalog(self) -> tuple["Endpoint", ...]:
        """Every endpoint of the catalog."""

    def versions(self, service: str) -> tuple["Version", ...]:
        """The API versions a service offers. Raises Missing when it is not in the catalog."""

    def date(self, service: str) -> float | None:
        """The service's clock in seconds since the epoch, from the Date header of a cheap answer."""

    @property
    def user_id(self) -> str:
        """The user we are."""

    @property
    def project_id(self) -> str:
        """The project we work in."""


class Clock(Protocol):
    """Time; the only thing that sleeps."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Interrupted at once when the run is to stop."""

    def check(self) -> None:
        """Raises Interrupted when the run is to stop."""

    def shielded(self, work: Callable[[], T]) -> T:
        """Run work to its end although a stop was asked for; for undoing."""

    def wait(self, what: str, timeout: float, poll: Callable[[], T | None]) -> T:
        """Ask until the answer is not None.

        :param what: for the message, e.g. ``server web1 to stop``.
        :param timeout: seconds.
        :raises pumphouse.errors.CloudError: when it takes longer than that.
        """


class Ledger(Protocol):
    """Remembers what was made and where: intent before the call, fact after it."""

    def intend(self, key: str, kind: str, name: str) -> None:
        """About to make the counterpart of this resource."""

    def created(self, key: str, destination_id: str) -> None:
        """The creating call answered with this id."""

    def done(self, *keys: str) -> None:
        """The counterparts are finished; all of them, or none."""

    def reused(self, key: str, kind: str, name: str, destination_id: str) -> None:
        """A counterpart was there before; never undone. Does not downgrade one that we created."""

    def note(self, key: str, **data: Any) -> None:
        """Add facts to the row's data; makes the row, as intended, when there is none."""

    def forget(self, key: str) -> None:
        """The counterpart was removed, or the cloud refused to make it."""

    def committed(self, key: str) -> None:
        """The original was deleted at the source."""

    def bind(self, source: str, destination: str) -> None:
        """Remember whose ledger this is. Raises Refused when it is another pair's."""

    def row(self, key: str) -> Row | None:
        """The current view of one resource."""

    def rows(self, *kinds: str) -> Mapping[str, Row]:
        """The current view of all resources, or of those of some kinds, by key."""

    def temporary(self, owner: str, cloud: str, kind: str, name: str) -> "Temporary | None":
        """About to make a temporary thing of this unique name; what is known of it from an earlier run."""

    def temporary_made(self, cloud: str, kind: str, name: str, identifier: str) -> None:
        """The temporary thing has this id."""

    def temporary_gone(self, cloud: str, kind: str, name: str) -> None:
        """The temporary thing was removed, or never came to be."""

    def temporaries(self, owner: str | None = None) -> tuple["Temporary", ...]:
        """Those not known to be gone."""


class Journal(Protocol):
    """Migrations and their events, kept beside the ledger."""

    def open(self, selection: Selection, keys: Iterable[str]) -> Migration:
        """The migration of this selection, made when it is new, with these resources in it."""

    def find(self, selection: Selection) -> Migration | None:
        """The migration of this selection, when there is one."""

    def all(self) -> tuple[Migration, ...]:
        """Every migration, the one last worked on first."""

    def set_state(self, identifier: str, state: str) -> None:
        """Where a migration stands."""

    def keys(self, identifier: str) -> frozenset[str]:
        """The resources of a migration."""

    def others(self, identifier: str) -> frozenset[str]:
        """Resources that other migrations, not rolled back, count on."""

    def append(self, new: Event) -> None:
        """Keep an event; of progress, only some, and the last."""

    def last(self) -> int:
        """Number of the newest event; 0 when there is none."""

    def events(self, after: int = 0, identifier: str | None = None) -> tuple[Event, ...]:
        """Events in the order they happened, from the one after ``after`` on."""


class Transfer(Protocol):
    """Copies the data of an image between the clouds, or reads it to its end."""

    def copy(self, image: str, to: str, size: int, about: "About") -> Copied:
        """Copy the data of an image of the source into an image of the destination that has none yet."""

    def read(self, cloud: Cloud, image: str, size: int, about: "About") -> Copied:
        """Read the data of an image to its end, for its hash."""


class IdentityTables(Protocol):
    """Keystone's tables in both clouds, for what no API tells or takes; hashes never leave the adapter.

    All methods raise :class:`pumphouse.errors.CloudError` when a database does not answer as it should.
    """

    def passwords(self, role: str) -> Mapping[str, Password]:
        """What there is to know of the users' passwords in a cloud, by user id; empty without its database."""

    def credentials(self) -> frozenset[str]:
        """Ids of the source's application credentials whose secret the destination can check."""

    def carry_passwords(self, users: Mapping[str, str]) -> Mapping[str, int]:
        """Give users of the destination the passwords of users of the source, in one transaction.

        :param users: source id → destination id.
        :return: source id → when the password was set, in microseconds since the epoch.
        """

    def carry_credential(self, identifier: str, want: Mapping[str, Any]) -> None:
        """Give the destination an application credential of the source, with its id and secret; repeatable.

        :param want: user, project and roles, by their ids in the destination.
        """

    def prove(self, role: str) -> str:
        """Where a cloud's database is, without password, once it has proven to be Keystone's and usable.

        Nothing is changed; whether the destination's can be written is asked with statements that meet no row.
        """


class Publish(Protocol):
    """Publishes an event of the current run."""

    def __call__(self, type: str, key: str = "", **data: Any) -> None:
        """Data must be JSON-able and must not hold secrets."""


@dataclass(frozen=True)
class Ports:
    """Everything outside the process that a run touches.

    :param identity: None when the configuration does not name the databases of both Keystones.
    """

    source: Cloud
    destination: Cloud
    ledger: Ledger
    transfer: Transfer
    clock: Clock
    publish: Publish
    locks: Locks
    probes: Probes
    identity: IdentityTables | None = None

    def cloud(self, role: str) -> Cloud:
        """The cloud with this role."""
        return self.source if role == self.source.role else self.destination


__all__ = [
    "About",
    "Clock",
    "Cloud",
    "Copied",
    "Endpoint",
    "Event",
    "IdentityTables",
    "Journal",
    "Json",
    "Ledger",
    "Password",
    "Ports",
    "Publish",
    "Temporary",
    "Transfer",
    "Version",
]
