"""Both clouds at a glance: what their hosts carry, and whose it is."""

from dataclasses import dataclass

from pumphouse.model.host import HostStatus


@dataclass(frozen=True)
class ServerStatus:
    """One server, where it is.

    :param cloud: role of its cloud.
    :param project: name of its project.
    :param host: name of the hypervisor it is on; empty when it is on none, as shelved ones are.
    :param vcpus: number of them. :param memory: MiB.
    :param moved: where the ledger has it: at the source the state of its row, e.g. ``done``; in the destination
        ``created`` when Pumphouse made it; empty otherwise.
    :param counterpart: id of the server in the other cloud that it became, or was; empty when there is none.
    """

    id: str
    name: str
    cloud: str
    project: str
    host: str
    status: str
    vcpus: int = 0
    memory: int = 0
    moved: str = ""
    counterpart: str = ""


@dataclass(frozen=True)
class ProjectStatus:
    """One project of a cloud."""

    id: str
    name: str
    cloud: str


@dataclass(frozen=True)
class Picture:
    """Both clouds at one moment.

    :param at: seconds since the epoch, when it was looked at.
    :param source: how the source is called. :param destination: how the destination is.
    """

    at: float
    source: str
    destination: str
    hosts: tuple[HostStatus, ...]
    servers: tuple[ServerStatus, ...]
    projects: tuple[ProjectStatus, ...]


@dataclass(frozen=True)
class Setting:
    """One setting of config.yaml.

    :param path: e.g. ``policy.concurrency``. :param value: in words, never a secret.
    :param given: whether it is not what it would be by itself.
    """

    path: str
    value: str
    given: bool
