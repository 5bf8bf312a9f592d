"""Read a cloud through the table of kinds: many listings at once, nothing written."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pumphouse.errors import CloudError
from pumphouse.facts import hypervisor_bodies
from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import HostRoom, Item, NetworkFacts
from pumphouse.ports import Cloud, IdentityTables
from pumphouse.resource import Kind

LISTINGS = 6  # at once, for each cloud


def discover(cloud: Cloud) -> Inventory:
    """Everything the cloud holds of the kinds Pumphouse knows, as an administrator sees it."""
    found: dict[str, list[Item]] = {}
    with ThreadPoolExecutor(LISTINGS, thread_name_prefix=f"discover-{cloud.role}") as pool:
        network = pool.submit(network_facts, cloud)
        for level in _levels(KINDS.values()):
            reads = {kind.name: pool.submit(_read, kind, cloud, found) for kind in level}
            found |= {name: read.result() for name, read in reads.items()}
    implied = {kind.name: list(kind.implied(found)) for kind in KINDS.values()}
    found = {name: [*items, *implied[name]] for name, items in found.items()}
    return Inventory(cloud.role, (item for name in KINDS for item in found[name]), network.result())


def network_facts(cloud: Cloud) -> NetworkFacts:
    """What the network service is; the addresses in use only in the destination, where new ones are added."""
    extensions = frozenset(e["alias"] for e in cloud.get("network", "/extensions")["extensions"])
    zones = cloud.find("network", "/availability_zones") if "availability_zone" in extensions else None
    agents = cloud.pages("network", "/agents", "agents") if "agent" in extensions else ()
    mappings = [agent["configurations"].get("bridge_mappings") or {} for agent in agents]
    in_use: dict[str, dict[str, str]] = {}
    for port in cloud.pages("network", "/ports", "ports") if cloud.role == "destination" else ():
        words = f"port {port['id']} ({port['device_owner'] or 'unattached'})"
        used = in_use.setdefault(port["network_id"], {})
        addresses = (address["ip_address"] for address in port["fixed_ips"])
        used |= dict.fromkeys((port["mac_address"], *addresses), words)
    return NetworkFacts(
        extensions,
        frozenset(
            (z["resource"], z["name"]) for z in (zones or {"availability_zones": ()})["availability_zones"]
        ),
        frozenset(name for mapping in mappings for name in mapping),
        in_use,
    )


def add_identity(inventory: Inventory, tables: IdentityTables, carrying: bool) -> Inventory:
    """The same inventory, with what Keystone's tables tell of users and application credentials among what is
    observed of them.

    :param carrying: whether both databases are at hand; else nothing is asked.
    """
    if not carrying:
        return inventory
    passwords = tables.passwords(inventory.role)
    carried = tables.credentials() if inventory.role == "source" else frozenset()

    def added(item: Item) -> Item:
        if item.kind == "user":
            return replace(item, observed={**item.observed, "password": passwords.get(item.id)})
        if item.kind == "application_credential":
            return replace(item, observed={**item.observed, "carried": item.id.rpartition("/")[2] in carried})
        return item

    return Inventory(inventory.role, map(added, inventory), inventory.network)


def room(cloud: Cloud) -> tuple[HostRoom, ...] | None:
    """What the hypervisors that are up and enabled still take; None when placement is not there to say."""
    try:
        providers = list(cloud.pages("placement", "/resource_providers", "resource_providers"))
    except CloudError:
        return None
    zones = {s["host"]: s.get("zone", "") for s in cloud.pages("compute", "/os-services", "services")}
    open_hosts = {
        body["hypervisor_hostname"]: zones.get((body.get("service") or {}).get("host"), "")
        for body in hypervisor_bodies(cloud)
        if body.get("state") == "up" and body.get("status") == "enabled"
    }
    return tuple(_host(cloud, p, open_hosts[p["name"]]) for p in providers if p["name"] in open_hosts)


def _host(cloud: Cloud, provider: dict[str, str], zone: str) -> HostRoom:
    path = f"/resource_providers/{provider['uuid']}"
    inventories = cloud.get("placement", f"{path}/inventories")["inventories"]
    usages = cloud.get("placement", f"{path}/usages")["usages"]

    def free(name: str) -> float:
        stock = inventories.get(name)
        if stock is None:
            return 0.0
        total: float = (stock["total"] - stock["reserved"]) * stock["allocation_ratio"]
        return total - float(usages.get(name, 0))

    return HostRoom(provider["name"], free("VCPU"), free("MEMORY_MB"), free("DISK_GB"), zone)


def _read(kind: Kind, cloud: Cloud, found: dict[str, list[Item]]) -> list[Item]:
    return list(kind.read(cloud, found))


def _levels(kinds: Iterable[Kind]) -> list[list[Kind]]:
    """Kinds that need nothing else first, then those that need them, and so on."""
    waiting, known, levels = list(kinds), set[str](), list[list[Kind]]()
    while waiting:
        level = [kind for kind in waiting if known.issuperset(kind.reads_after)]
        known |= {kind.name for kind in level}
        waiting = [kind for kind in waiting if kind.name not in known]
        levels.append(level)
    return levels
