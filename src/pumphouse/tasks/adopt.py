"""Adopt a volume: the source lets it go, the destination takes it over; both have its storage, so no byte is copied.

Everything that is needed to give it back is in the ledger before the source lets it go.
"""

from typing import Any

from pumphouse.errors import CloudError
from pumphouse.kinds import KINDS, volume
from pumphouse.model import Item, Row, Step
from pumphouse.plan.pools import HOST, shared_pool
from pumphouse.ports import Cloud
from pumphouse.tasks.actors import Actors
from pumphouse.tasks.run import Run, Told

STORAGE = "block-storage"
MANAGE = "/manageable_volumes"  # from microversion 3.8


def adopt(run: Run, step: Step, workload: str) -> bool:
    """Take a volume over; False when it has to be copied, and nothing was touched.

    :param workload: key of the server it goes with, or its own.
    """
    item, row = run.item(step.key), run.row(step.key)
    if row is None or "adopt" not in row.data:
        facts = _provable(run, item)
        if facts is None:
            return False
        run.ports.ledger.note(step.key, adopt=facts)
    else:
        facts = row.data["adopt"]
    with Told(run, step, "release", workload):
        _detach(run, item.id, facts)
        _let_go(run, run.ports.source, item.id)
    with Told(run, step, "adopt", workload):
        identifier = _take_over(run, item, facts)
        KINDS["volume"].finish(run.ports.destination, identifier, run.want(item), item)
    return True


# --- proof --------------------------------------------------------------------------------------
def _provable(run: Run, item: Item) -> dict[str, Any] | None:
    """What is needed to take it over and to give it back; None unless both clouds see the same thing.

    The source says by what name its storage knows the volume; the destination must list one of the same name
    and size in its pool, not managed yet.
    """
    pool, why_not = shared_pool(item, run.source, run.policy)
    if not pool or why_not:
        return None
    host = item.observed[HOST]
    reference = _reference(run.ports.source, host, item.id)
    there = [
        row
        for row in _listed(run.ports.destination, pool)
        if row["reference"] == reference and row["size"] == item.fields["size"] and row["safe_to_manage"]
    ]
    if reference is None or not there:
        run.ports.publish("adopt.refused", item.key, reason=f"the destination does not list it in {pool}")
        return None
    server = next((a["server_id"] for a in item.observed["attachments"]), None)
    of = run.source.get("server", server)
    attached = [v for v in (of.fields["volumes"] if of else ()) if v["volume_id"] == item.id]
    return {
        "fields": dict(item.fields),
        "observed": dict(item.observed),
        "server": server,
        "attached": attached[0] if attached else None,
        "reference": reference,
        "source": host,
        "destination": pool,
    }


def _listed(cloud: Cloud, host: str) -> list[dict[str, Any]]:
    """What a pool holds, managed or not; nothing when its driver cannot tell."""
    if not cloud.supports(STORAGE, "3.8"):
        return []
    try:
        return list(cloud.pages(STORAGE, f"{MANAGE}/detail", "manageable-volumes", host=host))
    except CloudError:
        return []


def _reference(cloud: Cloud, host: str, identifier: str) -> dict[str, Any] | None:
    """By what name the storage knows a volume that the cloud manages."""
    found = (row["reference"] for row in _listed(cloud, host) if row["cinder_id"] == identifier)
    return next(found, None)


# --- from the source to the destination ---------------------------------------------------------
def _detach(run: Run, identifier: str, facts: dict[str, Any]) -> None:
    """Its server is stopped."""
    cloud, server = run.ports.source, facts["server"]
    body = cloud.find(STORAGE, f"/volumes/{identifier}")
    if server and body and body["volume"]["attachments"]:
        cloud.delete("compute", f"/servers/{server}/os-volume_attachments/{identifier}")
        _wait_until(run, cloud, identifier, "available", "in-use")


def _let_go(run: Run, cloud: Cloud, identifier: str) -> None:
    """The cloud forgets a volume, and leaves its data alone."""
    path = f"/volumes/{identifier}"
    body = cloud.find(STORAGE, path)
    if body is None:
        return
    if body["volume"]["status"] != "unmanaging":
        cloud.post(STORAGE, f"{path}/action", {"os-unmanage": {}})

    def gone() -> bool | None:
        now = cloud.find(STORAGE, path)
        if now and now["volume"]["status"].startswith("error"):
            raise CloudError(
                f"{cloud.role}: volume {identifier} could not be released: status {now['volume']['status']}",
                f"See the log of cinder-volume of the {cloud.role}.",
            )
        return None if now else True

    run.ports.clock.wait(f"{cloud.role} {path[1:]} to be released", run.policy.timeouts.volume, gone)


def _take_over(run: Run, item: Item, facts: dict[str, Any]) -> str:
    ledger, cloud, row = run.ports.ledger, run.ports.destination, run.row(item.key)
    identifier = row.destination_id if row and row.state == "created" else None
    identifier = identifier or volume.find_marked(cloud, item.id)
    if identifier is None:
        ledger.note(item.key, creating=True, owner=cloud.user_id, owner_refused=False)
        actor = run.actors.in_project(str(run.lookup("project", item.project_id or "")))
        identifier = _manage(actor, facts["destination"], facts["reference"], run.want(item), item.id)
    ledger.created(item.key, identifier)
    volume.wait(cloud, run.ports.clock, f"/volumes/{identifier}", "volume", run.policy.timeouts.volume)
    return identifier


