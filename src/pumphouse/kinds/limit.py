"""Keystone's unified limits: how much of a service's resource a project or domain may use."""

from collections.abc import Container, Iterator
from dataclasses import replace
from typing import Any

from pumphouse.errors import Missing
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Ref

REGISTERED = "registered_limit_id"


class RegisteredLimit(Kind):
    """What a service lets be limited, with the default for all: its deployer's. Known by service and resource."""

    name = "registered_limit"
    api = Api("identity", "/registered_limits", "registered_limit", "registered_limits")
    portable = ("service", "resource_name", "default_limit")
    identity = ("service", "resource_name")
    reuse_different = True
    project_field = None
    left_at_source = "the deployer's"
    notes = {"default_limit": "never made, and left as it is: every cloud has its own"}

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """The first of each service and resource: regions are the cloud's own. Keystone has limits since Rocky."""
        services = _services(cloud)
        known: set[str] = set()
        try:
            bodies = list(cloud.pages("identity", self.api.path, self.api.many))
        except Missing:
            return
        for body in bodies:
            service = services.get(body["service_id"], body["service_id"])
            identifier = f"{service}/{body['resource_name']}"
            if identifier not in known:
                known.add(identifier)
                fields = {name: body[name] for name in ("resource_name", "default_limit")}
                seen = {name: body.get(name) for name in ("service_id", "region_id")}
                yield Item(self.name, identifier, identifier, None, {**fields, "service": service}, seen)

    def never_made(self, item: Item) -> str:
        """It means something to a service only when that asks Keystone for its limits."""
        default = item.fields["default_limit"]
        words = f"--service {item.fields['service']} --default-limit {default} {item.fields['resource_name']}"
        return f"its deployer registers it: 'openstack registered limit create {words}'"


class Limit(Kind):
    """What differs from the registered default, for one project or domain."""

    name = "limit"
    api = Api("identity", "/limits", "limit", "limits")
    refs = (
        Ref("registered_limit", REGISTERED),
        Ref("project", "project_id"),
        Ref("domain", "domain_id"),
    )
    portable = ("project_id", "domain_id", REGISTERED, "resource_limit", "description")
    identity = ("project_id", "domain_id", REGISTERED)
    companion_of = ("project_id",)
    fixed = identity
    reads_after = ("registered_limit",)
    left_at_source = "goes with its project"
    notes = {
        REGISTERED: "by service and resource; the destination must have it",
        "domain_id": "with its domain",
    }
    lost = {"id": "Keystone gives a new one", "region_id": "that of the destination's registered limit"}

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """Named after what they limit."""
        services = _services(cloud)
        try:
            bodies = list(cloud.pages("identity", self.api.path, self.api.many))
        except Missing:
            return
        for body in bodies:
            service = services.get(body["service_id"], body["service_id"])
            registered = f"{service}/{body['resource_name']}"
            item = self.item({**body, REGISTERED: registered, "name": registered})
            if item:
                yield replace(item, fields={n: v for n, v in item.fields.items() if v is not None})

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """With its project, or its domain."""
        if "domain_id" in item.fields:
            return f"domain:{item.fields['domain_id']}" in selected
        return super().belongs(item, selected)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Of the service, and in the region, that it is registered for."""
        names = ("project_id", "domain_id", "resource_limit", "description")
        body: dict[str, Any] = {name: want[name] for name in names if name in want}
        for there in RegisteredLimit().read(cloud, {}):
            if there.id == want[REGISTERED]:
                body |= {"resource_name": there.fields["resource_name"], **there.observed}
        answer = cloud.post("identity", self.api.path, {"limits": [body]})
        return str(answer["limits"][0]["id"])


def _services(cloud: Cloud) -> dict[str, str]:
    return {body["id"]: body["type"] for body in cloud.get("identity", "/services")["services"]}
