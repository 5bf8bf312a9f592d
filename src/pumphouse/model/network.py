"""What a cloud's network service is, besides the resources that Pumphouse carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class NetworkFacts:
    """What decisions about the resources of Neutron need to know of a cloud.

    :param extensions: aliases of the extensions it has.
    :param zones: availability zones as ``(resource, name)``; the resource is ``network`` or ``router``.
    :param physical_networks: those that its agents report; empty when none reports any (OVN has other agents).
    :param in_use: network id → address or MAC → what has it, in words.
    """

    extensions: frozenset[str] = frozenset()
    zones: frozenset[tuple[str, str]] = frozenset()
    physical_networks: frozenset[str] = frozenset()
    in_use: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
