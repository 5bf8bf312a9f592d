"""What a person means by a name."""

import difflib

from pumphouse.errors import UsageError
from pumphouse.inventory import Inventory
from pumphouse.model import Item


def resolve(source: Inventory, kind: str, name: str) -> Item:
    """The one item of this name or id; ``DOMAIN/NAME`` for projects, ``PROJECT/NAME`` for what projects own.

    :raises UsageError: when there is none, with near misses; or several, with their full names and ids.
    """
    items = source.of(kind)
    found = [i for i in items if i.id == name] or [i for i in items if i.name == name]
    if not found and "/" in name:
        owner, _, short = name.rpartition("/")
        found = [i for i in items if i.name == short and owner in _owners(source, i)]
    if not found:
        near = difflib.get_close_matches(name, [i.name for i in items], 3)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"See 'pumphouse inventory source --kind {kind}'."
        )
        raise UsageError(f"the source has no {kind} named {name!r}", hint)
    if len(found) > 1:
        several = ", ".join(_full_name(source, i) for i in found)
        raise UsageError(
            f"the source has {len(found)} {kind}s named {name!r}",
            f"Name one by its id, or with what owns it: {several}.",
        )
    return found[0]


def _owners(source: Inventory, item: Item) -> tuple[str, ...]:
    """Names and ids of the domain of a project, or of the project of anything else."""
    if item.kind == "project":
        domain = str(item.fields["domain_id"])
        return source.name_of("domain", domain), domain
    project = source.get("project", item.project_id)
    if project is None:
        return ()
    return (project.name, project.id, *(f"{domain}/{project.name}" for domain in _owners(source, project)))


def _full_name(source: Inventory, item: Item) -> str:
    owners = _owners(source, item)
    return f"{owners[0]}/{item.name} ({item.id})" if owners else item.id
