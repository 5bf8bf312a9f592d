"""Nova flavors with extra specs; who may use a private one is a kind of its own."""

from typing import Any
from urllib.parse import quote

from pumphouse.errors import Conflict
from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind

EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"
PUBLIC = "os-flavor-access:is_public"


class Flavor(Kind):
    """Matched by name, which Nova keeps unique; one of the same name that differs is a clash."""

    name = "flavor"
    api = Api("compute", "/flavors", "flavor", "flavors")
    portable = ("name", "ram", "vcpus", "disk", EPHEMERAL, "swap", "rxtx_factor", PUBLIC, "description")
    compared = ("extra_specs",)
    identity = ("name",)
    project_field = None
    fixed = ("name", "ram", "vcpus", "disk", EPHEMERAL, "swap", "rxtx_factor", PUBLIC)
    left_at_source = "other projects may use it"
    notes = {
        "id": "kept when it is free",
    }
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

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """No swap is an empty string before microversion 2.75, and 0 after."""
        fields["swap"] = int(fields.get("swap") or 0)
        if not fields.get("description"):
            fields.pop("description", None)
        return fields

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """With the id of the source; with another one when that is taken."""
        body = {name: want[name] for name in self.portable if name in want}
        for identifier in (item.id, "auto"):
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
