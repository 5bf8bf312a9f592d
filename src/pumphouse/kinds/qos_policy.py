"""Neutron QoS policies with their rules."""

from typing import Any

from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref

# Type of a rule → what it says; QoS rules in the API reference. Packet rates are there since Yoga.
RULES = {
    "bandwidth_limit": ("max_kbps", "max_burst_kbps", "direction"),
    "dscp_marking": ("dscp_mark",),
    "minimum_bandwidth": ("min_kbps", "direction"),
    "packet_rate_limit": ("max_kpps", "max_burst_kpps", "direction"),
    "minimum_packet_rate": ("min_kpps", "direction"),
}
EXTENSIONS = {"packet_rate_limit": "qos-pps", "minimum_packet_rate": "qos-pps-minimum"}


class QosPolicy(NetworkKind):
    """Rules are set one by one after the policy, and made equal as a whole."""

    name = "qos_policy"
    api = Api("network", "/qos/policies", "policy", "policies")
    refs = (Ref("project", "project_id"),)
    portable = ("name", "description", "project_id", "shared", "is_default")
    compared = ("tags", "rules")
    extension = "qos"
    extensions = {"is_default": "qos-default"}
    notes = {
        "rules": "bandwidth limit, minimum bandwidth, DSCP marking, packet rates",
    }
    lost = {
        "id": "Neutron gives a new one",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Rules are a set of what they say; their ids are each cloud's own."""
        fields = super().normalise(fields)
        rules = [
            {n: rule[n] for n in ("type", *RULES[rule["type"]]) if n in rule} for rule in fields["rules"]
        ]
        fields["rules"] = sorted(rules, key=repr)
        return fields

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Any) -> None:
        """Remove the rules that should not be there, add those that are missing; then the tags."""
        path = f"{self.api.path}/{identifier}"
        missing = list(want["rules"])
        for rule in cloud.get("network", path)["policy"]["rules"]:
            said = {name: rule[name] for name in ("type", *RULES[rule["type"]]) if name in rule}
            if said in missing:
                missing.remove(said)
            else:
                cloud.delete("network", f"{path}/{rule['type']}_rules/{rule['id']}")
        for rule in missing:
            body = {name: value for name, value in rule.items() if name != "type"}
            cloud.post("network", f"{path}/{rule['type']}_rules", {f"{rule['type']}_rule": body})
        super().finish(cloud, identifier, want, item)