def _manage(cloud: Cloud, host: str, reference: dict[str, Any], want: dict[str, Any], source_id: str) -> str:
    body = {name: want[name] for name in ("name", "description", "volume_type", "bootable")}
    body |= {"host": host, "ref": reference, "metadata": {**want["metadata"], volume.MARK: source_id}}
    return str(cloud.post(STORAGE, MANAGE, {"volume": body})["volume"]["id"])


# --- and back -----------------------------------------------------------------------------------
def give_back(run: Run, row: Row) -> None:
    """The destination lets the volume go, the source takes it over again and attaches it as it was.

    It gets a new id at the source: no API sets one.
    """
    facts = row.data["adopt"]
    _release(run, row, facts)
    source, identifier = run.ports.source, row.source_id
    if source.find(STORAGE, f"/volumes/{identifier}") is None:
        identifier = _taken_back(run, row)
    item = Item("volume", row.source_id, row.name, facts["fields"]["project_id"], facts["fields"])
    KINDS["volume"].finish(source, identifier, dict(facts["fields"]), item)
    _attach(run, identifier, facts)
    if identifier != row.source_id:
        run.ports.publish("volume.returned", row.key, name=row.name, source_id=identifier)


def _release(run: Run, row: Row, facts: dict[str, Any]) -> None:
    """By what name the storage knows it now is noted before: taking it over may have renamed it."""
    cloud, ledger = run.ports.destination, run.ports.ledger
    there = row.destination_id or volume.find_marked(cloud, row.source_id)
    path = f"/volumes/{there}"
    body = cloud.find(STORAGE, path) if there else None
    if body is None:
        return
    if body["volume"]["status"] == "error_managing":  # never taken over: only the record goes
        cloud.delete(STORAGE, path)
        volume.wait_gone(cloud, run.ports.clock, path, run.policy.timeouts.volume)
        return
    if body["volume"]["status"] != "unmanaging":
        reference = _reference(cloud, facts["destination"], str(there))
        if reference is None:
            raise CloudError(
                f"destination: volume {there} is not listed in {facts['destination']}: it cannot be given back",
                "Check that the driver of the pool lists manageable volumes; nothing was changed.",
            )
        ledger.note(row.key, returned_by=reference)
    _let_go(run, cloud, str(there))


def _taken_back(run: Run, row: Row) -> str:
    facts, source, known = row.data["adopt"], run.ports.source, run.row(row.key)
    data = known.data if known else row.data
    identifier = data.get("returned_as") or volume.find_marked(source, row.source_id)
    if identifier is None:
        reference = data.get("returned_by") or facts["reference"]
        actors = Actors(source, run.ports.ledger, run.temporaries, run.ports.clock, lambda _: "")
        project = actors.in_project(facts["fields"]["project_id"])
        identifier = _manage(project, facts["source"], reference, facts["fields"], row.source_id)
    run.ports.ledger.note(row.key, returned_as=identifier)
    volume.wait(source, run.ports.clock, f"/volumes/{identifier}", "volume", run.policy.timeouts.volume)
    return str(identifier)


def adopted_from(run: Run, server: str) -> list[str]:
    """Keys of the volumes that were taken off a server of the source.

    :param server: its id.
    """
    rows = run.ports.ledger.rows("volume").values()
    return [row.key for row in rows if row.data.get("adopt", {}).get("server") == server]


def _attach(run: Run, identifier: str, facts: dict[str, Any]) -> None:
    cloud, server = run.ports.source, facts["server"]
    if not server or cloud.get(STORAGE, f"/volumes/{identifier}")["volume"]["status"] != "available":
        return
    body = {"volumeId": identifier, "device": facts["attached"]["device"]}
    if cloud.supports("compute", "2.79"):
        body["delete_on_termination"] = facts["attached"]["delete_on_termination"]
    if tag := facts["attached"].get("tag"):
        body["tag"] = tag
    cloud.post("compute", f"/servers/{server}/os-volume_attachments", {"volumeAttachment": body})

    _wait_until(run, cloud, identifier, "in-use", "available")


def _wait_until(run: Run, cloud: Cloud, identifier: str, status: str, failed: str) -> None:
    """Wait until Nova has attached or detached a volume.

    :param failed: the status in which it is again when Nova could not: its API answers before, with neither.
    """

    def poll() -> bool | None:
        now = cloud.get(STORAGE, f"/volumes/{identifier}")["volume"]["status"]
        if now == failed or now.startswith("error"):
            raise CloudError(
                f"{cloud.role}: volume {identifier} should become {status}, and is {now}",
                f"See the log of nova-compute of the {cloud.role}, then run the same command again.",
            )
        return True if now == status else None

    what = f"{cloud.role} volume {identifier} to be {status}"
    run.ports.clock.wait(what, run.policy.timeouts.volume, poll)
