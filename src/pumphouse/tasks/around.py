"""What operators asked for around a move: their commands, and checks of a server's health."""

from collections.abc import Iterator

from pumphouse.errors import Mismatch, Refused
from pumphouse.hooks import HealthCheck, Hook
from pumphouse.model import Item, Step
from pumphouse.probes import Answer
from pumphouse.tasks.run import Run


# --- hooks --------------------------------------------------------------------------------------
def before(run: Run, phase: str, step: Step | None = None) -> None:
    """Run the hooks of a phase that has not begun.

    :param step: the server, in the phases of one.
    :raises Refused: when one fails: the phase must not begin.
    """
    for hook in _hooks(run, phase, step):
        answer = _call(run, phase, hook, step)
        if not answer.good:
            about = f"server {step.name!r}: " if step else ""
            raise Refused(
                f"{about}hook {phase} refused it: {hook}: {answer.words}",
                "Its output is in the log file of the migration. Repair what it complains of, or take it away.",
            )


def after(run: Run, phase: str, step: Step | None = None) -> None:
    """Run the hooks of a phase that is over; a failure is told, and changes nothing."""
    for hook in _hooks(run, phase, step):
        _call(run, phase, hook, step)


def _hooks(run: Run, phase: str, step: Step | None) -> tuple[Hook, ...]:
    group = run.policy_of(step.key).server_hooks if step else run.policy.hooks
    hooks: tuple[Hook, ...] = getattr(group, phase)
    return hooks


def _call(run: Run, phase: str, hook: Hook, step: Step | None) -> Answer:
    key, name = (step.key, step.name) if step else ("", "")
    answer = run.ports.probes.command(hook.command, hook.timeout, facts(run, phase, step))
    run.ports.publish("log", key, hook=phase, command=str(hook), output=answer.output)
    type_ = "hook.done" if answer.good else "hook.failed"
    run.ports.publish(type_, key, name=name, hook=phase, command=str(hook), result=answer.words)
    return answer


def facts(run: Run, phase: str, step: Step | None, role: str = "") -> dict[str, str]:
    """What commands are told, by environment.

    :param role: the cloud that the server is in.
    """
    found = {
        "PUMPHOUSE_PHASE": phase,
        "PUMPHOUSE_SELECTION": str(run.plan.selection),
        "PUMPHOUSE_SOURCE": run.plan.source,
        "PUMPHOUSE_DESTINATION": run.plan.destination,
    }
    if step is None:
        return found
    item, row = run.item(step.key), run.row(step.key)
    return found | {
        "PUMPHOUSE_CLOUD": role or ("source" if phase.startswith("before") else "destination"),
        "PUMPHOUSE_SERVER_NAME": item.name,
        "PUMPHOUSE_SERVER_ID": item.id,
        "PUMPHOUSE_SERVER_DESTINATION_ID": (row.destination_id if row else None) or "",
        "PUMPHOUSE_PROJECT": run.source.name_of("project", item.project_id),
        "PUMPHOUSE_PROJECT_ID": item.project_id or "",
        "PUMPHOUSE_ADDRESSES": " ".join(_addresses(run, item)),
    }


# --- health -------------------------------------------------------------------------------------
def look_before(run: Run, step: Step) -> None:
    """Check a running server at the source; what fails there is not asked for afterwards."""
    row, item = run.row(step.key), run.item(step.key)
    checks = run.policy_of(step.key).health
    if not checks or item.observed["status"] != "ACTIVE" or (row and "status" in row.data):
        return
    found = {name: _try(run, step, name, check, "source").good for name, check in _named(checks)}
    run.ports.ledger.note(step.key, health=found)


def look_after(run: Run, step: Step) -> None:
    """Check it in the destination.

    :raises Mismatch: when something fails that did not at the source.
    """
    row = run.row(step.key)
    if row is None or row.data.get("status") != "ACTIVE":
        return
    known = row.data.get("health") or {}
    for name, check in _named(run.policy_of(step.key).health):
        if not known.get(name):
            why = "it failed at the source" if name in known else "it was not asked at the source"
            run.ports.publish("health.skipped", step.key, name=step.name, check=name, reason=why)
            continue
        answer = _try(run, step, name, check, "destination")
        if not answer.good:
            raise Mismatch(
                f"server {step.name!r} is not healthy after its move: {name}: {answer.words}; it was at the source",
                "It was given back to the source. Look why it fails in the destination, then run the same command.",
            )


def _named(checks: tuple[HealthCheck, ...]) -> Iterator[tuple[str, HealthCheck]]:
    for number, check in enumerate(checks, 1):
        yield f"{number}. {check}", check


def _try(run: Run, step: Step, name: str, check: HealthCheck, role: str) -> Answer:
    item = run.item(step.key)
    addresses = [check.address] if check.address else _addresses(run, item)
    answer = Answer(False, "it has no address")
    for attempt in range(check.attempts):
        if attempt:
            run.ports.clock.sleep(check.interval)
        if check.type == "command" or addresses:
            answer = _ask(run, step, check, addresses[0] if addresses else "", role)
        if answer.good:
            break
    type_ = "health.passed" if answer.good else "health.failed"
    run.ports.publish(type_, step.key, name=step.name, check=name, cloud=role, result=answer.words)
    return answer


def _ask(run: Run, step: Step, check: HealthCheck, address: str, role: str) -> Answer:
    probes = run.ports.probes
    if check.type == "ping":
        return probes.ping(address, check.timeout)
    if check.type == "tcp":
        return probes.tcp(address, check.port or 0, check.timeout)
    if check.type == "http":
        host = f"[{address}]" if ":" in address else address
        return probes.http(check.url.replace("{address}", host), check.timeout)
    answer = probes.command(check.command, check.timeout, facts(run, "health", step, role))
    run.ports.publish("log", step.key, check=str(check), cloud=role, output=answer.output)
    return answer


def _addresses(run: Run, item: Item) -> list[str]:
    """The same before and after: floating ones first, for they are reached from further away."""
    ports = [port for each in item.fields["ports"] if (port := run.source.get("port", each))]
    floating = [
        str(each.fields["floating_ip_address"])
        for each in run.source.of("floating_ip")
        if each.fields.get("port_id") in item.fields["ports"]
    ]
    return floating + [str(ip["ip_address"]) for port in ports for ip in port.fields["fixed_ips"]]
