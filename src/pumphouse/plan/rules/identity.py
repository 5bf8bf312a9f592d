"""Rules about users, their passwords and what they may do."""

from collections.abc import Iterator

from pumphouse.kinds import KINDS
from pumphouse.model import Action, Item, Origin
from pumphouse.plan.rules.view import BLOCK, NOTE, WARN, Found, View, rule, said

RESET = "Reset it in the destination: 'openstack user set --password-prompt USER'."


def _names(items: list[Item]) -> str:
    names = sorted(item.name for item in items)
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _new_users(view: View) -> Iterator[Item]:
    for item in view.to_do("user"):
        if not KINDS["user"].never_made(item):
            yield item


@rule("user-password", NOTE)
def _password(view: View) -> Found:
    """Users who are made while the databases of the Keystones are not named in the configuration."""
    items = [item for item in _new_users(view) if "password" not in item.observed]
    if items:
        yield (
            "",
            f"{len(items)} user(s) get a password that nobody knows: {_names(items)}",
            "Name both Keystones' databases (identity.connection), or reset them in the destination: "
            "'openstack user set --password-prompt USER'.",
        )


@rule("user-password-format", WARN)
def _format(view: View) -> Found:
    """Users whose password is kept in a way that the destination's Keystone cannot check."""
    for item in _new_users(view):
        password = item.observed.get("password")
        if password and password.origin is Origin.LOCAL and password.format and not password.accepted:
            yield (
                item.key,
                f"{said(item)}: its password is kept as {password.format}, "
                "which the destination's Keystone cannot check",
                "Let the user change the password at the source before, or reset it in the destination.",
            )


@rule("user-without-password", NOTE)
def _without(view: View) -> Found:
    """Users who have no password at the source, and so cannot log in with one in the destination either."""
    for item in _new_users(view):
        password = item.observed.get("password")
        if "password" in item.observed and (password is None or not password.format):
            yield item.key, f"{said(item)} has no password at the source", RESET


@rule("user-password-expired", NOTE)
def _expired(view: View) -> Found:
    """Users whose password has an end, which is carried along."""
    items = [i for i in _new_users(view) if (p := i.observed.get("password")) and p.portable and p.expires_at]
    if items:
        yield (
            "",
            f"{len(items)} user(s) keep the day on which their password expires, or has expired: {_names(items)}",
            "Nothing to do; an expired one is reset as at the source.",
        )


@rule("user-disabled", NOTE)
def _disabled(view: View) -> Found:
    """Users who are disabled at the source, and stay so."""
    for item in _new_users(view):
        if not item.fields["enabled"]:
            yield (
                item.key,
                f"{said(item)} is disabled and arrives disabled",
                "Enable it in the destination when it is wanted: 'openstack user set --enable USER'.",
            )


@rule("user-there-before", NOTE)
def _there_before(view: View) -> Found:
    """Users whom the destination had before: they keep the password they have there."""
    items = [
        item
        for step in view.steps
        if step.kind == "user" and step.action is Action.REUSE and not _made(view, step.key)
        if (item := view.source.by_key(step.key))
    ]
    if items:
        yield (
            "",
            f"{len(items)} user(s) were in the destination before and keep their password there: {_names(items)}",
            "Nothing to do, unless these are different people of the same name.",
        )


def _made(view: View, key: str) -> bool:
    row = view.rows.get(key)
    return row is not None and row.how == "created"


@rule("application-credential", WARN)
def _application_credential(view: View) -> Found:
    """Application credentials whose secret cannot be carried."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        if step.kind == "application_credential" and step.action is Action.SKIP and item:
            owner = view.source.name_of("user", item.fields["user_id"])
            yield (
                item.key,
                f"{said(item)} of user {owner!r} is left behind: its secret cannot be carried",
                "Name both Keystones' databases (identity.connection), "
                "or let the user make a new one in the destination.",
            )


@rule("trust", WARN)
def _trust(view: View) -> Found:
    """Trusts, which only their trustor can make."""
    for step in view.steps:
        item = view.source.by_key(step.key)
        if step.kind == "trust" and item:
            trustor, trustee = (
                view.source.name_of("user", item.fields[name])
                for name in ("trustor_user_id", "trustee_user_id")
            )
            yield (
                item.key,
                f"{said(item)} from user {trustor!r} to user {trustee!r} is left behind",
                "Let the service that uses it make a new one (Heat: update the stack), or the trustor.",
            )


@rule("assignment-left", NOTE)
def _assignment_left(view: View) -> Found:
    """Roles of selected users and groups on domains or the system: they come with 'identity' and '--all' only."""
    selected = {step.key for step in view.steps}
    left = [
        assignment
        for assignment in view.source.of("role_assignment")
        if assignment.key not in selected and assignment.project_id is None
        if any(f"{who}:{assignment.fields.get(f'{who}_id')}" in selected for who in ("user", "group"))
    ]
    if left:
        yield (
            "",
            f"{len(left)} role(s) on domains or the system are left behind: {_names(left)}",
            "Migrate 'identity' for these, or assign them in the destination.",
        )


@rule("implied-role-new", WARN)
def _implied(view: View) -> Found:
    """Roles of the destination that are going to imply another role: also for users who were there before."""
    reused = {
        s.key for s in view.steps if s.kind == "role" and s.action is Action.REUSE and not _made(view, s.key)
    }
    for item in view.to_do("implied_role"):
        if f"role:{item.fields['prior_role_id']}" in reused:
            yield (
                item.key,
                f"{said(item)}: from now on also for everybody who has the role in the destination",
                f"Exclude it when that is not wanted: --exclude 'implied_role:{item.name}'.",
            )


@rule("project-disabled", BLOCK)
def _project_disabled(view: View) -> Found:
    """Servers, volumes and server groups of a project that was in the destination before, and is disabled there."""
    there = {s.key: s.destination_id for s in view.steps if s.kind == "project" and s.action is Action.REUSE}
    for kind in ("server", "volume", "server_group"):
        for item in view.to_do(kind):
            key = f"project:{item.project_id}"
            project = view.destination.get("project", there.get(key))
            if project and not project.fields["enabled"] and not _made(view, key):
                yield (
                    item.key,
                    f"{said(item)} is in project {project.name!r}, which is disabled in the destination",
                    "Enable the project there for the time of the migration, or exclude it.",
                )
