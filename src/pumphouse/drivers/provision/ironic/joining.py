"""The last part of a deployment: a machine with a written disk becomes a compute host."""

from pumphouse import programs
from pumphouse.drivers.provision.ironic.settings import IronicSettings
from pumphouse.errors import DeploymentFailed, EngineBusy
from pumphouse.hosts import Host
from pumphouse.machines import Tell
from pumphouse.ports import Clock


def join(settings: IronicSettings, host: Host, uuid: str, clock: Clock, timeout: float, tell: Tell) -> str:
    """Run the operator's program, if there is one.

    :param uuid: of the node.
    :param timeout: seconds.
    :return: name of the host in its cloud.
    :raises DeploymentFailed: when it did not join.
    :raises EngineBusy: when the program still is.
    """
    if settings.join is None:
        return settings.host(host)
    called = f"host {host.name!r}: {settings.join[0]} join"
    facts = {"PUMPHOUSE_NODE": uuid, "PUMPHOUSE_NEW_HOST": settings.host(host)}
    words = (*settings.join, "join", host.name)
    try:
        code, last = programs.run(words, programs.facts(host) | facts, clock, timeout, tell)
    except TimeoutError:
        raise DeploymentFailed(
            f"{called}: not done after {timeout:.0f} s; it was stopped",
            "hosts.timeouts.deployment in config.yaml sets the limit.",
        ) from None
    except OSError as error:
        raise DeploymentFailed(
            f"{called}: cannot be started: {error.strerror}", "Check 'join' of the deployment in config.yaml."
        ) from None
    if code == programs.BUSY:
        raise EngineBusy(f"{called} is busy: {last}", "Try again later.")
    if code:
        raise DeploymentFailed(
            f"{called} ended with code {code}: {last or 'it said nothing'}",
            "Mend that; the program is called again in the same way.",
        )
    return programs.new_host(called, last)
