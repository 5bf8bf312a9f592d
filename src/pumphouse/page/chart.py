"""How fast data moves, as a line over time."""

from collections import defaultdict
from dataclasses import dataclass

from pumphouse.report import units

WIDTH, HEIGHT = 720.0, 120.0
POINTS = 120  # at most, whatever the time
SHORTEST = 2.0  # seconds; as often as progress is kept


@dataclass(frozen=True)
class Chart:
    """A line and the area below it, as paths of an SVG of :data:`WIDTH` by :data:`HEIGHT`.

    :param peak: highest rate, in words. :param span: the time from left to right, in words.
    :param text: the same for who cannot see it.
    """

    line: str
    area: str
    peak: str
    span: str
    text: str


class Throughput:
    """Bytes that were copied, by time."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._last: dict[str, tuple[float, int]] = {}
        self._bytes: dict[int, float] = defaultdict(float)
        self._end = 0.0

    def add(self, at: float, key: str, done: int) -> None:
        """Of this resource so many bytes are done now."""
        if self._begun is None:
            self._begun = at - SHORTEST
        since, before = self._last.get(key, (at - SHORTEST, 0))
        if done < before:  # begun anew
            before = 0
        first = max(0, int((since - self._begun) / SHORTEST))
        last = max(first, int((at - self._begun) / SHORTEST))
        for slot in range(first, last + 1):  # it came in between, not at once
            self._bytes[slot] += (done - before) / (last - first + 1)
        self._last[key], self._end = (at, done), max(self._end, at)

    def rates(self) -> tuple[float, list[float]]:
        """Seconds from point to point, and bytes per second at each."""
        if self._begun is None:
            return SHORTEST, []
        slots = max(self._bytes) + 1
        width = -(-slots // POINTS)
        sums = [0.0] * (-(-slots // width))
        for slot, count in self._bytes.items():
            sums[slot // width] += count
        return width * SHORTEST, [count / (width * SHORTEST) for count in sums]

    def chart(self) -> Chart | None:
        """The picture; None as long as there is nothing to see."""
        step, rates = self.rates()
        peak = max(rates, default=0.0)
        if len(rates) < 2 or not peak:
            return None
        across, down = WIDTH / (len(rates) - 1), (HEIGHT - 8) / peak
        points = [f"{i * across:.1f},{HEIGHT - rate * down:.1f}" for i, rate in enumerate(rates)]
        line = "M" + "L".join(points)
        span = units.duration(step * len(rates))
        return Chart(
            line,
            f"{line}L{WIDTH},{HEIGHT}L0,{HEIGHT}Z",
            units.rate(peak),
            span,
            f"Data copied over {span}: at most {units.rate(peak)}, at last {units.rate(rates[-1])}",
        )
