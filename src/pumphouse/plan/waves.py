"""In which waves a source gets empty and its hosts follow. Pure: the same clouds give the same waves.

Greedy, and planned again after every wave: what moves brings some host closest to empty; what fits moves with it; only
when the destination needs a host and none is empty, one is emptied by moving its servers within the source. So each
server is stopped once, and as few as possible move twice.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pumphouse.model import (
    ComputeHost,
    EvacuationPlan,
    Occupancy,
    PlacedServer,
    Portion,
    Remainder,
    Resources,
    Wave,
    WavePlan,
)
from pumphouse.plan.evacuation import plan_evacuation
from pumphouse.plan.layout import Layout

NOTHING = Resources()
HOSTS_TOLD = 3  # of those that do not take a server, in the reason why it stays


def plan_waves(
    source: Occupancy,
    destination: Occupancy,
    portions: Sequence[Sequence[Portion]],
    *,
    arrived: Collection[str] = (),
    staying: Mapping[str, str] | None = None,
    kept: Mapping[str, str] | None = None,
) -> WavePlan:
    """Waves until the source is empty, or nothing more can be done.

    A host is expected to offer the destination what it offers the source.

    :param portions: all servers in portions, coarse ones first; finer ones are for what does not fit.
    :param arrived: ids of servers that run in the destination already; their originals are still there.
    :param staying: ids of servers that are not moved to the destination, and why.
    :param kept: hypervisors that are not upgraded, and why.
    """
    planner = _Planner(source, destination, portions, frozenset(arrived), staying or {}, kept or {})
    waves = list[Wave]()
    while wave := planner.wave():
        waves.append(wave)
    return WavePlan(source.hosts, destination.hosts, tuple(waves), tuple(planner.remains()))


class _Planner:
    """Both clouds as they are after the waves planned so far."""

    def __init__(
        self,
        source: Occupancy,
        destination: Occupancy,
        portions: Sequence[Sequence[Portion]],
        arrived: frozenset[str],
        staying: Mapping[str, str],
        kept: Mapping[str, str],
    ) -> None:
        self.source, self.destination = source, destination
        self.portions, self.arrived = portions, arrived
        self.staying, self.kept = staying, kept

    def wave(self) -> Wave | None:
        """The next wave; None when there is none."""
        emptied = list(self._off_dead_hosts())
        fixed = {move.server.id for plan in emptied for move in plan.moves}
        moving = list[Portion]()
        for portions in self.portions:
            moving += self._fill(portions, fixed)
            if self._empty():
                break
            if plan := self._consolidation():
                emptied.append(plan)
                break
        upgrades = self._empty()
        if not (moving or emptied or upgrades):
            return None
        self._join(upgrades)
        names = tuple(host.name for host in upgrades)
        return Wave(tuple(moving), tuple(emptied), names, self.source.hosts, self.destination.hosts)

    def remains(self) -> Iterator[Remainder]:
        """What is left when there is no further wave."""
        for server in self.source.servers:
            reason = self.staying.get(server.id) or self._refusals(server)
            yield Remainder(f"server {server.name}", reason)
        for host in self.source.hosts:
            if why := self.kept.get(host.name):
                yield Remainder(f"host {host.name}", why)
                continue
            for unmoved in plan_evacuation(self.source, host.host).unmoved[:1]:
                why = f"is not empty: server {unmoved.server.name} {unmoved.reason}"
                yield Remainder(f"host {host.name}", why, unmoved.remedy)

    # --- to the destination ---------------------------------------------------------------------
    def _fill(self, portions: Iterable[Portion], fixed: Collection[str]) -> Iterator[Portion]:
        """Move what fits, first what is begun, then what empties some host."""
        up = {host.host for host in self.source.hosts if host.up} | {""}
        free = {s.id: s.host for s in self.source.servers if s.host in up and s.id not in fixed}

        def rest(portion: Portion) -> Portion:
            members = (s for s in portion.servers if s.id in free and s.id not in self.staying)
            return replace(portion, servers=tuple(replace(s, host=free[s.id]) for s in members))

        todo = sorted((p for p in map(rest, portions) if p.servers), key=self._weight, reverse=True)
        begun = [p for p in todo if any(server.id in self.arrived for server in p.servers)]
        layout = Layout(self.destination)
        placed, moving = list[PlacedServer](), list[Portion]()
        for portion in _each_once([*begun, *self._towards_empty(layout, todo), *todo]):
            if (there := self._place(layout, portion)) is not None:
                placed += there
                moving.append(portion)
        self.destination = _filled(self.destination, layout, placed)
        self.source = _without(self.source, {s.id for p in moving for s in p.servers})
        yield from moving

    def _towards_empty(self, layout: Layout, todo: Sequence[Portion]) -> list[Portion]:
        """The portions that leave least on some host, of all hosts that may follow."""
        best, rank = list[Portion](), (len(self.source.servers), True, "")
        for host in self._candidates():
            on_it = {server.id for server in self.source.on(host.host)}
            fitting, placed, left = list[Portion](), list[PlacedServer](), set(on_it)
            for portion in sorted(todo, key=self._weight):
                ids = {server.id for server in portion.servers}
                if ids & on_it and (there := self._place(layout, portion)) is not None:
                    fitting.append(portion)
                    placed += there
                    left -= ids
            for server in placed:
                layout.release(server)
            if on_it and (len(left), host.enabled, host.name) < rank:
                best, rank = fitting, (len(left), host.enabled, host.name)
        return best

    def _place(self, layout: Layout, portion: Portion) -> list[PlacedServer] | None:
        """All of it, or None."""
        if self._weight(portion) > sum(max(free.memory, 0) for free in layout.free.values()):
            return None  # said at once; big clouds have many portions
        placed = list[PlacedServer]()
        for server in sorted(portion.servers, key=lambda s: (-s.needs.memory, s.id)):
            if server.id in self.arrived:
                continue
            coming = replace(server, host="")
            found = layout.candidates(self._free_to_choose(coming, placed))
            if not found:
                for each in placed:
                    layout.release(each)
                return None
            layout.place(coming, found[0])
            placed.append(replace(server, host=found[0]))
        return placed

    def _free_to_choose(self, server: PlacedServer, placed: Sequence[PlacedServer]) -> PlacedServer:
        """The first of an affinity group may go anywhere, as Nova has it when servers are made."""
        if server.group_policy != "affinity":
            return server
        others = (s for s in (*self.destination.servers, *placed) if s.host)
        return server if any(s.group == server.group for s in others) else replace(server, group_policy="")

    def _weight(self, portion: Portion) -> float:
        return sum(server.needs.memory for server in portion.servers if server.id not in self.arrived)

    def _refusals(self, server: PlacedServer) -> str:
        """Why no host of the destination takes it."""
        if not all(host.up for host in self.source.hosts if host.host == server.host):
            return f"its host {server.host} is down"
        mine = (s for portion in self.portions[-1] for s in portion.servers if s.id == server.id)
        there, layout = replace(next(mine, server), host=""), Layout(self.destination)
        told = [f"{layout.hosts[host].name}: {layout.refusal(there, host)}" for host in sorted(layout.hosts)]
        more = f"; and {len(told) - HOSTS_TOLD} more" if len(told) > HOSTS_TOLD else ""
        return f"fits nowhere in the destination: {'; '.join(told[:HOSTS_TOLD]) or 'it has no host'}{more}"

    # --- hosts ----------------------------------------------------------------------------------
    def _candidates(self) -> list[ComputeHost]:
        """Hosts of the source that may follow."""
        return [host for host in self.source.hosts if host.name not in self.kept]

    def _empty(self) -> list[ComputeHost]:
        occupied = {server.host for server in self.source.servers}
        return [host for host in self._candidates() if host.host not in occupied]

    def _off_dead_hosts(self) -> Iterator[EvacuationPlan]:
        for host in self.source.hosts:
            if not host.up and self.source.on(host.host) and (plan := self._emptied(host)):
                yield plan

    def _consolidation(self) -> EvacuationPlan | None:
        """The host that is emptied with least effort, within the source; those that get nothing new first."""

        def effort(host: ComputeHost) -> tuple[bool, int, float, str]:
            servers = self.source.on(host.host)
            return host.enabled, len(servers), sum(s.needs.memory for s in servers), host.name

        return next(filter(None, map(self._emptied, sorted(self._candidates(), key=effort))), None)

    def _emptied(self, host: ComputeHost) -> EvacuationPlan | None:
        """A host whose servers all find another place in the source."""
        plan = plan_evacuation(self.source, host.host)
        if plan.unmoved or plan.travelling:
            return None
        moved = [replace(move.server, host=move.target) for move in plan.moves]
        self.source = _with(_without(self.source, {server.id for server in moved}), moved)
        return plan

    def _join(self, hosts: Sequence[ComputeHost]) -> None:
        """Hosts change clouds, empty as they are; they come into the usual availability zone."""
        zones = Counter(host.zone for host in self.destination.hosts).most_common(1)
        zone, known = zones[0][0] if zones else "", {host.host for host in self.destination.hosts}
        joined = tuple(
            ComputeHost(
                host.name,
                f"{host.host} of the source" if host.host in known else host.host,
                *(True, True, host.capacity, NOTHING),
                zone=zone,
            )
            for host in hosts
        )
        staying = tuple(host for host in self.source.hosts if host not in hosts)
        self.source = replace(self.source, hosts=staying)
        self.destination = replace(self.destination, hosts=(*self.destination.hosts, *joined))


def _each_once(portions: Iterable[Portion]) -> list[Portion]:
    return list({id(portion): portion for portion in portions}.values())


def _filled(there: Occupancy, layout: Layout, placed: Iterable[PlacedServer]) -> Occupancy:
    hosts = tuple(replace(host, used=host.capacity - layout.free[host.host]) for host in there.hosts)
    return replace(there, hosts=hosts, servers=(*there.servers, *placed))


def _without(here: Occupancy, gone: Collection[str]) -> Occupancy:
    freed: dict[str, Resources] = {}
    for server in here.servers:
        if server.id in gone:
            freed[server.host] = freed.get(server.host, NOTHING) + server.needs
    hosts = tuple(replace(h, used=h.used - freed[h.host]) if h.host in freed else h for h in here.hosts)
    return replace(here, hosts=hosts, servers=tuple(s for s in here.servers if s.id not in gone))


def _with(here: Occupancy, servers: Sequence[PlacedServer]) -> Occupancy:
    taken: dict[str, Resources] = {}
    for server in servers:
        taken[server.host] = taken.get(server.host, NOTHING) + server.needs
    hosts = tuple(replace(h, used=h.used + taken[h.host]) if h.host in taken else h for h in here.hosts)
    return replace(here, hosts=hosts, servers=(*here.servers, *servers))
