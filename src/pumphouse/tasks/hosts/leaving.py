"""A host that has left a cloud is removed from it: compute service, network agents, resource provider."""

from pumphouse.errors import CloudError, NotJoined, Refused
from pumphouse.ports import Cloud
from pumphouse.tasks.hosts.emptiness import refuse_unless_empty
from pumphouse.tasks.hosts.services import agents, allocations, compute_service, provider
from pumphouse.tasks.hosts.work import Work


def leave(work: Work) -> None:
    """Remove the host from the source, once nothing there reports in its name any more."""
    host = str(work.data.get("service", work.host.name))
    gone = work.until(work.policy.timeouts.service, lambda: True if is_down(work.source, host) else None)
    if not gone:
        raise NotJoined(
            f"nova-compute of host {host!r} still reports to the source, though the machine was installed anew",
            "Another machine runs in its name: compare MAC addresses and BMC in inventory.yaml with the machine.",
        )
    remove(work.source, work.host.name, host)


def is_down(cloud: Cloud, host: str) -> bool:
    """Whether no compute service reports in the name of a host (any more)."""
    service = compute_service(cloud, host)
    return service is None or service["state"] == "down"


def remove(cloud: Cloud, name: str, host: str) -> None:
    """Remove a dead, empty host; what is gone already is no fault.

    :param name: of the hypervisor.
    :param host: of its compute service.
    :raises Refused: when it holds something, or is alive.
    """
    refuse_unless_empty(cloud, name, host)
    if not is_down(cloud, host):
        raise Refused(f"host {host!r} of the {cloud.role} is alive", "Switch it off first.")
    if service := compute_service(cloud, host):
        cloud.delete("compute", f"/os-services/{service['id']}")
    for agent in agents(cloud, host):
        if agent["alive"]:
            raise Refused(
                f"{agent['agent_type']} of host {host!r} still reports to the {cloud.role}",
                "Run the same command again once it is gone.",
            )
        cloud.delete("network", f"/agents/{agent['id']}")
    # Nova removes it with the service since Rocky, unless Placement did not answer it.
    if (body := provider(cloud, name)) and not allocations(cloud, name):
        try:
            cloud.delete("placement", f"/resource_providers/{body['uuid']}")
        except CloudError as error:
            error.remedy = error.remedy or f"openstack resource provider delete {body['uuid']}"
            raise
