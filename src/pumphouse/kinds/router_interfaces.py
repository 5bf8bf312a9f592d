"""The inner side of a router: its interfaces with their addresses, and its static routes."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

OWNERS = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)


class RouterInterfaces(Kind):
    """Its id is that of the router. Routes come after the interfaces that make their next hop reachable."""

    name = "router_interfaces"
    api = Api("network", "/routers", "router", "routers")
    refs = (
        Ref("router", "router_id"),
        Ref("subnet", "interfaces.*.subnet_id"),
        Ref("network", "interfaces.*.network_id"),
        Ref("project", "project_id"),
    )
    portable = ("router_id", "project_id", "interfaces", "routes")
    identity = ("router_id",)
    fixed = ("router_id",)
    companion_of = ("router_id",)

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """From the ports that routers own."""
        interfaces: dict[str, list[dict[str, str]]] = defaultdict(list)
        for owner in OWNERS:
            for port in cloud.pages("network", "/ports", "ports", device_owner=owner):
                interfaces[port["device_id"]] += [
                    {"network_id": port["network_id"], **address} for address in port["fixed_ips"]
                ]
        for router in cloud.pages("network", "/routers", "routers"):
            fields = {
                "router_id": router["id"],
                "project_id": router["project_id"],
                "interfaces": interfaces[router["id"]],
                "routes": router.get("routes") or [],
            }
            if fields["interfaces"] or fields["routes"]:
                yield Item(
                    self.name, router["id"], router["name"], router["project_id"], self.normalise(fields)
                )

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Both are sets."""
        fields["interfaces"] = sorted(fields["interfaces"], key=lambda i: i["ip_address"])
        fields["routes"] = sorted(fields["routes"], key=lambda r: (r["destination"], r["nexthop"]))
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Add the interfaces that are not there, then set the routes."""
        router = str(want["router_id"])
        there = {
            address["ip_address"]
            for port in cloud.pages("network", "/ports", "ports", device_id=router)
            for address in port["fixed_ips"]
        }
        for interface in want["interfaces"]:
            if interface["ip_address"] not in there:
                self._add(cloud, router, interface, want["project_id"])
        if want["routes"]:
            cloud.put("network", f"/routers/{router}", {"router": {"routes": want["routes"]}})
        return router

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Routes that are no more go first: they keep interfaces in use."""
        path = f"/routers/{identifier}"
        routes = [route for route in have.get("routes") or () if route in want["routes"]]
        if "routes" in have:
            cloud.put("network", path, {"router": {"routes": routes}})
        wanted = {interface["ip_address"] for interface in want["interfaces"]}
        gone = {i["ip_address"] for i in have.get("interfaces") or ()} - wanted
        for owner in OWNERS if gone else ():
            for port in cloud.pages("network", "/ports", "ports", device_id=identifier, device_owner=owner):
                if gone.issuperset(address["ip_address"] for address in port["fixed_ips"]):
                    cloud.put("network", f"{path}/remove_router_interface", {"port_id": port["id"]})
        self.create(cloud, want, item)

    @staticmethod
    def _add(cloud: Cloud, router: str, interface: dict[str, Any], project: str) -> None:
        """By subnet when it has the gateway's address, else by a port that has the address."""
        subnet = cloud.get("network", f"/subnets/{interface['subnet_id']}")["subnet"]
        body = {"subnet_id": subnet["id"]}
        if subnet["gateway_ip"] != interface["ip_address"]:
            address = {name: interface[name] for name in ("subnet_id", "ip_address")}
            query = f"ip_address={address['ip_address']}"
            ports = cloud.get("network", "/ports", network_id=interface["network_id"], fixed_ips=query)[
                "ports"
            ]
            if not ports:  # a port left by an interrupted run is used again
                port = {"network_id": interface["network_id"], "fixed_ips": [address], "project_id": project}
                ports = [cloud.post("network", "/ports", {"port": port})["port"]]
            body = {"port_id": ports[0]["id"]}
        cloud.put("network", f"/routers/{router}/add_router_interface", body)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Routes first: they keep interfaces in use."""
        if not cloud.find("network", f"/routers/{identifier}"):
            return
        cloud.put("network", f"/routers/{identifier}", {"router": {"routes": []}})
        for owner in OWNERS:
            for port in cloud.pages("network", "/ports", "ports", device_id=identifier, device_owner=owner):
                body = {"port_id": port["id"]}
                cloud.put("network", f"/routers/{identifier}/remove_router_interface", body)
