"""What may be known of a user's password: everything but the password and its hash."""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Where a user's password is kept."""

    LOCAL = "local"
    LDAP = "ldap"
    FEDERATED = "federated"


@dataclass(frozen=True)
class Password:
    """A user's password, as Keystone's tables describe it.

    :param format: e.g. ``bcrypt``, ``scrypt``, ``sha512_crypt``; empty when the user has none.
    :param created_at: when it was set, in microseconds since the epoch; 0 when the release did not note it.
    :param expires_at: when it expires, in microseconds since the epoch; None when it does not.
    :param accepted: whether the destination's Keystone can check a password by such a hash.
    """

    origin: Origin
    format: str = ""
    created_at: int = 0
    expires_at: int | None = None
    accepted: bool = False

    @property
    def portable(self) -> bool:
        """Whether its hash can be carried."""
        return self.origin is Origin.LOCAL and self.accepted
