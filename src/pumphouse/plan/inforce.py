"""Which policy is in force for a resource, and what the resource is to be like by it."""

from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Item
from pumphouse.policy import Policy
from pumphouse.references import Lookup


def wanted(item: Item, lookup: Lookup, source: Inventory, policy: Policy) -> dict[str, Any]:
    """The fields of an item of the source as they should be in the destination.

    :param lookup: the counterpart of what it refers to.
    :param policy: that of the whole run.
    :raises Missing: when a strong reference has no counterpart.
    """
    kind = KINDS[item.kind]
    want = kind.target(item, lookup)
    if "name" in want:
        want["name"] = policy.renamed(item.kind, want["name"])
    return kind.decide(want, item, policy_of(item, source, policy))


def policy_of(item: Item, source: Inventory, policy: Policy) -> Policy:
    """The policy with the overrides of the item's project and server."""
    server = source.get("server", _server_of(item, source))
    project = source.name_of("project", item.project_id)
    ids = tuple(filter(None, (item.project_id, server.id if server else None)))
    return policy.at(project, server.name if server else "", ids=ids)


def decided(item: Item, source: Inventory, policy: Policy) -> dict[str, Any]:
    """The fields of an item, with what the operator decides about it; references are still the source's."""
    return KINDS[item.kind].decide(dict(item.fields), item, policy_of(item, source, policy))


def _server_of(item: Item, source: Inventory) -> str | None:
    """Id of the server that an item is, or belongs to: ports, addresses, volumes and their snapshots do."""
    if item.kind == "server":
        return item.id
    if item.kind == "floating_ip":
        port = source.get("port", item.fields.get("port_id"))
        return _server_of(port, source) if port else None
    if item.kind == "volume_snapshot":
        volume = source.get("volume", item.fields["volume_id"])
        return _server_of(volume, source) if volume else None
    if item.kind == "port":
        return str(item.observed["device_id"])
    attached = item.observed["attachments"] if item.kind == "volume" else ()
    return str(attached[0]["server_id"]) if attached else None
