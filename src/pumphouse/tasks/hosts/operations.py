"""Operations on a host: which stages they consist of, in order."""

from pumphouse.host_policy import HostTimeouts
from pumphouse.machines import Provisioner
from pumphouse.model import EvacuationPlan
from pumphouse.tasks.hosts import emptying, installing, joining, leaving, smoke
from pumphouse.tasks.hosts.work import Stage, Work

AGAIN = "The same command goes on here."
GIVE_UP = "To give up, as long as nothing is written: 'pumphouse host withdraw'."
BACK = "To give up, as long as nothing is written: take it back in the engine, and start it from its disk."


def kept_off(work: Work, plan: EvacuationPlan) -> tuple[Stage, ...]:
    """Nothing new comes to a host of the source, and a dead one cannot come back to life."""
    limits = work.policy.timeouts
    stages = [Stage("disable", "keep new servers off it", emptying.disable, AGAIN)]
    if plan.needs_fencing:
        about = "switch its machine off, for Nova has lost it: no server may run twice"
        stages.append(Stage("fence", about, emptying.fence, AGAIN, limits.power))
    return tuple(stages)


def emptied(work: Work) -> tuple[Stage, ...]:
    """What is on a host of the source goes to others."""
    at_once = f"{work.policy.migrations} at once"
    return (
        Stage("move", f"move its servers to other hosts of the source, {at_once}", emptying.move, AGAIN),
        Stage("proof", "see that nothing is left of them", emptying.prove, AGAIN),
    )


def opened(work: Work) -> tuple[Stage, ...]:
    """Servers may come again."""
    return (
        Stage("settle", "wait for servers that are on their way", emptying.settle, AGAIN),
        Stage("enable", "let the source place servers on it again", emptying.enable, AGAIN),
    )


def upgrade(work: Work) -> tuple[Stage, ...]:
    """From a host of the source to one of the destination."""
    limits = work.policy.timeouts
    return (
        *_freed(work),
        Stage("prove", "see that the source has lost the host", installing.prove, GIVE_UP, limits.service),
        *_installed(work, GIVE_UP),
        Stage(
            "leave",
            "remove its compute service, network agents and resource provider from the source",
            leaving.leave,
            AGAIN,
            limits.service,
        ),
    )


def convert(work: Work) -> tuple[Stage, ...]:
    """From a controller of a source that is closed to a compute host of the destination."""
    return (*_taken(work, BACK), *_installed(work, BACK))


def acquire(work: Work) -> tuple[Stage, ...]:
    """From a host of the source to a machine that is free for whoever installs the destination."""
    return _freed(work)


def withdraw(work: Work) -> tuple[Stage, ...]:
    """Back to the source, as long as nothing is written to the machine."""
    limits = work.policy.timeouts
    return (
        Stage("withdraw", f"take it back{_by(work, 'from')}", installing.withdraw, AGAIN),
        *(
            [Stage("restore", "put it back into its network", installing.restore, AGAIN)]
            if work.network
            else []
        ),
        Stage(
            "start",
            "start it from its disk, and wait for its compute service in the source",
            installing.start_again,
            f"Look at the machine's console. {AGAIN}",
            limits.service,
        ),
        Stage("enable", "let the source place servers on it again", installing.enable, AGAIN),
    )


def _freed(work: Work) -> tuple[Stage, ...]:
    """Taken from the source's Nova."""
    return (
        Stage("empty", "see that it is empty and disabled in the source", installing.empty),
        *_taken(work, GIVE_UP),
    )


def _taken(work: Work, give_up: str) -> tuple[Stage, ...]:
    """From the source's engine to the destination's."""
    limits = work.policy.timeouts
    stages = []
    if work.former and installing.managed(work):
        stages.append(
            Stage(
                "release",
                f"have {work.former.name} of the source let it go; this erases its disks",
                installing.release,
                f"It is still in the source. {AGAIN}",
                limits.release,
            )
        )
    if work.network:
        stages.append(Stage("isolate", "put it into the engine's network", installing.isolate, AGAIN))
    if work.engine is None or work.engine.boots:
        stages.append(
            Stage(
                "start", "start it from the network, through its BMC", installing.start, f"{AGAIN} {give_up}"
            )
        )
    if work.engine:
        stages.append(_discovery(work.engine, limits, give_up))
    return tuple(stages)


def _installed(work: Work, give_up: str) -> tuple[Stage, ...]:
    """From a machine that the engine has found to a compute host that works."""
    limits, test = work.policy.timeouts, work.policy.smoke_test
    return (
        Stage(
            "assign",
            f"choose it for the destination: roles, disks, interfaces{_by(work)}",
            installing.assign,
            f"Nothing is written yet. {AGAIN} {give_up}",
        ),
        Stage(
            "deploy",
            f"install it{_by(work)}; this erases its disks",
            installing.deploy,
            f"See what the engine says of it, mend that. {AGAIN}",
            limits.deployment,
        ),
        *(
            [Stage("restore", "put it back into its network", installing.restore, AGAIN)]
            if work.network
            else []
        ),
        Stage("join", "wait for its services in the destination", joining.join, AGAIN, limits.service),
        Stage(
            "smoke",
            f"boot a server of flavor {test.flavor} there, and delete it"
            if test
            else "no smoke test is configured",
            smoke.smoke,
            f"'openstack compute service set --disable' keeps others off it meanwhile. {AGAIN}",
            limits.smoke_test if test else None,
        ),
    )


def _discovery(engine: Provisioner, limits: HostTimeouts, give_up: str) -> Stage:
    if engine.stops:
        about = f"tell {engine.name} of it, which takes the power from it"
        return Stage("discover", about, installing.discover, f"{AGAIN} {give_up}", limits.discovery)
    by_hand = (
        "Look at its console: it should have started from the network; start it so by hand if it did not. "
        f"{AGAIN} {give_up}"
    )
    return Stage(
        "discover", f"wait until {engine.name} has found it", installing.discover, by_hand, limits.discovery
    )


def _by(work: Work, word: str = "by") -> str:
    return f" {word} {work.engine.name}" if work.engine else ""
