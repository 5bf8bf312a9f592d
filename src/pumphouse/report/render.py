"""A report as JSON and as one self-contained HTML page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pumphouse.report import units
from pumphouse.report.brief import sides
from pumphouse.report.values import PHASES, Move, Report

#: Width of the timeline's bars and of the names before them, in units of the picture.
_BARS, _NAMES, _ROW = 700.0, 190.0, 34.0


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON values; times in ISO 8601, UTC."""
    migration = report.migration
    return {
        "migration": migration.id,
        "selection": str(migration.selection),
        "state": migration.state,
        "source": report.source,
        "destination": report.destination,
        "created_at": _iso(migration.created_at),
        "updated_at": _iso(migration.updated_at),
        "bytes": report.bytes,
        "longest_downtime": report.longest_downtime,
        "temporaries": report.temporaries,
        "runs": [{**asdict(run), "started_at": _iso(run.started_at)} for run in report.runs],
        "workloads": [
            {**asdict(move), "started_at": _iso(move.started_at), "rate": move.rate} for move in report.moves
        ],
        "disks": [asdict(disk) for disk in report.disks],
        "resources": [
            {
                "kind": row.kind,
                "name": row.name,
                "source_id": row.source_id,
                "destination_id": row.destination_id,
                "state": row.state,
                "how": row.how,
            }
            for row in report.rows
        ],
        "accepted": [{**asdict(taken), "at": _iso(taken.at)} for taken in report.accepted],
        "users_without_password": [row.name for row in report.without_password],
        "troubles": [asdict(trouble) for trouble in report.troubles],
        "differences": [asdict(difference) for difference in report.differences],
    }


def to_html(report: Report) -> str:
    """One page without any outside resource; everything from the clouds is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pumphouse", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        size=units.size, rate=units.rate, duration=units.duration, moment=units.moment, kind=_kind
    )
    environment.filters.update(sides=lambda difference: sides(difference, 400))
    template = environment.get_template("report.html.j2")
    return template.render(
        report=report,
        timeline=timeline(report.moves),
        phases=tuple(dict.fromkeys(PHASES.values())),
        failing=[d for d in report.differences if d.failing],
        servers=sum(move.kind == "server" and move.result == "done" for move in report.moves),
    )


@dataclass(frozen=True)
class Bar:
    """A rectangle of the timeline with the text shown when pointed at."""

    phase: str
    x: float
    width: float
    text: str


@dataclass(frozen=True)
class Line:
    """One workload of the timeline; ``down`` is x and width of its downtime."""

    name: str
    y: float
    bars: tuple[Bar, ...]
    down: tuple[float, float] | None
    label: str


@dataclass(frozen=True)
class Timeline:
    """The picture of phases and downtime, in coordinates."""

    width: float
    height: float
    left: float
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]


def timeline(moves: Sequence[Move]) -> Timeline | None:
    """Lay the moves out, each from its own beginning, so that their downtimes compare at a glance."""
    shown = [move for move in moves if move.spans]
    if not shown:
        return None
    longest = max(span.end for move in shown for span in move.spans) or 1.0
    step = _tick(longest)
    scale = _BARS / longest
    ticks = tuple(
        (_NAMES + i * step * scale, units.duration(i * step) if i else "0")
        for i in range(int(longest / step + 1e-9) + 1)
    )
    lines = tuple(_line(move, _ROW * i, scale) for i, move in enumerate(shown))
    return Timeline(_NAMES + _BARS + 110, _ROW * len(lines) + 30, _NAMES, ticks, lines)


def _line(move: Move, y: float, scale: float) -> Line:
    bars = tuple(
        Bar(
            span.phase,
            _NAMES + span.start * scale,
            max((span.end - span.start) * scale, 1.0),
            f"{move.name}: {span.phase}, {units.duration(span.end - span.start)}",
        )
        for span in move.spans
    )
    down = (_NAMES + move.down[0] * scale, (move.down[1] - move.down[0]) * scale) if move.down else None
    label = f"down {units.duration(move.downtime)}" if move.downtime is not None else ""
    return Line(move.name, y, bars, down, label)


def _tick(longest: float) -> float:
    """A round number of seconds that gives at most eight marks."""
    for step in (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400):
        if longest / step <= 8:
            return float(step)
    return longest / 8


def _kind(name: str) -> str:
    """A kind as a person says it."""
    return name.replace("_", " ").replace("-", " ")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
