"""Who goes where when a host is emptied. Pure: the same occupancy gives the same plan."""

from collections.abc import Callable, Collection

from pumphouse.model import EvacuationPlan, How, Move, Occupancy, PlacedServer, Unmoved
from pumphouse.plan.layout import Layout, hosting

HOSTS_TOLD = 4  # of those that do not take a server, in the reason why it stays
AGAIN = "Run the same command again when that is over."
# Status → why Nova moves no such server, and what helps; on a living host.
IMMOVABLE = {
    "SUSPENDED": (
        "is suspended; Nova moves no suspended server",
        "Resume it, or move it to the destination.",
    ),
    "RESCUE": ("is in rescue mode", "openstack server unrescue {id}"),
    "ERROR": ("is in state ERROR", "Mend it (openstack server set --state active {id}) or delete it."),
    "VERIFY_RESIZE": (
        "has a resize that waits for its confirmation",
        "openstack server resize confirm {id}, or revert.",
    ),
    "SOFT_DELETED": (
        "is deleted and can still be restored",
        "Restore it, or delete it for good (forceDelete).",
    ),
}
HOW = {
    "ACTIVE": How.LIVE,
    "PAUSED": How.LIVE,
    "SHUTOFF": How.COLD,
    "SHELVED": How.OFFLOAD,
}
EVACUATED = ("ACTIVE", "SHUTOFF", "ERROR")  # all that Nova evacuates from a dead host


def plan_evacuation(
    occupancy: Occupancy,
    host: str,
    *,
    leaving: Collection[str] = (),
    ours: Collection[str] = (),
    keep_off: Collection[str] = (),
    rebuild: bool = False,
) -> EvacuationPlan:
    """Find every server of a host another one.

    :param host: of the compute service, or the hypervisor.
    :param leaving: ids of servers that go to the destination with Pumphouse; they make no demands here.
    :param ours: ids of servers whose migration we began: they are on their way, and waited for.
    :param keep_off: hosts that must get nothing, besides this one.
    :param rebuild: whether servers with local disks may be taken off a dead host; Nova makes them anew from their
        images unless the hosts share their directory of instances.
    """
    here = hosting(occupancy, host)
    if here is None:
        raise ValueError(f"no host {host!r} in this occupancy")
    on_it = occupancy.on(here.host)
    gone = tuple(server for server in on_it if server.id in leaving)
    travelling = tuple(
        s
        for s in on_it
        if s not in gone and ((here.up and s.status == "MIGRATING") or (s.task and s.id in ours))
    )
    staying = [server for server in on_it if server not in gone and server not in travelling]
    unmoved, movable = [], list[tuple[PlacedServer, How]]()
    for server in staying:
        found = _dead(server, rebuild) if not here.up else _alive(server)
        if isinstance(found, Unmoved):
            unmoved.append(found)
        else:
            movable.append((server, found))

    def attempt(choose: Callable[[list[str]], str]) -> tuple[list[Move], list[Unmoved]]:
        layout = Layout(occupancy, {*keep_off, here.host})
        for server in gone:
            layout.release(server)
        return _place(layout, movable, choose)

    moves, stuck = attempt(lambda hosts: hosts[0])
    if stuck:  # spread evenly they do not fit: fill one host after the other
        moves, stuck = min((moves, stuck), attempt(lambda hosts: hosts[-1]), key=lambda both: len(both[1]))
    return EvacuationPlan(here.host, not here.up, tuple(moves), (*unmoved, *stuck), gone, travelling)


def _alive(server: PlacedServer) -> How | Unmoved:
    """How a server leaves a host that is up."""
    if server.status in IMMOVABLE:
        reason, remedy = IMMOVABLE[server.status]
        return Unmoved(server, reason, remedy.format(id=server.id))
    if server.task or server.status not in HOW:
        return Unmoved(server, f"is busy ({server.task or server.status})", AGAIN)
    return HOW[server.status]


def _dead(server: PlacedServer, rebuild: bool) -> How | Unmoved:
    """How a server leaves a host that is down."""
    active = f"openstack server set --state active {server.id}"
    if server.status not in EVACUATED:
        return Unmoved(
            server,
            f"is {server.status}; Nova takes no such server off a dead host",
            f"{active}; its memory is lost with the host anyway.",
        )
    if server.task:
        return Unmoved(server, f"was busy ({server.task}) when its host died", active)
    if not server.local:
        return How.EVACUATE
    if rebuild:
        return How.REBUILD
    return Unmoved(
        server,
        "has disks on the dead host; unless the hosts share their directory of instances it would begin anew",
        "Repeat with --rebuild if they do, or if that is what you want.",
    )


def _place(
    layout: Layout, movable: list[tuple[PlacedServer, How]], choose: Callable[[list[str]], str]
) -> tuple[list[Move], list[Unmoved]]:
    """Find each a host, the one with the least choice first, among those the largest."""
    moves, stuck = list[Move](), list[Unmoved]()

    def rank(pair: tuple[PlacedServer, How]) -> tuple[int, float, float, str]:
        server, how = pair
        choice = 0 if how is How.OFFLOAD else len(layout.candidates(server))
        return choice, -server.needs.memory, -server.needs.vcpus, server.id

    for server, how in sorted(movable, key=rank):
        if how is How.OFFLOAD:
            layout.release(server)
            moves.append(Move(server, how))
        elif hosts := layout.candidates(server):
            layout.place(server, target := choose(hosts))
            moves.append(Move(server, how, target))
        else:
            stuck.append(_stuck(layout, server))
    return moves, stuck


def _stuck(layout: Layout, server: PlacedServer) -> Unmoved:
    reasons = [
        f"{host}: {layout.refusal(server, host)}" for host in sorted(layout.hosts) if host != server.host
    ]
    more = f"; and {len(reasons) - HOSTS_TOLD} more" if len(reasons) > HOSTS_TOLD else ""
    if server.group_policy == "affinity":
        remedy = "Nova keeps an affinity group where it is: move the whole group to the destination."
    else:
        remedy = "Make room, enable a host, or move servers to the destination first (--move)."
    return Unmoved(
        server, f"fits nowhere: {'; '.join(reasons[:HOSTS_TOLD]) or 'there is no other host'}{more}", remedy
    )
