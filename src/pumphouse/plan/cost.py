"""What a move costs: bytes to copy, and expected time without service."""

from pumphouse.model import Item

GIB = 1 << 30
RATE = 100 * (1 << 20)  # bytes per second assumed
FIXED = 30.0  # seconds assumed for stopping, capturing, creating and booting a server


def payload_bytes(item: Item) -> int:
    """Upper bound of the data behind an item, in bytes."""
    if item.kind == "image":
        return int(item.observed["size"] or 0)
    if item.kind in ("volume", "volume_snapshot"):
        return int(item.fields["size"]) * GIB
    if item.kind == "server" and item.observed["image_id"]:
        return int(item.observed["root_gb"]) * GIB
    return 0


def downtime(size: int, bandwidth: float | None) -> float:
    """Expected seconds without service.

    :param size: bytes to copy meanwhile. :param bandwidth: cap in MiB/s, if there is one.
    """
    rate = min(RATE, (bandwidth or float("inf")) * (1 << 20))
    return round(FIXED + size / rate, 1)
