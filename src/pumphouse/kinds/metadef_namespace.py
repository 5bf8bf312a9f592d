"""Glance's catalog of metadata definitions: what properties mean and which values they may have."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

# Part of a namespace → its collection below it.
PARTS = {
    "objects": "objects",
    "properties": "properties",
    "tags": "tags",
    "resource_type_associations": "resource_types",
}
# Facts of one cloud, in a namespace and in each of its parts.
OWN = ("created_at", "updated_at", "self", "schema")


class MetadefNamespace(Kind):
    """Its name is its id; it is made with all its parts in one call."""

    name = "metadef_namespace"
    api = Api("image", "/metadefs/namespaces", "namespace", "namespaces")
    refs = (Ref("project", "owner"),)
    portable = ("namespace", "display_name", "description", "visibility", "protected", "owner", *PARTS)
    identity = ("namespace",)
    reads_after = ("project",)
    reuse_different = True
    fixed = ("namespace",)
    project_field = "owner"
    notes = {
        "owner": "namespaces that no project owns come from files, and are loaded by 'glance-manage db_load_metadefs'",
        "resource_type_associations": "a resource type that the destination does not know is made",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """The listing leaves the parts out; only what a project owns is read whole."""
        projects = {project.id for project in found["project"]}
        for body in cloud.pages("image", self.api.path, self.api.many):
            name, known = body["namespace"], body.get("owner") in projects
            whole = cloud.get("image", f"{self.api.path}/{quote(name, safe='')}") if known else body
            item = self.item({**whole, "id": name, "name": name, "known": known})
            if item:
                yield item

    def observe(self) -> tuple[str, ...]:
        """Whether a project of the cloud owns it."""
        return ("known",)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Glance leaves out what is empty."""
        fields["properties"] = _bare(fields.get("properties") or {})
        for name in ("objects", "tags", "resource_type_associations"):
            parts = (_bare(part) for part in fields.get(name) or ())
            fields[name] = sorted(parts, key=lambda part: str(part["name"]))
        return fields

    def skip_reason(self, item: Item) -> str:
        """Those that come with Glance are not a project's."""
        return "" if item.observed["known"] else "no project owns it: it was loaded from a file of Glance"

    def needs(self, item: Item, *, weak: bool = False) -> tuple[str, ...]:
        """Some owners are no projects."""
        return super().needs(item, weak=weak) if item.observed["known"] else ()

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """With everything in it: a name that is taken is refused before any part is made."""
        body = {name: value for name, value in want.items() if value not in (None, [], {})}
        return str(cloud.post("image", self.api.path, body)["namespace"])

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Parts are replaced as a whole; those of a protected namespace cannot be removed."""
        path = f"{self.api.path}/{quote(identifier, safe='')}"
        own = {name: want[name] for name in self.portable if name not in PARTS and want.get(name) is not None}
        cloud.put("image", path, {**own, "protected": False})
        for part in (name for name in PARTS if name in have):
            _replace(cloud, f"{path}/{PARTS[part]}", part, want[part], have[part])
        cloud.put("image", path, own)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Also when it is protected."""
        path = f"{self.api.path}/{quote(identifier, safe='')}"
        body = cloud.find("image", path)
        if body:
            if body.get("protected"):
                cloud.put("image", path, {"namespace": identifier, "protected": False})
            cloud.delete("image", path)


def _replace(cloud: Cloud, path: str, part: str, want: Any, have: Any) -> None:
    if part == "resource_type_associations":
        for each in have:
            cloud.delete("image", f"{path}/{quote(each['name'], safe='')}")
    else:
        cloud.delete("image", path)
    if part == "tags":
        cloud.post("image", path, {"tags": want})
        return
    for each in ({"name": n, **v} for n, v in want.items()) if part == "properties" else want:
        cloud.post("image", path, each)


def _bare(part: Any) -> Any:
    """A part without what is a fact of its cloud."""
    if isinstance(part, dict):
        return {name: _bare(value) for name, value in part.items() if name not in OWN and value is not None}
    return part
