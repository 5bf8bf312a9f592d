"""Rules about steps that cannot be carried out."""

from pumphouse.kinds import KINDS
from pumphouse.model import Action
from pumphouse.plan.mapped import MAPPED
from pumphouse.plan.rules.view import BLOCK, WARN, Found, View, rule, said


@rule("blocked-step", BLOCK)
def _blocked_step(view: View) -> Found:
    """Resources that cannot be made in the destination as they are."""
    for step in view.steps:
        if step.action is Action.BLOCK:
            remedy = "Make room for it or align the destination, or exclude it: "
            yield (
                step.key,
                f"{step.kind.replace('_', ' ')} {step.name!r} ({step.key.partition(':')[2]}): {step.reason}",
                f"{remedy}--exclude {step.kind}:{step.name}, or --skip-blocked.",
            )


@rule("mapped-differs", WARN)
def _mapped_differs(view: View) -> Found:
    """Resources mapped to something of the destination that is not like them."""
    found = {step.key: step.destination_id for step in view.steps}
    for step in view.steps:
        item = view.source.by_key(step.key)
        other = view.destination.get(step.kind, step.destination_id)
        if step.reason != MAPPED or item is None or other is None:
            continue
        kind = KINDS[step.kind]
        want = kind.target(item, lambda kind, identifier: found.get(f"{kind}:{identifier}") or identifier)
        names = [name for name, *_ in kind.compare(want, other.fields) if name not in kind.held]
        if names:
            yield (
                step.key,
                f"{said(item)} is mapped to {other.name!r} ({other.id}), which differs in {', '.join(names)}",
                "Nothing to do if that is wanted: what was in the destination before stays as it is.",
            )


@rule("dangling-reference", BLOCK)
def _dangling(view: View) -> Found:
    """Resources that refer to something the source does not have."""
    for item, key in view.selected.dangling:
        kind, _, identifier = key.partition(":")
        yield (
            item.key,
            f"{said(item)} refers to {kind} {identifier}, which the source does not have",
            ("Repair it at the source, or exclude it."),
        )


@rule("override-unused", WARN)
def _override_unused(view: View) -> Found:
    """Entries of policy.overrides that name a project or a server that the source does not have."""
    servers = [
        ((view.source.name_of("project", s.project_id), str(s.project_id)), (s.name, s.id))
        for s in view.source.of("server")
    ]
    projects = [((p.name, p.id), ("",)) for p in view.source.of("project")]
    for override in view.policy.overrides:
        if not any(override.covers(project, server) for project, server in (*servers, *projects)):
            yield (
                "",
                f"policy.overrides: nothing in the source is named by '{override}'",
                "Correct the names in config.yaml, or remove the entry.",
            )


@rule("excluded-needed", BLOCK)
def _excluded_needed(view: View) -> Found:
    """Resources that are excluded, but needed by something selected."""
    for step in view.steps:
        if step.key in view.selected.excluded:
            yield (
                step.key,
                f"{step.kind} {step.name!r} is excluded, and something selected needs it",
                ("Exclude what needs it too, or do not exclude it."),
            )
