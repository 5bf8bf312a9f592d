"""Neutron RBAC policies: what is shared with one other project, or with all."""

from collections.abc import Container, Iterator
from dataclasses import replace
from typing import Any

from pumphouse.model import Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Ref

# Type of the object → our kind of it.
OBJECTS = {
    "network": "network",
    "security_group": "security_group",
    "qos_policy": "qos_policy",
    "address_scope": "address_scope",
    "subnetpool": "subnet_pool",
    "address_group": "address_group",
}
# Sharing these with everybody is the attribute `shared`, or `router:external`, and Neutron writes the policy itself.
BY_ATTRIBUTE = ("network", "qos_policy", "address_scope", "subnetpool")
EVERYBODY = "*"


class RbacPolicy(NetworkKind):
    """Waits for the project it is for: until that is in the destination, it is left out and told."""

    name = "rbac_policy"
    api = Api("network", "/rbac-policies", "rbac_policy", "rbac_policies")
    refs = (
        *(Ref(kind, f"{kind}_id") for kind in OBJECTS.values()),
        Ref("project", "project_id"),
        Ref("project", "target_project_id", weak=True, awaited=True),
    )
    portable = (
        "action",
        "object_type",
        "project_id",
        "target_project_id",
        *(f"{k}_id" for k in OBJECTS.values()),
    )
    compared = ()
    identity = portable
    fixed = portable
    reads_after = (*OBJECTS.values(), "project")
    companion_of = ("target_project_id",)
    extension = "rbac-policies"
    grants = True
    left_at_source = "goes with what it shares"
    notes = {
        "target_project_id": "one that is not in the destination is waited for: migrate again when it is",
    }
    lost = {
        "id": "Neutron gives a new one",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Named after what is shared, and with whom."""
        names = {i.id: i.name for kind in self.reads_after for i in found[kind]}
        for item in super().read(cloud, found):
            identifier, target = item.observed["object_id"], item.fields.get("target_project_id")
            to = names.get(target, target) if target else "all"
            yield replace(item, name=f"{names.get(identifier, identifier)} for {to}")

    def item(self, body: dict[str, Any]) -> Item | None:
        """The object under the name of its kind; what follows from an attribute of the object is not looked at."""
        kind, target = OBJECTS.get(body["object_type"]), body["target_tenant"]
        if kind is None or (target == EVERYBODY and body["object_type"] in BY_ATTRIBUTE):
            return None
        fields = {name: body[name] for name in ("action", "object_type", "project_id")}
        fields[f"{kind}_id"] = body["object_id"]
        if target != EVERYBODY:
            fields["target_project_id"] = target
        return Item(
            self.name,
            body["id"],
            body["object_id"],
            body["project_id"],
            fields,
            {"object_id": body["object_id"]},
        )

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """With what it shares, when the project it is for comes too, or it is for all."""
        target = item.fields.get("target_project_id")
        shared = f"{OBJECTS[item.fields['object_type']]}:{item.observed['object_id']}"
        return shared in selected and (target is None or f"project:{target}" in selected)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """In Neutron's words."""
        body = {name: want[name] for name in ("action", "object_type", "project_id")}
        body["object_id"] = want[f"{OBJECTS[want['object_type']]}_id"]
        body["target_tenant"] = want.get("target_project_id", EVERYBODY)
        return str(cloud.post("network", self.api.path, {"rbac_policy": body})["rbac_policy"]["id"])
