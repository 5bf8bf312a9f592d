"""The OpenStack releases the lab can run.

A release is a requirements file in ``releases/`` with every package pinned, and one row of facts here.
"""

from dataclasses import dataclass
from pathlib import Path

from pumphouse.errors import LabError

REQUIREMENTS = Path(__file__).parent / "releases"


@dataclass(frozen=True)
class Release:
    """One OpenStack release.

    :param name: as operators write it: ``zed``, ``2026.2``.
    :param python: the Python its packages are pinned for.
    :param green: services that need eventlet's green threads; the others run on native threads.
    """

    name: str
    python: str
    green: frozenset[str] = frozenset()

    @property
    def requirements(self) -> Path:
        """The file that pins every package of the release."""
        return REQUIREMENTS / f"{self.name}.txt"


# Nova can do without eventlet from 33 on, Cinder from 29, Neutron from 26;
# Keystone, Glance and Placement never need it under a threaded server.
_GREEN = frozenset({"nova", "neutron", "cinder"})
# Oldest first, as operators meet them. The Python is one that the release itself was tested with.
RELEASES = {
    release.name: release
    for release in (
        Release("train", python="3.6", green=_GREEN),
        Release("ussuri", python="3.6", green=_GREEN),
        Release("victoria", python="3.8", green=_GREEN),
        Release("wallaby", python="3.8", green=_GREEN),
        Release("xena", python="3.8", green=_GREEN),
        Release("yoga", python="3.9", green=_GREEN),
        # not tested by Zed itself: the oldest Python that Pumphouse has
        Release("zed", python="3.11", green=_GREEN),
        Release("2023.1", python="3.10", green=_GREEN),
        Release("2023.2", python="3.10", green=_GREEN),
        Release("2024.1", python="3.11", green=_GREEN),
        Release("2024.2", python="3.11", green=_GREEN),
        Release("2025.1", python="3.12", green=_GREEN),
        Release("2025.2", python="3.12", green=_GREEN - {"neutron"}),
        Release("2026.1", python="3.12", green=frozenset({"cinder"})),
        Release("2026.2", python="3.11"),
    )
}


def find_release(name: str) -> Release:
    """The release called ``name``; its upper or lower case does not matter."""
    try:
        return RELEASES[name.lower()]
    except KeyError:
        raise LabError(
            f"release {name!r} is not one the lab knows", f"choose one of: {', '.join(RELEASES)}"
        ) from None
