"""What differs between the releases of Fuel that the lab can be."""

from dataclasses import dataclass

OLD_ROLES = ("controller", "compute", "cinder", "cinder-vmware", "ceph-osd", "mongo", "base-os")


@dataclass(frozen=True)
class Release:
    """One release of Fuel, as its answers show it.

    :param name: what it is chosen by.
    :param version: what it calls itself.
    :param openstack: name and version of what it installs.
    """

    name: str
    version: str
    openstack: tuple[str, str]
    number: tuple[int, int]

    @property
    def tells_version(self) -> bool:
        """Whether the version may be asked without a token."""
        return self.number < (9, 0)

    @property
    def has_v3(self) -> bool:
        """Whether its Keystone has v3."""
        return self.number >= (9, 0)

    @property
    def has_roles(self) -> bool:
        """Whether environments tell their roles, and hosts have a host name from the beginning."""
        return self.number >= (7, 0)

    @property
    def has_pending(self) -> bool:
        """Whether tasks wait before they run, and whether environments tell that they are locked."""
        return self.number >= (8, 0)

    @property
    def runs_all(self) -> bool:
        """Whether each deployment goes over all members, has a graph, and is checked for all of them."""
        return self.number >= (9, 0)


RELEASES = {
    "6.1": Release("6.1", "6.1", ("Juno on Ubuntu 14.04.1", "2014.2.2-6.1"), (6, 1)),
    "8.0": Release("8.0", "8.0", ("Liberty on Ubuntu 14.04", "liberty-8.0"), (8, 0)),
    "9.2": Release("9.2", "9.1", ("Mitaka on Ubuntu 14.04", "mitaka-9.0"), (9, 2)),
}
