"""Nova server groups: affinity and anti-affinity."""

from typing import Any

from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Kind, Ref


class ServerGroup(Kind):
    """Belongs to the project and user that make it; its members join as they are made."""

    name = "server_group"
    api = Api("compute", "/os-server-groups", "server_group", "server_groups")
    refs = (Ref("project", "project_id"), Ref("user", "user_id"))
    portable = ("name", "policy", "rules", "project_id", "user_id")
    acts_in_project = True
    fixed = portable
    notes = {
        "members": "join when they are moved",
    }
    lost = {
        "id": "Nova gives a new one",
    }

    def query(self, cloud: Cloud) -> dict[str, Any]:
        """Those of every project."""
        return {"all_projects": "True"}

    def item(self, body: dict[str, Any]) -> Item | None:
        """Before microversion 2.64 a group has a list of policies, which never held more than one."""
        policy = body.get("policy") or body["policies"][0]
        return super().item({**body, "policy": policy, "rules": body.get("rules") or {}})

    def observe(self) -> tuple[str, ...]:
        """Members are servers' ids."""
        return ("members",)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Rules are given only to the policy that knows them; before microversion 2.64 policies are a list."""
        single = cloud.supports("compute", "2.64")
        policy = {"policy": want["policy"]} if single else {"policies": [want["policy"]]}
        body: dict[str, Any] = {"name": want["name"], **policy}
        if want["rules"]:
            body["rules"] = want["rules"]
        answer = cloud.post("compute", "/os-server-groups", {"server_group": body})
        return str(answer["server_group"]["id"])
