"""Nova's host aggregates, and the availability zones that they make: told of, or made where policy says so."""

from collections.abc import Container, Iterator
from typing import Any

from pumphouse.facts import hypervisor_bodies
from pumphouse.model import Fields, Item
from pumphouse.policy import Policy
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Lookup

ZONE = "availability_zone"
TENANT_FILTER = "filter_tenant_id"  # begins the names of metadata that hold ids of projects


class Aggregate(Kind):
    """Comes with the servers on its hosts. The hosts of the destination are in it as far as policy maps them."""

    name = "aggregate"
    api = Api("compute", "/os-aggregates", "aggregate", "aggregates")
    portable = ("name", ZONE, "metadata")
    identity = ("name",)
    reads_after = ("server",)
    reuse_different = True
    project_field = None
    left_at_source = "belongs to the hosts"
    notes = {
        "name": "made with policy.aggregates: apply; else the plan says what selected servers would miss. One that is "
        "there stays as it is",
        "metadata": "ids of projects are those of the destination",
    }
    chosen = {"hosts": "those that policy.hosts names"}

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """With the servers on its hosts."""
        for body in cloud.pages(self.api.service, self.api.path, self.api.many):
            servers = [s.key for s in found["server"] if s.observed["host"] in body["hosts"]]
            item = self.item({**body, "servers": servers})
            if item:
                yield item

    def observe(self) -> tuple[str, ...]:
        """The hosts in it, and what is on them."""
        return ("hosts", "servers")

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Nova tells the availability zone twice."""
        metadata = fields.get("metadata") or {}
        fields["metadata"] = {name: value for name, value in metadata.items() if name != ZONE}
        return fields

    def belongs(self, item: Item, selected: Container[str]) -> bool:
        """With any of the servers on its hosts."""
        return any(server in selected for server in item.observed["servers"])

    def needs(self, item: Item, *, weak: bool = False) -> tuple[str, ...]:
        """The projects that it is for come first, when they are selected."""
        projects = (p for name, v in item.fields["metadata"].items() for p in _projects(name, v))
        return tuple(f"project:{project}" for project in projects) if weak else ()

    def target(self, item: Item, lookup: Lookup) -> dict[str, Any]:
        """A project without counterpart keeps its place: without any, the aggregate would be for all."""
        want = super().target(item, lookup)
        for name, value in want["metadata"].items():
            if projects := _projects(name, value):
                want["metadata"][name] = ",".join(lookup("project", p) or p for p in projects)
        return want

    def decide(self, want: dict[str, Any], item: Item, policy: Policy) -> dict[str, Any]:
        """Its hosts."""
        hosts = {policy.hosts[host] for host in item.observed["hosts"] if host in policy.hosts}
        return {**want, "hosts": sorted(hosts)}

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Empty, and without metadata."""
        return self.post(cloud, {"name": want["name"], ZONE: want[ZONE]})

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Metadata and hosts are set by actions."""
        path = f"{self.api.path}/{identifier}"
        body = cloud.get(self.api.service, path)[self.api.one]
        known = self.normalise(dict(body))["metadata"]
        metadata = {**{name: None for name in known if name not in want["metadata"]}, **want["metadata"]}
        if metadata:
            cloud.post(self.api.service, f"{path}/action", {"set_metadata": {"metadata": metadata}})
        named = {host: service for host, service in _services(cloud).items() if host in want["hosts"]}
        for host in sorted(set(named.values()) - set(body["hosts"])):
            cloud.post(self.api.service, f"{path}/action", {"add_host": {"host": host}})

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Its metadata by an action of their own."""
        super().update(cloud, identifier, want, {n: v for n, v in have.items() if n != "metadata"}, item)
        self.finish(cloud, identifier, want, item)

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """Nova deletes none that has hosts."""
        path = f"{self.api.path}/{identifier}"
        answer = cloud.find(self.api.service, path) or {self.api.one: {"hosts": ()}}
        for host in answer[self.api.one]["hosts"]:
            cloud.post(self.api.service, f"{path}/action", {"remove_host": {"host": host}})
        cloud.delete(self.api.service, path)


def _projects(name: str, value: str) -> list[str]:
    return value.split(",") if name.startswith(TENANT_FILTER) else []


def _services(cloud: Cloud) -> dict[str, str]:
    """Hypervisors are named by policy, aggregates hold the hosts of their services."""
    return {body["hypervisor_hostname"]: body["service"]["host"] for body in hypervisor_bodies(cloud)}
