"""Compare what was migrated: field by field from two fresh inventories, and disks byte by byte."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pumphouse.inventory import Inventory
from pumphouse.kinds import KINDS
from pumphouse.model import Difference, Item, Row, fingerprint
from pumphouse.plan.changes import Changes, changes, moved_away
from pumphouse.resource import Kind
from pumphouse.tasks.disks import content_now
from pumphouse.tasks.run import Run, Told

RUNNING = "ACTIVE"
DATA = "data"  # the field of a difference between disks


def compare_fields(run: Run, destination: Inventory, rows: Iterable[Row]) -> Iterator[Difference]:
    """Every field of every resource that Pumphouse made, against its original.

    :param rows: of the resources concerned; reused ones belong to the destination and are left out.
    """
    for row in rows:
        item = run.source.by_key(row.key)
        if row.how != "created" or item is None or row.kind not in KINDS:
            continue
        there = destination.get(row.kind, row.destination_id)
        if there is None:
            yield Difference(row.key, row.kind, row.name, "(resource)", "present", "missing")
            continue
        yield from _fields(run, item, there, row)


def _fields(run: Run, item: Item, there: Item, row: Row) -> Iterator[Difference]:
    kind = KINDS[item.kind]
    want: dict[str, Any] = run.want(item)
    have = dict(there.fields)
    notes = _explained(run, item, row, changes(kind, row, want, have))
    if "status" in row.data:
        for name in ("status", "locked"):
            want[name], have[name] = row.data[name], there.observed[name]
    if "owner" in row.data:
        if row.data["owner_refused"]:  # what the plan could not know is told now
            note = "the destination did not let its user make it: it belongs to the administrator's"
            yield Difference(
                row.key, row.kind, row.name, "user_id", want["user_id"], have["user_id"], note, failing=False
            )
        want["user_id"] = row.data["owner"]
    for name, wanted, found in kind.compare(want, have):
        if name in kind.held and row.data.get("held"):
            continue
        shown = _shown(kind, name, wanted), _shown(kind, name, found)
        note = notes.get(name, "")
        yield Difference(row.key, row.kind, row.name, name, *shown, note, failing=not note)


def _explained(run: Run, item: Item, row: Row, found: Changes) -> dict[str, str]:
    """Differences that came later, and that the plan tells of: field → why."""
    if not (found.here or found.there):
        return {}
    if moved_away(item, KINDS[item.kind], run.ports.ledger.rows("server"), run.source):
        return dict.fromkeys(found.here, "changed at the source since it moved")
    notes = dict.fromkeys(found.both, "changed on both sides since it was carried over")
    notes |= dict.fromkeys(found.fixed, "changed at the source since it was carried over, for good")
    if row.data.get("verified"):
        notes |= dict.fromkeys(found.there, "changed in the destination since it was verified")
    return notes


def _shown(kind: Kind, name: str, value: Any) -> Any:
    return f"fingerprint {fingerprint(value)}" if name in kind.secret else value


def disks(rows: Iterable[Row], known: dict[str, Row]) -> list[tuple[Row, str]]:
    """What holds data, with the hash of that data at the source.

    :param known: all rows: the hash of a server's root disk is filed under its image.
    """
    found = []
    for row in rows:
        if row.how != "created" or row.state != "done":
            continue
        data = known[f"image:root-{row.source_id}"].data if _has_root(row, known) else row.data
        if row.kind in ("server", "volume", "volume_snapshot", "image") and "content" in data:
            found.append((row, str(data["content"])))
    return found


def _has_root(row: Row, known: dict[str, Row]) -> bool:
    return row.kind == "server" and f"image:root-{row.source_id}" in known


def compare_disks(
    run: Run, destination: Inventory, wanted: list[tuple[Row, str]], accept_running: bool
) -> list[Difference]:
    """Read every disk of the destination back and compare its hash, several at once.

    :param accept_running: what a guest may have written since the move is told, and is no failure.
    """
    with ThreadPoolExecutor(run.policy.transfers, thread_name_prefix="verify") as pool:
        jobs = [pool.submit(_disk, run, destination, row, hash_, accept_running) for row, hash_ in wanted]
        return [difference for job in jobs if (difference := job.result())]


def _disk(
    run: Run, destination: Inventory, row: Row, content: str, accept_running: bool
) -> Difference | None:
    step = next((s for s in run.plan.steps if s.key == row.key), None)
    if destination.get(row.kind, row.destination_id) is None and not row.source_id.startswith("root-"):
        return None  # missing: said already
    if step:
        with Told(run, step, "verify"):
            now = content_now(run, row)
    else:
        now = content_now(run, row)
    if now == content:
        return None
    ran = _ran(run, destination, row)
    note = "its server has been running since the move; its guest may have written this" if ran else ""
    if now is None:
        note = "a snapshot of it is not raw, so its content cannot be compared"
    failing = now is not None and not (ran and accept_running)
    return Difference(row.key, row.kind, row.name, DATA, content, now, note, failing)


def _ran(run: Run, destination: Inventory, row: Row) -> bool:
    """Whether a guest could write to the disk since it arrived."""
    if row.kind in ("image", "volume_snapshot"):
        return False
    servers = [row.destination_id]
    if row.kind == "volume":
        there = destination.get("volume", row.destination_id)
        servers = [a["server_id"] for a in there.observed["attachments"]] if there else []
    found = [destination.get("server", s) for s in servers]
    return any(s is not None and s.observed["status"] == RUNNING for s in found)
