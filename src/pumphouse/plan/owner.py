"""Whether a server or volume can be made by its own user, so that it keeps belonging to that user."""

from collections.abc import Mapping

from pumphouse.inventory import Inventory
from pumphouse.model import Action, Item, Password, Row, Step


def owner_is_kept(
    item: Item,
    source: Inventory,
    steps: tuple[Step, ...],
    rows: Mapping[str, Row],
    destination: Inventory | None = None,
) -> str:
    """Why not; empty when the user is kept.

    Only a user that Pumphouse made can be acted for, as long as its password is one that nobody knows, or the
    source's, which is given back afterwards.
    """
    user = source.get("user", item.fields.get("user_id"))
    if user is None:
        return "its user no longer exists at the source"
    step = next((s for s in steps if s.key == user.key), None)
    row = rows.get(user.key)
    made_now = step is not None and step.action is Action.CREATE and not step.destination_id
    there = destination.get("user", row.destination_id) if destination and row else None
    now = there.observed.get("password") if there else None
    if not made_now and not (row and password_is_ours(row, now)):
        if row and row.how == "created":
            return f"user {user.name!r} may have got a password in the destination since"
        return f"user {user.name!r} was in the destination before"
    return _hindrance(user, item, source)


def _hindrance(user: Item, item: Item, source: Inventory) -> str:
    """Why a user that could be acted for cannot make this item."""
    if not user.fields["enabled"]:
        return f"user {user.name!r} is disabled"
    if user.fields.get("options", {}).get("multi_factor_auth_enabled"):
        return f"user {user.name!r} needs more than a password to log in"
    if not _roles(user, item, source) - {"reader"}:
        return f"user {user.name!r} has no role that may make it"
    return ""


def password_is_ours(row: Row, now: Password | None) -> bool:
    """Whether a user's password in the destination may be replaced: nobody knows it, or it is the one carried.

    :param row: of the user.
    :param now: the user's password in the destination, as its Keystone's tables describe it.
    """
    if row.how != "created" or row.data.get("handed_over"):
        return False
    carried = row.data.get("password")
    return carried is None or (now is not None and now.created_at == carried)


def _roles(user: Item, item: Item, source: Inventory) -> set[str]:
    """Names of the roles a user has in the project of an item, by itself or by its groups."""
    groups = {m.fields["group_id"] for m in source.of("group_membership") if m.fields["user_id"] == user.id}
    return {
        source.name_of("role", a.fields["role_id"])
        for a in source.of("role_assignment")
        if (a.fields.get("user_id") == user.id or a.fields.get("group_id") in groups)
        and a.fields.get("project_id") == item.project_id
        and not a.fields["inherited"]
    }
