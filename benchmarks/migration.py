"""A whole migration in numbers; rolled back afterwards."""

import argparse
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from pumphouse.config import load
from pumphouse.events import Bus
from pumphouse.model import Event, Selection
from pumphouse.wiring import open_service

DISK_PARTS = ("capture", "transfer", "create_volume")
SERVER_PARTS = ("stop", "create_server")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("what", default="project")
    parser.add_argument("names", nargs="+")
    parsed = parser.parse_args()
    selection = Selection(parsed.what, tuple(parsed.names))
    events: list[Event] = []
    bus = Bus()
    bus.subscribe(events.append)
    with open_service(load(parsed.config), bus) as service:
        clouds = [service._session.adapters.source, service._session.adapters.destination]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        result = service.migrate(service.plan(selection))
        seconds = time.perf_counter() - started
        calls = sum((Counter(cloud.calls) for cloud in clouds), Counter())
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print_totals(result.failed, seconds, calls, events, grown)
        print_downtimes(events)
        service.rollback(selection)


def print_totals(
    failed: Sequence[object], seconds: float, calls: Counter[str], events: list[Event], grown: float
) -> None:
    servers = len({e.key for e in events if e.type == "workload.done" and e.key.startswith("server:")})
    copied = sum(e.data["bytes"] for e in events if e.type == "moved")
    each = max(servers, 1)
    print(f"servers moved       {servers}, failed or skipped steps {len(failed)}")
    print(f"wall time           {seconds:.1f} s, {seconds / each:.1f} s per server")
    print(f"API calls           {calls.total()}, {calls.total() / each:.0f} per server ({dict(calls)})")
    print(f"copied              {copied / (1 << 20):.0f} MiB")
    print(f"peak memory grew by {grown:.0f} MiB")


def print_downtimes(events: list[Event]) -> None:
    seconds: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    stopped = {e.key for e in events if e.type == "source.stopped"}
    for event in events:
        action = event.data.get("action", "")
        if event.type == "step.started" and action == "stop":
            begun[event.key] = event.at
        if event.type == "step.done" and action in (*DISK_PARTS, *SERVER_PARTS):
            seconds[event.data["workload"], event.key][action] += event.data["seconds"]
        if event.type == "destination.up":
            ended[event.key] = event.at
    for server in sorted(stopped & ended.keys()):
        disks = [sum(s.values()) for (workload, key), s in seconds.items() if workload == server != key]
        parts = sum(seconds[server, server].values()) + max(disks, default=0.0)
        downtime = ended[server] - begun[server]
        print(
            f"downtime            {downtime:6.1f} s, unavoidable {parts:6.1f} s, ratio {downtime / parts:.2f}  {server}"
        )


if __name__ == "__main__":
    main()
