"""Where a server may go: a cloud's hosts as they would be, tried out one server after the other."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from pumphouse.model import ComputeHost, Occupancy, PlacedServer, Resources

FOR_PROJECT = "filter_tenant_id"  # metadata of aggregates that are one project's only
UNITS = (("vcpus", "vCPUs"), ("memory", "MiB of memory"), ("disk", "GiB of disk"))
# What Nova's own filter makes of a value that begins with one of these words.
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "s==": lambda has, wanted: has == wanted,
    "s!=": lambda has, wanted: has != wanted,
    "<in>": lambda has, wanted: wanted in has,
    "=": lambda has, wanted: float(has) >= float(wanted),
    "==": lambda has, wanted: float(has) == float(wanted),
    "!=": lambda has, wanted: float(has) != float(wanted),
    ">=": lambda has, wanted: float(has) >= float(wanted),
    "<=": lambda has, wanted: float(has) <= float(wanted),
}


class Layout:
    """Hosts of a cloud with what is still free, changed by placing servers; nothing outside changes.

    It keeps what Nova's scheduler keeps: room with its allocation ratios, disabled and dead hosts, availability zones,
    aggregates, server groups. Traits, NUMA and devices are left to Nova, which checks every target again.

    :param keep_off: hosts (of compute services) that must get nothing.
    """

    def __init__(self, occupancy: Occupancy, keep_off: Collection[str] = ()) -> None:
        self.hosts = {host.host: host for host in occupancy.hosts}
        self.free = {host.host: host.free for host in occupancy.hosts}
        self._keep_off = frozenset(keep_off)
        self._members = Counter((s.group, s.host) for s in occupancy.servers if s.group and s.host)

    def refusal(self, server: PlacedServer, host: str) -> str:
        """Why a server may not go to a host; empty when it may."""
        return (
            self._closed(host)
            or self._elsewhere(server, self.hosts[host])
            or self._apart(server, host)
            or self._lack(server.needs, host)
        )

    def candidates(self, server: PlacedServer) -> list[str]:
        """Hosts that a server may go to, the best first: as its soft group likes it, then with most room."""

        def rank(host: str) -> tuple[float, float, str]:
            members = self._members[server.group, host] if server.group else 0
            liked = {"soft-affinity": -members, "soft-anti-affinity": members}.get(server.group_policy, 0)
            return liked, -self._room_left(server.needs, host), host

        return sorted((host for host in self.hosts if not self.refusal(server, host)), key=rank)

    def place(self, server: PlacedServer, host: str) -> None:
        """The server takes its room there, and leaves the host it is on."""
        if server.group:
            self._members[server.group, host] += 1
        self.free[host] -= server.needs
        self.release(server)

    def release(self, server: PlacedServer) -> None:
        """The server leaves the host it is on."""
        if server.host in self.free:
            self.free[server.host] += server.needs
        if server.group and server.host:
            self._members[server.group, server.host] -= 1

    def _closed(self, host: str) -> str:
        if host in self._keep_off:
            return "kept free"
        there = self.hosts[host]
        return "down" if not there.up else "disabled" if not there.enabled else ""

    @staticmethod
    def _elsewhere(server: PlacedServer, there: ComputeHost) -> str:
        if server.zone and there.zone != server.zone:
            return f"in availability zone {there.zone}, not {server.zone}"
        projects = ",".join(there.aggregates.get(FOR_PROJECT, ())).replace(" ", "").split(",")
        if any(projects) and server.project not in projects:
            return "kept for other projects by its aggregate"
        for key, wanted in server.aggregates.items():
            if not any(matches(has, wanted) for has in there.aggregates.get(key, ())):
                return f"in no aggregate with {key}={wanted}"
        return ""

    def _apart(self, server: PlacedServer, host: str) -> str:
        members = self._members[server.group, host] if server.group else 0
        if server.group_policy == "anti-affinity" and members >= server.group_limit:
            return "another of its anti-affinity group is there"
        if server.group_policy == "affinity" and not members:
            # Nova looks at where the members are, the server itself among them
            return "none of its affinity group is there"
        return ""

    def _lack(self, needs: Resources, host: str) -> str:
        free = self.free[host]
        if free.covers(needs):
            return ""
        short = [
            f"{getattr(needs, name):g} {unit}, {max(getattr(free, name), 0):g} free"
            for name, unit in UNITS
            if getattr(needs, name) > getattr(free, name)
        ]
        return f"no room: needs {'; '.join(short)}"

    def _room_left(self, needs: Resources, host: str) -> float:
        """Smallest share of the host's capacity that would be free."""
        left, capacity = self.free[host] - needs, self.hosts[host].capacity
        return min(
            getattr(left, name) / getattr(capacity, name) if getattr(capacity, name) else 0.0
            for name, _ in UNITS[:2]
        )


def matches(has: str, wanted: str) -> bool:
    """Whether metadata of an aggregate is what a flavor wants, in the words of Nova's ``extra_specs_ops``."""
    words = wanted.split()
    if words and words[0] == "<or>":
        return has in " ".join(words).removeprefix("<or> ").split(" <or> ")
    if len(words) > 1 and words[0] in OPERATORS:
        try:
            return OPERATORS[words[0]](has, words[1])
        except ValueError:
            return False
    return has == wanted


def hosting(occupancy: Occupancy, host: str) -> ComputeHost | None:
    """The host whose compute service, or hypervisor, has this name."""
    return next((each for each in occupancy.hosts if host in (each.host, each.name)), None)
