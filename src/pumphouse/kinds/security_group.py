"""Neutron security groups; their rules are a kind of their own, because groups refer to each other."""

from typing import Any

from pumphouse.model import Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref


class SecurityGroup(NetworkKind):
    """Every project has one named ``default`` that cannot be made, only looked at."""

    name = "security_group"
    api = Api("network", "/security-groups", "security_group", "security_groups")
    refs = (Ref("project", "project_id"),)
    portable = ("name", "description", "project_id", "stateful")
    extensions = {"stateful": "stateful-security-group"}
    lost = {
        "id": "Neutron gives a new one",
    }

    def automatic(self, item: Item) -> bool:
        """Neutron makes the default group when it is first asked about a project."""
        return item.name == "default"

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Asking for the groups of a project makes its default one."""
        if item.name != "default":
            return super().create(cloud, want, item)
        query = {"project_id": want["project_id"], "name": "default"}
        return str(cloud.get("network", "/security-groups", **query)["security_groups"][0]["id"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """The default group's description may have been changed."""
        super().finish(cloud, identifier, want, item)
        if item.name == "default":
            body = {"security_group": {"description": want["description"]}}
            cloud.put("network", f"/security-groups/{identifier}", body)
