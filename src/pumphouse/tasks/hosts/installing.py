"""From a machine of the source to one that the destination's engine has installed."""

from pumphouse.errors import NotDiscovered, PumphouseError, Refused
from pumphouse.machines import Provisioner
from pumphouse.model import BootDevice, Node, NodeState
from pumphouse.tasks.hosts.emptiness import refuse_unless_empty
from pumphouse.tasks.hosts.leaving import is_down
from pumphouse.tasks.hosts.services import compute_service, hypervisor, set_status
from pumphouse.tasks.hosts.work import Work

#: States of a machine that the engine has already begun to work on.
TAKEN = (NodeState.ASSIGNED, NodeState.DEPLOYING, NodeState.DEPLOYED, NodeState.FAILED)


def empty(work: Work) -> None:
    """Prove that the host is empty and takes no new servers; remember its names for the time after it.

    :raises Refused: when it is not.
    """
    name = work.host.name
    found = hypervisor(work.source, name)
    if found is None:
        if "service" not in work.data:
            raise Refused(f"host {name!r} is not in the source any more", "See 'pumphouse host status'.")
        return
    refuse_unless_disabled(work, found.host)
    refuse_unless_empty(work.source, name, found.host)
    work.note(service=found.host)


def refuse_unless_disabled(work: Work, host: str) -> None:
    """A host that takes new servers does not stay empty.

    :raises Refused: when its compute service is enabled.
    """
    service = compute_service(work.source, host)
    if service and service["status"] != "disabled":
        raise Refused(
            f"host {work.host.name!r} takes new servers: its compute service is enabled",
            "'pumphouse host evacuate' keeps them off and empties it, and so does --evacuate.",
        )


def release(work: Work) -> None:
    """Have the source's engine let the machine go; it wipes it."""
    if work.former is None or not managed(work) or work.data.get("released"):
        return
    work.note(released=False)
    work.former.release(work.host, work.tell, work.policy.timeouts.release)
    work.note(released=True)


def managed(work: Work) -> bool:
    """Whether the source's engine installed the machine, and has to let it go."""
    if "released" in work.data:
        return True
    node = work.former.find(work.host) if work.former else None
    return node is not None and node.state in TAKEN and not _begun(work)


def let_go(work: Work) -> bool:
    """Whether the source's engine may have wiped the machine; that it was asked to is in the ledger."""
    if "released" not in work.data:
        return False
    node = work.former.find(work.host) if work.former and not work.data["released"] else None
    return node is None or node.state is not NodeState.DEPLOYED


def _begun(work: Work) -> bool:
    """Whether the destination's engine works on the machine, or has done so."""
    node = work.node()
    return "host" in work.data or (node is not None and node.state in TAKEN)


def isolate(work: Work) -> None:
    """Put the machine into the network that the engine boots machines in."""
    if work.network and not _begun(work):
        work.network.isolate(work.host)


def start(work: Work) -> None:
    """Start the machine from the network, once; again when it was waited for in vain.

    A machine that its engine wiped starts itself, unless its network was changed since.
    """
    if _begun(work) or work.data.get("started"):
        return
    if work.data.get("released") and not work.network and not work.data.get("missed"):
        return
    if work.engine is None or work.engine.boots:
        work.note(started=False)  # from here on a withdrawal starts it from its disk
        work.power.boot_from(BootDevice.NETWORK)
        work.power.reset()
        work.note(started=True)


def discover(work: Work) -> None:
    """Wait until the engine has the machine, free to be taken.

    :raises NotDiscovered: when it does not turn up in time.
    """
    engine, limit = _engine(work), work.policy.timeouts.discovery
    if _begun(work):
        return
    if engine.stops:
        work.note(started=False)
    engine.enroll(work.host)
    if engine.stops:
        work.note(started=True)  # for the proof that the source has lost it
    last: list[str] = []

    def poll() -> Node | None:
        node = engine.find(work.host)
        said = f"{node.state}: {node.message}".rstrip(": ") if node else "not seen yet"
        if last[-1:] != [said]:
            last.append(said)
            work.tell(node.progress if node else None, f"{engine.name}: {said}")
        return node if node and node.state in (NodeState.FREE, *TAKEN) else None

    if work.until(limit, poll) is None:
        work.note(started=False, missed=True)
        raise NotDiscovered(
            f"host {work.host.name!r} did not turn up in {engine.name} within {limit:g} s; last: {last[-1]}"
        )
    work.note(missed=False)


def prove(work: Work) -> None:
    """See that the source has lost the host: then the machine that was started is the right one.

    Nothing can be proven of a machine that is not started from the network before it is installed.

    :raises Refused: when the host still reports; another machine was started.
    """
    host, limit = str(work.data.get("service", work.host.name)), work.policy.timeouts.service
    if _begun(work) or not (work.data.get("started") or work.data.get("released")):
        return
    if not work.until(limit, lambda: True if is_down(work.source, host) else None):
        work.note(started=False)
        raise Refused(
            f"nova-compute of host {host!r} still runs after {limit:g} s, though its machine was taken from the "
            "source: the BMC or the MAC addresses in inventory.yaml are those of another machine",
            "Find out which machine was stopped or started anew; nothing has been written to it.",
        )


def assign(work: Work) -> None:
    """Choose the machine for the destination."""
    engine, node = _engine(work), work.node()
    if "host" not in work.data and node and node.state in (NodeState.FREE, NodeState.ASSIGNED):
        engine.assign(work.host)


def deploy(work: Work) -> None:
    """Have the machine installed; remember what its compute service is called from now on."""
    if "host" in work.data:
        return
    engine = _engine(work)
    host = engine.deploy(work.host, work.tell, work.policy.timeouts.deployment)
    work.note(host=host)


def restore(work: Work) -> None:
    """Put the machine back into its network."""
    if work.network:
        work.network.restore(work.host)


def withdraw(work: Work) -> None:
    """Have the engine give the machine back, as long as nothing is written to it."""
    node = work.node()
    if work.engine and node and (work.engine.stops or node.state is NodeState.ASSIGNED):
        work.engine.withdraw(work.host)


def start_again(work: Work) -> None:
    """Start the machine from its disk, and let the source have it again.

    Nova takes a host that was lost for up for a while: what counts is that it reports anew.

    :raises PumphouseError: when its compute service does not come up in time.
    """
    host, limit = str(work.data["service"]), work.policy.timeouts.service

    def heard() -> str:
        service = compute_service(work.source, host)
        return str(service["updated_at"]) if service else ""

    if ("started" in work.data or is_down(work.source, host)) and not work.data.get("restarted"):
        work.power.boot_from(BootDevice.DISK)
        work.power.reset()
        work.note(restarted=True, heard=heard())

    def poll() -> bool | None:
        return True if not is_down(work.source, host) and heard() != work.data.get("heard") else None

    if not work.until(limit, poll):
        work.note(restarted=False)
        raise PumphouseError(f"nova-compute of host {host!r} in the source is not up after {limit:g} s")


def enable(work: Work) -> None:
    """Let the source place servers on the host again."""
    service = compute_service(work.source, str(work.data["service"]))
    if service and service["status"] != "enabled":
        set_status(work.source, service, "enabled")


def _engine(work: Work) -> Provisioner:
    assert work.engine is not None, "stages that need an engine are planned only when there is one"
    return work.engine
