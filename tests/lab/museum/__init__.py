"""The museum: a project that holds one of everything a tenant can have, built with plain openstacksdk.

A *wing* is a module here, listed in WINGS, with one area of OpenStack in it:

``POLICY``
    what its exhibits ask of ``policy`` in config.yaml; merged into the lab's configuration.
``build(hall)``
    makes the exhibits in the source.
``portrait(hall, side)``
    ``{kind: {name: facts}}`` of all exhibits in one cloud, with names instead of ids, through plain openstacksdk
    (and by reading disk files): whatever the table of supported resources says is carried or mapped. Equal
    portraits are equal exhibits.
``provide(cloud)`` (only where there is any)
    what the deployer of every cloud has laid out, and no migration carries.

An exhibit that the source's release cannot hold is left out by its wing; ``hall.speaks`` tells.
"""

import os
from types import ModuleType
from typing import Any

import yaml

from museum import compute, identity, images, network, storage
from museum.hall import PROJECT, Hall, find_hall, open_hall

__all__ = ["PROJECT", "WINGS", "Hall", "configure", "find_hall", "open_hall", "provide"]

#: Every wing there is, in the order in which they are built: the network wing has a default QoS policy, which
#: promises what no host of the lab has, and the images wing sets limits. PUMPHOUSE_TEST_WINGS narrows them while one
#: is worked on.
ALL: tuple[ModuleType, ...] = (identity, storage, compute, network, images)
_wanted = os.environ.get("PUMPHOUSE_TEST_WINGS", "").split()
WINGS = {name: wing for wing in ALL if (name := wing.__name__.rpartition(".")[2]) in (_wanted or [name])}


def provide(cloud: Any) -> None:
    """Lay out in a cloud what its deployer gives to all projects."""
    for wing in WINGS.values():
        getattr(wing, "provide", lambda _: None)(cloud)


def configure(lab: Any) -> None:
    """Write ``museum.yaml`` beside the lab's config.yaml: the same clouds, and what the exhibits ask of policy.

    ``museum-back.yaml`` has the clouds exchanged, and a ledger of its own.
    """
    config = yaml.safe_load(lab.config.read_text())
    for wing in WINGS.values():
        for key, value in wing.POLICY.items():
            policy = config.setdefault("policy", {})
            policy[key] = {**policy.get(key, {}), **value} if isinstance(value, dict) else value
    (lab.home / "museum.yaml").write_text(yaml.safe_dump(config))
    back = config | {"source": config["destination"], "destination": config["source"]}
    back["ledger"] = "museum-back.sqlite"
    (lab.home / "museum-back.yaml").write_text(yaml.safe_dump(back))
