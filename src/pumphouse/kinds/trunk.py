"""Neutron trunks: a parent port that carries the traffic of its subports, each under a VLAN of its own."""

from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.network_resource import NetworkKind
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Ref


class Trunk(NetworkKind):
    """Made while its ports are unbound: not every backend makes a trunk of a port that is in use."""

    name = "trunk"
    api = Api("network", "/trunks", "trunk", "trunks")
    refs = (
        Ref("port", "port_id"),
        Ref("port", "sub_ports.*.port_id"),
        Ref("project", "project_id"),
    )
    portable = ("name", "description", "project_id", "admin_state_up", "port_id", "sub_ports")
    identity = ("port_id",)
    fixed = ("port_id",)
    companion_of = ("port_id",)
    extension = "trunk"
    lost = {
        "id": "Neutron gives a new one",
    }

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Subports are a set."""
        fields = super().normalise(fields)
        fields["sub_ports"] = sorted(fields["sub_ports"], key=lambda sub: sub["segmentation_id"])
        return fields

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Subports come and go by calls of their own."""
        path = f"{self.api.path}/{identifier}"
        here, there = want["sub_ports"], have.get("sub_ports", want["sub_ports"])
        if gone := [{"port_id": sub["port_id"]} for sub in there if sub not in here]:
            cloud.put("network", f"{path}/remove_subports", {"sub_ports": gone})
        if new := [sub for sub in here if sub not in there]:
            cloud.put("network", f"{path}/add_subports", {"sub_ports": new})
        rest = {name: value for name, value in have.items() if name != "sub_ports"}
        super().update(cloud, identifier, want, rest, item)
