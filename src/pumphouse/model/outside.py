"""What clouds and transfers tell of themselves, and what is made for the duration of a move."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    """One line of a cloud's service catalog."""

    service_type: str
    name: str
    region: str
    interface: str
    url: str


@dataclass(frozen=True)
class Version:
    """One API version a service offers.

    :param id: e.g. ``v2.1``.
    :param status: ``CURRENT``, ``SUPPORTED``, ``DEPRECATED``...
    :param minimum: lowest microversion, empty when the service has none.
    :param maximum: highest microversion, empty when the service has none.
    """

    id: str
    status: str
    minimum: str = ""
    maximum: str = ""


@dataclass(frozen=True)
class Temporary:
    """A thing made for the duration of a move: a snapshot, volume, image, role grant or keypair.

    :param identifier: None when only the intent is known (a crash in between): look it up by name.
    """

    owner: str
    cloud: str
    kind: str
    name: str
    identifier: str | None


@dataclass(frozen=True)
class About:
    """Whose data is copied, for progress.

    :param key: the image, volume or root disk.
    :param workload: key of the server it goes with, or its own.
    """

    key: str
    workload: str


@dataclass(frozen=True)
class Copied:
    """What a transfer copied.

    :param size: bytes sent.
    :param content: sha256, in hex, of the content without the zero bytes at its end.
    :param seconds: how long it took.
    """

    size: int
    content: str
    seconds: float
