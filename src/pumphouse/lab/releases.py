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


# Nova can do without eventlet from 33 on, Cinder from 28, Neutron from 26;
# Keystone, Glance and Placement never need it under a threaded server.
RELEASES = {
    release.name: release
    for release in (
        Release("zed", python="3.11", green=frozenset({"nova", "neutron", "cinder"})),
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
