"""What a host of the source still holds; a machine is re-installed only when there is nothing."""

from collections.abc import Collection, Iterator

from pumphouse.errors import Missing, Refused
from pumphouse.ports import Cloud
from pumphouse.tasks.hosts.services import agents, allocations

NAMED = 5  # this many are named, the rest is counted


def names(found: list[str]) -> str:
    """``3: web1, web2, web3``."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{len(found)}: {', '.join(found[:NAMED])}{more}"


def inhabited(cloud: Cloud, name: str, host: str, but: Collection[str] = ()) -> Iterator[str]:
    """The servers of a host, and what is kept for servers there, one line for each kind.

    :param name: of the hypervisor; empty when the cloud no longer has it.
    :param host: of its compute service.
    :param but: ids of servers that may be there.
    """
    servers = list(cloud.pages("compute", "/servers/detail", "servers", all_tenants="1", host=host))
    known = {server["id"] for server in servers}
    if servers := [server for server in servers if server["id"] not in but]:
        yield "servers, " + names([f"{s['name']} ({s['status']})" for s in servers])
    if others := [consumer for consumer in allocations(cloud, name) if name and consumer not in known]:
        yield f"allocations of others (resized or moved, and not confirmed; or left over), {names(others)}"


def holds(cloud: Cloud, name: str, host: str) -> Iterator[str]:
    """What would be lost with a host, one line for each kind.

    :param name: of the hypervisor; empty when the cloud no longer has it.
    :param host: of its compute service.
    """
    yield from inhabited(cloud, name, host)
    yield from _volumes(cloud, host)
    yield from _routed(cloud, host)


def refuse_unless_empty(cloud: Cloud, name: str, host: str) -> None:
    """Prove that nothing is lost with a host.

    :raises Refused: when it holds something; lists what.
    """
    if found := list(holds(cloud, name, host)):
        raise Refused(
            f"host {name!r} is not empty: {'; '.join(found)}",
            "'pumphouse host evacuate' empties it, or migrate its servers to the destination; originals of servers "
            "that have moved go with 'pumphouse commit'.",
        )


def _volumes(cloud: Cloud, host: str) -> Iterator[str]:
    """Volumes on disks of the host: its cinder-volume calls itself ``HOST@BACKEND``."""
    try:
        services = cloud.get("block-storage", "/os-services", binary="cinder-volume")["services"]
    except Missing:  # a cloud without Cinder
        return
    if not any(service["host"].partition("@")[0] == host for service in services):
        return
    found = [
        volume["name"] or volume["id"]
        for volume in cloud.pages("block-storage", "/volumes/detail", "volumes", all_tenants="1")
        if (volume.get("os-vol-host-attr:host") or "").partition("@")[0] == host
    ]
    if found:
        yield f"volumes of its cinder-volume, {names(found)}"


def _routed(cloud: Cloud, host: str) -> Iterator[str]:
    """Networks and routers that agents on the host serve for others; distributed routers are on every host."""
    for agent in agents(cloud, host):
        settings = agent.get("configurations") or {}
        if agent["agent_type"] == "L3 agent" and settings.get("agent_mode", "legacy") != "dvr":
            if count := settings.get("routers", 0):
                yield f"routers of its L3 agent, {count}"
        elif agent["agent_type"] == "DHCP agent" and (count := settings.get("networks", 0)):
            yield f"networks of its DHCP agent, {count}"
