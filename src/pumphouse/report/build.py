"""Ledger rows and events of one migration in, a report out; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pumphouse.model import Difference, Event, Migration, Row
from pumphouse.report.values import PHASES, UNDOING, Disk, Move, Report, Run, Span, Taken, Trouble


def build(
    migration: Migration, rows: Sequence[Row], events: Sequence[Event], source: str, destination: str
) -> Report:
    """The report of a migration.

    :param events: of this migration, oldest first.
    :param source: how the source is called in the report.
    :param destination: how the destination is called in the report.
    """
    by_key = {row.key: row for row in rows}
    finished = [e for e in events if e.type == "run.done"]
    return Report(
        migration=migration,
        source=source,
        destination=destination,
        rows=tuple(rows),
        moves=tuple(_moves(events, by_key)),
        disks=tuple(_disks(events)),
        troubles=tuple(_troubles(events, by_key)),
        differences=tuple(_differences(events)),
        runs=tuple(_runs(events)),
        accepted=tuple(_accepted(events)),
        temporaries=finished[-1].data.get("temporaries") if finished else None,
    )


def _moves(events: Iterable[Event], rows: Mapping[str, Row]) -> Iterable[Move]:
    """One move per workload; a phase may be spread over several runs when one was interrupted."""
    of: dict[str, list[Event]] = defaultdict(list)
    owners: dict[str, str] = {}
    for event in events:
        # Steps name the workload they belong to; what is published beside them has the same key.
        workload = owners[event.key] = event.data.get("workload") or owners.get(event.key, event.key)
        if event.type == "workload.started" or workload in of:
            of[workload].append(event)
    for key, mine in of.items():
        yield _move(key, _last_attempt(mine), rows.get(key))


def _last_attempt(events: Sequence[Event]) -> Sequence[Event]:
    """From the start that led to the latest stop of the server: what came before was undone."""
    stops = [i for i, e in enumerate(events) if e.type == "source.stopped"]
    limit = stops[-1] if stops else len(events)
    starts = [i for i, e in enumerate(events[:limit]) if e.type == "workload.started"]
    return events[starts[-1] :] if starts else events


def _move(key: str, events: Sequence[Event], row: Row | None) -> Move:
    begin = events[0].at
    last = {e.type: e for e in events}
    ended = [e for e in events if e.type in ("workload.done", "workload.failed")]
    failed = ended[-1] if ended and ended[-1].type == "workload.failed" else None
    up = last.get("destination.up")
    stopped = last.get("source.stopped")
    since = up.at - stopped.at if up and stopped else None
    downtime = up.data.get("downtime", since) if up else None
    kind, _, source_id = key.partition(":")
    return Move(
        kind=kind,
        name=str(events[0].data.get("name") or (row.name if row else source_id)),
        source_id=source_id,
        destination_id=row.destination_id if row else None,
        result=_result(events),
        started_at=begin,
        seconds=(ended[-1] if ended else events[-1]).at - begin,
        bytes=sum(int(e.data.get("bytes", 0)) for e in events if e.type == "moved"),
        downtime=downtime,
        error=str(failed.data.get("error", "")) if failed else "",
        spans=tuple(_spans(events, begin)),
        down=(max(0.0, up.at - begin - downtime), up.at - begin) if up and downtime is not None else None,
    )


def _result(events: Sequence[Event]) -> str:
    """The last word on a workload."""
    result = "unfinished"
    for event in events:
        if event.type in ("workload.done", "workload.failed"):
            result = event.type.removeprefix("workload.")
        elif result == "done" and event.type == "step.done" and event.data.get("action") == "undo":
            result = "rolled back"
    return result


def _spans(events: Iterable[Event], begin: float) -> Iterable[Span]:
    """Each phase's stretches up to the arrival; parts that overlap (several volumes at once) are one stretch."""
    started: dict[tuple[str, str], float] = {}
    raw: dict[str, list[tuple[float, float]]] = {phase: [] for phase in PHASES.values()}
    for event in events:
        step = (event.key, str(event.data.get("action")))
        if event.type == "workload.done":
            break  # what follows is another command's
        if event.type == "step.started":
            started[step] = event.at - begin
        elif event.type in ("step.done", "step.failed") and step in started and step[1] in PHASES:
            raw[PHASES[step[1]]].append((started.pop(step), event.at - begin))
    for phase, stretches in raw.items():
        merged: list[tuple[float, float]] = []
        for start, end in sorted(stretches):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        yield from (Span(phase, start, end) for start, end in merged)


