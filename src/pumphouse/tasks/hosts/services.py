"""What a cloud's services say of one host: compute service, hypervisor, network agents, resource provider."""

from typing import Any

from pumphouse.errors import Missing
from pumphouse.facts import SERVICES, Hypervisor, hypervisors
from pumphouse.ports import Cloud

Body = dict[str, Any]


def hypervisor(cloud: Cloud, name: str) -> Hypervisor | None:
    """A hypervisor by its name."""
    return next((h for h in hypervisors(cloud, SERVICES) if h.name == name), None)


def compute_service(cloud: Cloud, host: str) -> Body | None:
    """The compute service of a host."""
    services = cloud.get("compute", "/os-services", binary="nova-compute", host=host)["services"]
    return next(iter(services), None)


def set_status(cloud: Cloud, service: Body, status: str, reason: str = "") -> None:
    """Enable or disable a compute service.

    :param status: ``enabled`` or ``disabled``. :param reason: why it is disabled.
    """
    if cloud.supports("compute", "2.53"):
        told = {"disabled_reason": reason} if reason else {}
        cloud.put("compute", f"/os-services/{service['id']}", {"status": status, **told})
        return
    who = {"host": service["host"], "binary": service["binary"]}
    if status == "enabled":
        cloud.put("compute", "/os-services/enable", who)
    else:
        cloud.put("compute", "/os-services/disable-log-reason", {**who, "disabled_reason": reason})


def agents(cloud: Cloud, host: str = "") -> tuple[Body, ...]:
    """The network agents of a host, or of all; none where Neutron has no such thing."""
    query = {"host": host} if host else {}
    try:
        return tuple(cloud.pages("network", "/agents", "agents", **query))
    except Missing:  # a plugin without the extension "agent"
        return ()


def provider(cloud: Cloud, name: str) -> Body | None:
    """The resource provider of a hypervisor: it has its name."""
    try:
        found = cloud.get("placement", "/resource_providers", name=name)["resource_providers"]
    except Missing:  # a cloud without Placement
        return None
    return next(iter(found), None)


def release_evacuated(cloud: Cloud, name: str, host: str) -> None:
    """Give back what servers still have of a dead host that they were evacuated from.

    Nova does so itself once the host is back, which it may never be. What a server has under its own id belongs to
    the host it is on; a migration that could be reverted has the old share under its id.

    :param name: of the hypervisor.
    :param host: of its compute service.
    """
    there = provider(cloud, name)
    if there is None:
        return
    for consumer in allocations(cloud, name):
        server = cloud.find("compute", f"/servers/{consumer}")
        if server is None or server["server"]["OS-EXT-SRV-ATTR:host"] in (host, None):
            continue
        held = cloud.get("placement", f"/allocations/{consumer}")
        if "project_id" in held and len(held["allocations"]) > 1:  # told from Placement's 1.12 on
            del held["allocations"][there["uuid"]]
            cloud.put("placement", f"/allocations/{consumer}", held)


def allocations(cloud: Cloud, name: str) -> tuple[str, ...]:
    """Ids of who has resources of a hypervisor, as Placement knows them.

    Besides servers on it: servers that were resized or moved away from it and could still be taken back.
    """
    body = provider(cloud, name)
    if body is None:
        return ()
    path = f"/resource_providers/{body['uuid']}/allocations"
    return tuple((cloud.find("placement", path) or {"allocations": {}})["allocations"])
