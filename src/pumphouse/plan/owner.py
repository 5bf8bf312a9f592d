"""Whether a server or volume can be made by its own user, so that it keeps belonging to that user."""

from collections.abc import Mapping

from pumphouse.inventory import Inventory
from pumphouse.model import Action, Item, Row, Step


def owner_is_kept(item: Item, source: Inventory, steps: tuple[Step, ...], rows: Mapping[str, Row]) -> str:
    """Why not; empty when the user is kept.

    Only a user that Pumphouse made, and whose password therefore nobody knows yet, can be acted for.
    """
    user = source.get("user", item.fields.get("user_id"))
    if user is None:
        return "its user no longer exists at the source"
    step = next((s for s in steps if s.key == user.key), None)
    row = rows.get(user.key)
    ours = (step is not None and step.action is Action.CREATE) or (
        row is not None and row.how == "created" and not row.data.get("handed_over")
    )
    if not ours:
        return f"user {user.name!r} was in the destination before"
    if not user.fields["enabled"]:
        return f"user {user.name!r} is disabled"
    roles = {
        source.name_of("role", a.fields["role_id"])
        for a in source.of("role_assignment")
        if a.fields.get("user_id") == user.id and a.fields.get("project_id") == item.project_id
    }
    if not roles - {"reader"}:
        return f"user {user.name!r} has no role that may make it"
    return ""
