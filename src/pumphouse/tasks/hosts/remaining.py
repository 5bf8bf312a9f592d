"""What a source still holds, as a whole; it is closed only when there is nothing."""

from collections.abc import Collection, Iterator

from pumphouse.errors import Missing
from pumphouse.facts import SERVICES, hypervisors
from pumphouse.ports import Cloud
from pumphouse.tasks.hosts.emptiness import names

#: What is counted: service, path, name of the list.
COUNTED = (
    ("block-storage", "/volumes/detail", "volumes"),
    ("block-storage", "/snapshots/detail", "snapshots"),
    ("block-storage", "/backups/detail", "backups"),
)


def remaining(cloud: Cloud, known_images: Collection[str]) -> Iterator[str]:
    """What would be lost with a cloud, one line for each kind.

    :param known_images: ids of those that are in the destination, too.
    """
    servers = cloud.pages("compute", "/servers/detail", "servers", all_tenants="1")
    yield from _line("servers", [f"{body['name']} ({body['status']})" for body in servers])
    for service, path, many in COUNTED:
        try:
            found = list(cloud.pages(service, path, many, all_tenants="1"))
        except Missing:  # a cloud without Cinder, or without backups
            continue
        yield from _line(
            f"volume {many}" if many != "volumes" else many, [b["name"] or b["id"] for b in found]
        )
    ports = cloud.pages("network", "/ports", "ports")
    used = [b["name"] or b["id"] for b in ports if (b["device_owner"] or "").startswith("compute:")]
    yield from _line("ports of servers", used)
    addresses = cloud.pages("network", "/floatingips", "floatingips")
    yield from _line("floating IPs", [b["floating_ip_address"] for b in addresses])
    images = cloud.pages("image", "/images", "images")
    alone = [b["name"] or b["id"] for b in images if b["id"] not in known_images]
    yield from _line("images that are in the source only", alone)
    alive = [h.name for h in hypervisors(cloud, SERVICES) if h.state == "up"]
    yield from _line("hosts that still run", alive)


def _line(what: str, found: list[str]) -> Iterator[str]:
    if found:
        yield f"{what}, {names(found)}"
