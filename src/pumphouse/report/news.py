"""Events in words: what a run is doing, and what is worth a line."""

from collections.abc import Mapping
from typing import Any

from pumphouse.model import Event
from pumphouse.report import units
from pumphouse.report.board import Board

#: What a step does, as a person says it while it happens.
DOING = {
    "ensure": "making",
    "remove": "taking back",
    "stop": "stopping",
    "capture": "capturing",
    "transfer": "copying",
    "create_volume": "making the volume",
    "pin": "pinning",
    "create_server": "starting",
    "settle": "settling",
    "activate": "switching on",
    "verify": "comparing",
    "lock_source": "locking the source",
    "cleanup": "cleaning up",
    "delete": "deleting",
    "undo": "removing",
    "restart": "starting at the source",
}
#: What some events are worth saying, whatever they are about.
SAID = {
    "workload.failed": "failed: {error}",
    "hook.failed": "hook {hook} failed: {command}: {result}",
    "health.failed": "not healthy in the {cloud}: {check}: {result}",
    "step.waiting": "waits {reason}",
}


def news(board: Board, event: Event) -> str:
    """The line that an event is worth beside the display; empty for most."""
    name, data, workload = board.name(event), event.data, board.workload(event)
    if event.type == "host.stage":
        return stage_line(data)
    if event.type in SAID:
        line = SAID[event.type].format(**data)
        return f"{name}: {line}" if name else line
    match event.type:
        case "workload.done" if workload:
            parts = [f"{name}: done in {units.duration(workload.seconds)}"]
            if workload.moved:
                parts.append(f"{units.size(workload.moved)} copied")
            if workload.downtime:
                parts.append(f"without service for {units.duration(workload.downtime)}")
            return ", ".join(parts)
        case "step.failed" if workload is None:
            return f"{name}: failed: {data.get('error', '')}"
        case "step.skipped" if workload is None:
            return f"{name}: skipped: {data.get('reason', '')}"
    return ""


def stage_line(data: Mapping[str, Any]) -> str:
    """Where an operation on a host is: ``compute-1: deploy: 40 %: puppet runs``."""
    percent = f"{data['percent']} %" if data["percent"] is not None else ""
    said = percent if data["state"] == "running" else str(data["state"])
    if data["state"] == "done":
        return f"{data['host']}: {data['stage']}: done"
    return ": ".join(filter(None, (str(data["host"]), str(data["stage"]), said, str(data["message"]))))
