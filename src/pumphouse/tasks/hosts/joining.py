"""From an installed machine to a compute host that the destination gives servers to."""

from typing import Any

from pumphouse.errors import NotJoined
from pumphouse.facts import SERVICES, hypervisors
from pumphouse.tasks.hosts.services import agents, compute_service
from pumphouse.tasks.hosts.work import Work


def join(work: Work) -> None:
    """Wait until the compute service and the network agents of the host are up and enabled, and Nova can use it.

    :raises NotJoined: when that takes too long; says what is missing.
    """
    host, limit = str(work.data["host"]), work.policy.timeouts.service
    with_agents = bool(agents(work.destination))
    if not with_agents:
        work.tell(None, "the destination has no network agents: none is waited for")
    missing: list[tuple[str, str]] = []

    def poll() -> bool | None:
        missing[:] = [_missing(work, host, with_agents)]
        return True if missing == [("", "")] else None

    if not work.until(limit, poll):
        what, remedy = missing[0]
        raise NotJoined(f"host {host!r} did not join the destination within {limit:g} s: {what}", remedy)


def _missing(work: Work, host: str, with_agents: bool) -> tuple[str, str]:
    """What is not there yet, and what to do should it stay so."""
    cloud, service = work.destination, compute_service(work.destination, host)
    log = f"Read the log of nova-compute on {host}."
    if service is None:
        return "it has no nova-compute service", log
    if service["state"] != "up":
        return "its nova-compute is down", log
    if service["status"] != "enabled":
        why = service.get("disabled_reason") or "no reason is given"
        return (
            f"its nova-compute is disabled ({why})",
            f"openstack compute service set --enable {host} nova-compute",
        )
    if all(h.host != host for h in hypervisors(cloud, SERVICES)):
        return (
            "Nova's cells do not know it",
            "Run 'nova-manage cell_v2 discover_hosts' on a controller of the destination; Nova does it by itself "
            "with [scheduler]discover_hosts_in_cells_interval.",
        )
    return _agents_missing(agents(cloud, host)) if with_agents else ("", "")


def _agents_missing(found: tuple[dict[str, Any], ...]) -> tuple[str, str]:
    if not found:
        return "it has no network agent", "Read the log of its network agent."
    for agent in found:
        if not agent["alive"] or not agent["admin_state_up"]:
            state = "down" if not agent["alive"] else "disabled"
            return f"its {agent['agent_type']} is {state}", "Read the log of its network agent."
    return "", ""
