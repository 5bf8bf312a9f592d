"""Rules about room in the destination, and for what is made for the duration of a move."""

from pumphouse.plan.capacity import lacking, temporaries
from pumphouse.plan.rules.view import BLOCK, NOTE, Found, View, rule


@rule("quota", BLOCK)
def _quota(view: View) -> Found:
    """A quota of a project that is smaller than what it has in the destination and what comes."""
    for c in view.limits:
        if 0 <= c.limit < c.used + c.added:
            yield (
                "",
                f"{c.scope}: {c.resource}: {c.added} more do not fit: {c.used} of {c.limit} are used",
                "Raise the quota (at the source it is carried over, in the destination when the project was there "
                "before).",
            )


@rule("temporary-quota", BLOCK)
def _temporary_quota(view: View) -> Found:
    """A quota of the administrator's project, in either cloud, that is too small for temporary copies of volumes."""
    for inventory in (view.source, view.destination):
        project = view.admins[inventory.role]
        called = inventory.name_of("project", project)
        for name, limit, used, need in temporaries(view.steps, view.source, inventory, project):
            yield (
                "",
                f"{inventory.role}: the administrator's project {called!r} lacks quota for temporary copies: "
                f"{name} {limit}, {used} used, {need} needed",
                f"Raise it: 'openstack quota set --{name} N {called}'.",
            )


@rule("hosts", BLOCK, acceptable=True)
def _hosts(view: View) -> Found:
    """Servers that do not fit on the destination's hypervisors, as far as Placement tells their room."""
    found = lacking(view.steps, view.source, view.hosts, view.policy) if view.hosts is not None else {}
    for where, missing in found.items():
        lacks = ", ".join(f"{amount:g} {name}" for name, amount in missing.items())
        yield (
            "",
            f"the destination's {len(view.hosts or ())} hypervisor(s) lack room for all servers{where and ' '}{where}: "
            f"{lacks} do not fit",
            "Add hypervisors to the destination, select fewer servers, or send them elsewhere by "
            "policy.availability_zones.",
        )


@rule("hosts-unknown", NOTE)
def _hosts_unknown(view: View) -> Found:
    """A destination whose Placement does not tell the room on its hypervisors."""
    if view.hosts is None:
        yield (
            "",
            "the room on the destination's hypervisors is unknown: its placement service did not say",
            "Make sure that the servers fit.",
        )
