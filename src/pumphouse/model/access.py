"""Who asks something of the service, what they may, and what is remembered of it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may; each may what those before it may."""

    VIEWER = "viewer"  # looks
    OPERATOR = "operator"  # and plans, moves, verifies, rolls back
    APPROVER = "approver"  # and does what cannot be undone

    def covers(self, needed: "Role") -> bool:
        """Whether it may what the other role may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class Caller:
    """Somebody who is logged in.

    :param name: ``USER@DOMAIN`` as Keystone says, or how it came without one.
    """

    name: str
    role: Role


@dataclass(frozen=True)
class Audited:
    """One request that was meant to change something, or was refused.

    :param at: seconds since the epoch.
    :param who: name of the caller; empty when there was none.
    :param origin: the address it came from.
    :param what: method and path.
    :param about: what it worked on, in words.
    :param status: what was answered, as in HTTP; 0 when the service ended before it answered.
    """

    seq: int
    at: float
    who: str
    role: str
    origin: str
    what: str
    about: str = ""
    status: int = 0