def _disks(events: Iterable[Event]) -> Iterable[Disk]:
    latest = {e.key: e for e in events if e.type == "moved"}
    for key, event in latest.items():
        kind, _, source_id = key.partition(":")
        data = event.data
        yield Disk(
            kind=str(data.get("kind", kind)),
            name=str(data.get("name", "")),
            source_id=str(data.get("source_id", source_id)),
            destination_id=str(data.get("destination_id", "")),
            bytes=int(data.get("bytes", 0)),
            sha256=str(data.get("sha256", "")),
        )


def _troubles(events: Iterable[Event], rows: Mapping[str, Row]) -> Iterable[Trouble]:
    """The last word on each step counts: a failure that a later run made good is no trouble."""
    names = {key: row.name for key, row in rows.items()}
    open_: dict[str, Event] = {}
    for event in events:
        if event.type == "step.started" and event.data.get("name"):
            names.setdefault(event.key, str(event.data["name"]))
        if event.type in ("step.failed", "step.skipped"):
            open_[event.key] = event
        elif event.type == "step.done" and event.key in open_:
            action, before = event.data.get("action"), open_[event.key].data.get("action")
            if action == before or action not in UNDOING:
                del open_[event.key]
    for key, event in open_.items():
        kind, _, source_id = key.partition(":")
        why = event.data.get("error") or event.data.get("reason") or ""
        result = "failed" if event.type == "step.failed" else "skipped"
        yield Trouble(kind, names.get(key, source_id), result, str(event.data.get("action", "")), str(why))


def _differences(events: Sequence[Event]) -> Iterable[Difference]:
    """What the latest run found; an older run's finding may have been made good."""
    starts = [i for i, e in enumerate(events) if e.type == "run.started"]
    for event in events[starts[-1] if starts else 0 :]:
        for found in event.data.get("found", ()) if event.type == "verified" else ():
            yield _difference(str(found.get("key", event.key)), found)


def _difference(key: str, found: Mapping[str, Any]) -> Difference:
    return Difference(
        key=key,
        kind=str(found.get("kind", key.partition(":")[0])),
        name=str(found.get("name", "")),
        field=str(found.get("field", "")),
        source=found.get("source"),
        destination=found.get("destination"),
        note=str(found.get("note", "")),
        failing=bool(found.get("failing", True)),
    )


def _accepted(events: Iterable[Event]) -> Iterable[Taken]:
    """Each once, as of the first run that acted on it."""
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.type == "accepted":
            first.setdefault((str(event.data.get("rule", "")), event.key), event)
    for (rule, _), event in first.items():
        said = {name: str(event.data.get(name, "")) for name in ("severity", "what", "by")}
        yield Taken(rule, **said, at=event.at)


def _runs(events: Iterable[Event]) -> Iterable[Run]:
    """A run without an end was killed, or is still going on."""
    begun: Event | None = None
    for event in events:
        if event.type == "run.started":
            if begun:
                yield Run(str(begun.data.get("command", "")), begun.at, None, "interrupted")
            begun = event
        elif event.type in ("run.done", "run.failed") and begun:
            result = str(event.data.get("result") or event.data.get("error") or "")
            yield Run(str(begun.data.get("command", "")), begun.at, event.at - begun.at, result)
            begun = None
    if begun:
        yield Run(str(begun.data.get("command", "")), begun.at, None, "not finished")
