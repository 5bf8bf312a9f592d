"""The rules of a security group, made equal as a whole."""

from contextlib import suppress
from typing import Any

from pumphouse.errors import Conflict
from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Kind, Ref

FIELDS = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "remote_address_group_id",
    "description",
)


class SecurityGroupRules(Kind):
    """A new group comes with rules of its own: what the source lacks goes, what it has is added.

    Its id is that of its group. Groups may refer to each other in circles, so all groups come first.
    """

    name = "security_group_rules"
    api = Api("network", "/security-groups", "security_group", "security_groups")
    refs = (
        Ref("security_group", "security_group_id"),
        Ref("security_group", "rules.*.remote_group_id"),
        Ref("address_group", "rules.*.remote_address_group_id"),
        Ref("project", "project_id"),
    )
    portable = ("security_group_id", "project_id", "rules")
    identity = ("security_group_id",)
    fixed = ("security_group_id",)
    companion_of = ("security_group_id",)
    left_at_source = "goes with its group"

    def item(self, body: dict[str, Any]) -> Item | None:
        """The listing of groups holds their rules."""
        rules = [{n: rule.get(n) for n in FIELDS} for rule in body["security_group_rules"]]
        fields = {"security_group_id": body["id"], "project_id": body["project_id"], "rules": rules}
        return Item(self.name, body["id"], body["name"], body["project_id"], self.normalise(fields))

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Rules are a set; no description is None in old releases and empty in new ones."""
        for rule in fields["rules"]:
            rule["description"] = rule.get("description") or None
        fields["rules"] = sorted(fields["rules"], key=_sort_key)
        return fields

    def automatic(self, item: Item) -> bool:
        """A group comes with rules."""
        return True

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Remove what should not be there, add what is missing."""
        group = str(want["security_group_id"])
        missing = [_sort_key(rule) for rule in want["rules"]]
        for rule in cloud.get("network", "/security-group-rules", security_group_id=group)[
            "security_group_rules"
        ]:
            key = _sort_key(rule)
            if key in missing:
                missing.remove(key)
            else:
                cloud.delete("network", f"/security-group-rules/{rule['id']}")
        for rule in want["rules"]:
            if _sort_key(rule) in missing:
                missing.remove(_sort_key(rule))
                self._add(cloud, group, rule, want["project_id"])
        return group

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Making them is making them equal."""
        self.create(cloud, want, item)

    @staticmethod
    def _add(cloud: Cloud, group: str, rule: dict[str, Any], project: str) -> None:
        body = {name: value for name, value in rule.items() if value is not None}
        body |= {"security_group_id": group, "project_id": project}
        with suppress(Conflict):  # the same rule is there, written in another way
            cloud.post("network", "/security-group-rules", {"security_group_rule": body})

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Rules go with their group."""


def _sort_key(rule: dict[str, Any]) -> str:
    return repr(["" if rule.get(name) in (None, "") else str(rule[name]) for name in FIELDS])
