"""Both Keystones' tables together: hashes go from one to the other, and nowhere else."""

from collections.abc import Callable, Mapping
from typing import Any

from pumphouse.config import Config
from pumphouse.errors import CloudError
from pumphouse.identity.formats import format_of
from pumphouse.identity.keystone import KeystoneTables, User
from pumphouse.model import Password


class SqlIdentityTables:
    """See :class:`pumphouse.ports.IdentityTables`.

    :param accepts: the formats that the destination's Keystone can check.
    """

    def __init__(self, config: Config, accepts: Callable[[], frozenset[str]]) -> None:
        self._accepts = accepts
        self._of: dict[str, KeystoneTables] = {}
        for role in ("source", "destination"):
            settings = getattr(config, role).identity
            if settings:
                self._of[role] = KeystoneTables(role, settings.connection.get_secret_value())

    def prove(self, role: str) -> str:
        """See the port."""
        return self._of[role].prove(write=role == "destination")

    def passwords(self, role: str) -> Mapping[str, Password]:
        """See the port."""
        if role not in self._of:
            return {}
        accepted = self._accepts()
        return {key: _described(user, accepted) for key, user in self._of[role].users().items()}

    def credentials(self) -> frozenset[str]:
        """See the port."""
        accepted = self._accepts()
        hashes = self._of["source"].hashes_of_credentials()
        return frozenset(key for key, hashed in hashes.items() if format_of(hashed) in accepted)

    def carry_passwords(self, users: Mapping[str, str]) -> Mapping[str, int]:
        """See the port. Older passwords go along, so that they cannot be used again; unless the destination
        could not check them, which would keep the user from ever choosing a new one.
        """
        accepted, here = self._accepts(), self._of["source"].users()
        wanted: dict[str, User] = {}
        carried: dict[str, int] = {}
        for identifier, there in users.items():
            user = here.get(identifier)
            if user is None or not _described(user, accepted).portable:
                raise CloudError(
                    f"source: the password of user {identifier} changed while it was to be carried",
                    "Run the same command again.",
                )
            secrets = tuple(s for s in user.secrets if format_of(s.hashed) in accepted)
            wanted[there] = User(user.origin, secrets, user.failures, user.failed_at)
            carried[identifier] = secrets[-1].created_at
        self._of["destination"].write(wanted)
        return carried

    def carry_credential(self, identifier: str, want: Mapping[str, Any]) -> None:
        """See the port."""
        hashed = self._of["source"].hashes_of_credentials().get(identifier)
        if hashed is None:
            raise CloudError(f"source: application credential {identifier} is no longer there", "Plan again.")
        self._of["destination"].add_credential(identifier, hashed, want)


def _described(user: User, accepted: frozenset[str]) -> Password:
    if not user.secrets:
        return Password(user.origin)
    last = user.secrets[-1]
    name = format_of(last.hashed)
    return Password(user.origin, name, last.created_at, last.expires_at, name in accepted)
