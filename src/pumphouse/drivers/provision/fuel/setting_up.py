"""A node that was just assigned gets its disks and interfaces; both are read back."""

from collections.abc import Callable
from typing import Any

from pumphouse.drivers.provision.fuel import layout
from pumphouse.drivers.provision.fuel.nailgun import Nailgun
from pumphouse.drivers.provision.fuel.settings import FuelSettings
from pumphouse.errors import ProvisionError

Body = dict[str, Any]
Meaning = Callable[[list[Body]], dict[tuple[str, ...], Any]]


def set_up(nailgun: Nailgun, node: Body, example: Body | None, settings: FuelSettings) -> None:
    """As the settings say, else as the example is.

    :param example: None when the settings say everything.
    :raises Refused: when the machine cannot be laid out so.
    """
    path = f"/nodes/{node['id']}"
    of_example = f"/nodes/{example['id']}" if example else ""
    wanted = settings.disks or layout.disks_of(nailgun.get(f"{of_example}/disks"))
    body = layout.lay_out(wanted, nailgun.get(f"{path}/disks"), nailgun.get(f"{path}/volumes"))
    _put(nailgun, f"{path}/disks", body, _sizes)
    found = nailgun.get(f"{path}/interfaces")
    bonds: list[Body] = []
    networks = settings.interfaces
    if not networks:
        others = nailgun.get(f"{of_example}/interfaces")
        bonds = [each for each in others if each["type"] == layout.BOND]
        networks = layout.networks_of(others)
    body = layout.connect(networks, bonds, found, layout.starts_from(node, found))
    _put(nailgun, f"{path}/interfaces", body, _networks)


def _put(nailgun: Nailgun, path: str, body: list[Body], meaning: Meaning) -> None:
    """Fuel takes much that it then does not keep, and says so nowhere."""
    nailgun.put(path, body)
    kept = meaning(nailgun.get(path))
    if lost := [what for what, value in meaning(body).items() if kept.get(what) != value]:
        raise ProvisionError(
            f"Fuel took {path} and did not keep {' '.join(lost[0])}",
            "Set them in Fuel by hand, and say so in 'disks' and 'interfaces' of the deployment.",
        )


def _sizes(bodies: list[Body]) -> dict[tuple[str, ...], Any]:
    """By disk and volume."""
    return {(disk["id"], v["name"]): v["size"] for disk in bodies for v in disk["volumes"]}


def _networks(bodies: list[Body]) -> dict[tuple[str, ...], Any]:
    """By interface; their order says nothing."""
    return {(name,): set(networks) for name, networks in layout.networks_of(bodies).items()}
