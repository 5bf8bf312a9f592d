"""Nova flavors with extra specs; who may use a private one is a kind of its own."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from pumphouse.errors import Conflict
from pumphouse.model import Fields, Item
from pumphouse.policy import Policy
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind
from pumphouse.server_body import DELETED, SIZES

EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"
PUBLIC = "os-flavor-access:is_public"


class Flavor(Kind):
    """Matched by name, which Nova keeps unique; one of the same name that differs is a clash.

    One that was deleted is made again, private, from the copy that its servers hold.
    """

    name = "flavor"
    api = Api("compute", "/flavors", "flavor", "flavors")
    portable = ("name", "ram", "vcpus", "disk", EPHEMERAL, "swap", "rxtx_factor", PUBLIC, "description")
    compared = ("extra_specs",)
    identity = ("name",)
    project_field = None
    fixed = ("name", "ram", "vcpus", "disk", EPHEMERAL, "swap", "rxtx_factor", PUBLIC)
    left_at_source = "other projects may use it"
    way_out = "; give this one another name there: policy.flavors"
    notes = {
        "id": "kept when it is free",
        "extra_specs": "of a deleted flavor from microversion 2.61 of the source",
    }
    chosen = {"name": "kept, unless `policy.flavors` gives another"}
    lost = {
        "OS-FLV-DISABLED:disabled": "cannot be set through the API",
    }

    def read(self, cloud: Cloud, found: Found) -> Any:
        """Before microversion 2.61 the extra specs are a call each."""
        for body in cloud.pages("compute", "/flavors/detail", "flavors", is_public="None"):
            if "extra_specs" not in body:
                path = f"/flavors/{body['id']}/os-extra_specs"
                body["extra_specs"] = cloud.get("compute", path)["extra_specs"]
            item = self.item(body)
            if item:
                yield item

    def implied(self, found: Found) -> Iterator[Item]:
        """Deleted flavors, by the copies in their servers (from microversion 2.47); for those alone, so private."""
        made: set[str] = set()
        for server in found["server"]:
            identifier = server.fields["flavor_id"]
            if identifier is None or not identifier.startswith(DELETED) or identifier in made:
                continue
            made.add(identifier)
            copy = server.observed["flavor"]
            fields = {there: copy[name] for name, there in SIZES.items() if name in copy}
            fields |= {
                "name": copy["original_name"],
                PUBLIC: False,
                "extra_specs": copy.get("extra_specs") or {},
            }
            yield Item(self.name, identifier, copy["original_name"], None, self.normalise(fields))

    def candidates(self, want: Fields, item: Item, there: Iterable[Item]) -> list[Item]:
        """Not those that were deleted there."""
        return [o for o in super().candidates(want, item, there) if not o.id.startswith(DELETED)]

    def decide(self, want: dict[str, Any], item: Item, policy: Policy) -> dict[str, Any]:
        """Another name for it: two of the source may have the same, when one of them was deleted."""
        name = policy.flavors.get(item.id) or policy.flavors.get(item.name)
        return {**want, "name": name} if name else want

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """No swap is an empty string before microversion 2.75, and 0 after."""
        fields["swap"] = int(fields.get("swap") or 0)
        if not fields.get("description"):
            fields.pop("description", None)
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """With the id of the source; with another one when that is taken."""
        body = {name: want[name] for name in self.portable if name in want}
        for identifier in ("auto",) if item.id.startswith(DELETED) else (item.id, "auto"):
            try:
                answer = cloud.post("compute", "/flavors", {"flavor": {**body, "id": identifier}})
                return str(answer["flavor"]["id"])
            except Conflict:
                if identifier == "auto":
                    raise
        raise AssertionError("unreachable")

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Set the extra specs."""
        if want.get("extra_specs"):
            path = f"/flavors/{identifier}/os-extra_specs"
            cloud.post("compute", path, {"extra_specs": want["extra_specs"]})

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """Extra specs that are gone are removed one by one (Nova merges them)."""
        for name in set(have.get("extra_specs") or ()) - set(want["extra_specs"]):
            cloud.delete("compute", f"/flavors/{identifier}/os-extra_specs/{quote(name)}")
        super().update(cloud, identifier, want, have, item)
