"""Planning: pure functions from two inventories, the ledger's rows and the policy to a Plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pumphouse.inventory import Inventory
from pumphouse.model import Acceptance, HostRoom, Item, Plan, Row, Selection, Step
from pumphouse.plan.capacity import quotas
from pumphouse.plan.mapped import remembered
from pumphouse.plan.match import match
from pumphouse.plan.order import order
from pumphouse.plan.revoked import revoked
from pumphouse.plan.rules import View, check
from pumphouse.plan.select import select
from pumphouse.policy import Policy


@dataclass(frozen=True)
class World:
    """Everything a plan is made from.

    :param rows: the ledger's view, by key.
    :param hosts: room on the destination's hypervisors; None when it cannot be known.
    :param admins: project of the administrator per cloud role; temporaries are made there.
    :param accepted: what the operator takes knowingly.
    :param mapped: key → id or name of the counterpart in the destination that the operator chose.
    """

    source: Inventory
    destination: Inventory
    rows: Mapping[str, Row]
    policy: Policy
    hosts: tuple[HostRoom, ...] | None
    admins: Mapping[str, str]
    accepted: tuple[Acceptance, ...] = ()
    mapped: Mapping[str, str] = field(default_factory=dict)


def make_plan(selection: Selection, world: World, names: tuple[str, str]) -> Plan:
    """What has to be done to have the selection in the destination.

    :param names: how the clouds are called in the plan.
    :raises UsageError: when the selection names nothing, or more than one thing; or something is accepted that
        cannot be.
    """
    selected = select(world.source, selection)
    applied = world.policy.aggregates == "apply"
    items: tuple[Item, ...] = order(i for i in selected.items if applied or i.kind != "aggregate")
    mapped = {**remembered(world.rows, world.destination), **world.mapped}
    steps: tuple[Step, ...] = match(items, world.source, world.destination, world.rows, world.policy, mapped)
    steps = tuple(replace(step, because=selected.because.get(step.key, "")) for step in steps)
    steps += tuple(revoked(steps, world.source, world.destination, world.rows))
    limits = tuple(quotas(steps, world.source, world.destination, world.policy))
    view = View(
        steps,
        selected,
        world.source,
        world.destination,
        world.rows,
        world.policy,
        world.hosts,
        limits,
        world.admins,
        world.accepted,
    )
    return Plan(selection, *names, steps, check(view), limits)
