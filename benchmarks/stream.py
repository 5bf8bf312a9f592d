"""The stream transfer against a bare pipe between the same two Glances, taking turns."""

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pumphouse.clock import StoppableClock
from pumphouse.clouds.cloud import OpenStackCloud
from pumphouse.clouds.connect import connect
from pumphouse.config import load
from pumphouse.drivers.transfer.stream import StreamTransfer
from pumphouse.ports import About

MIB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--mib", type=int, default=512, help="size of the image")
    parser.add_argument("--runs", type=int, default=3)
    parsed = parser.parse_args()
    config, clock = load(parsed.config), StoppableClock()
    source, destination = connect(config, "source", clock), connect(config, "destination", clock)
    size = parsed.mib * MIB
    image = make_image(source)
    transfer = StreamTransfer(
        source, destination, clock, lambda *_, **__: None, slots=1, bandwidth=None, attempts=1
    )

    def pipe(to: str) -> None:
        with source.download(f"/images/{image}/file") as chunks:
            destination.upload(f"/images/{to}/file", chunks, size)

    def stream(to: str) -> None:
        transfer.copy(image, to, size, About("benchmark", "benchmark"))

    try:
        source.upload(f"/images/{image}/file", noise(parsed.mib), size)
        ways = {"bare pipe": pipe, "stream": stream}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        grown = dict.fromkeys(ways, 0)
        for _ in range(parsed.runs):
            for name, way in ways.items():
                before = peak()
                rates[name].append(parsed.mib / timed(destination, way))
                grown[name] += peak() - before
        for name, found in rates.items():
            words = f"{statistics.median(found):8.1f} MiB/s (of {parsed.runs}, {min(found):.1f} to {max(found):.1f})"
            print(f"{name:10} {words}; peak memory grew by {grown[name] / MIB:.0f} MiB")
        ratio = statistics.median(rates["stream"]) / statistics.median(rates["bare pipe"])
        print(f"ratio      {ratio:8.2f}")
    finally:
        source.delete("image", f"/images/{image}")


def make_image(cloud: OpenStackCloud) -> str:
    body = {"name": "pumphouse-benchmark", "disk_format": "raw", "container_format": "bare"}
    return str(cloud.post("image", "/images", body)["id"])


def noise(count: int) -> Iterator[bytes]:
    block = os.urandom(MIB)
    for _ in range(count):
        yield block


def timed(destination: OpenStackCloud, way: Callable[[str], None]) -> float:
    to = make_image(destination)
    try:
        started = time.perf_counter()
        way(to)
        return time.perf_counter() - started
    finally:
        destination.delete("image", f"/images/{to}")


def peak() -> int:
    """Peak memory of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
