"""Cinder volume types: the destination's own, found by name; made where policy says so."""

from collections.abc import Iterator
from typing import Any

from pumphouse.errors import CloudError, Missing
from pumphouse.model import Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind

STORAGE = "block-storage"
PUBLIC = "os-volume-type-access:is_public"
ENCRYPTION = ("provider", "cipher", "key_size", "control_location")


class VolumeType(Kind):
    """A volume names its type, so the name is the id here; policy may map it to another."""

    name = "volume_type"
    api = Api(STORAGE, "/types", "volume_type", "volume_types")
    portable = ("name", "description", PUBLIC)
    compared = ("extra_specs", "qos_specs", "encryption")
    identity = ("name",)
    reads_after = ("volume_qos",)
    reuse_only = True
    reuse_different = True
    project_field = None
    left_at_source = "other projects may use it"
    notes = {
        "description": "set when policy.create_volume_types has the type made; one that is there stays as it is, "
        "and the plan tells what differs, for this and the following",
        "qos_specs": "by name; the destination must have equal ones",
        "encryption": "of the type; encrypted volumes are blocked",
    }
    chosen = {
        "name": "mapped by policy.volume_types; made when missing by policy.create_volume_types",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """With the name of its QoS specs, and with its encryption, a call each. Private types too."""
        qos = {specs.id: specs.name for specs in found["volume_qos"]}
        for body in cloud.pages(STORAGE, "/types", "volume_types", is_public="None"):
            encryption = cloud.find(STORAGE, f"/types/{body['id']}/encryption") or {}
            body["type_id"], body["id"] = body["id"], body["name"]
            body["description"] = body.get("description") or ""
            body["qos_specs"] = qos.get(body.get("qos_specs_id") or "", "")
            body["encryption"] = {name: encryption[name] for name in ENCRYPTION if name in encryption}
            item = self.item(body)
            if item:
                yield item

    def observe(self) -> tuple[str, ...]:
        """The id, by which its access is asked for."""
        return ("type_id",)

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Volumes know it by its name."""
        super().create(cloud, want, item)
        return str(want["name"])

    def finish(self, cloud: Cloud, identifier: str, want: dict[str, Any], item: Item) -> None:
        """Extra specs, QoS specs and encryption are set by calls of their own.

        :raises Missing: when the destination has no QoS specs of this name.
        """
        own = _id(cloud, "/types", "volume_types", identifier, is_public="None")
        if want["extra_specs"]:
            cloud.post(STORAGE, f"/types/{own}/extra_specs", {"extra_specs": want["extra_specs"]})
        if want["qos_specs"]:
            qos = _id(cloud, "/qos-specs", "qos_specs", want["qos_specs"])
            _associate(cloud, qos, own)
        if want["encryption"] and not cloud.find(STORAGE, f"/types/{own}/encryption"):
            cloud.post(STORAGE, f"/types/{own}/encryption", {"encryption": want["encryption"]})

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """By its id."""
        try:
            own = _id(cloud, "/types", "volume_types", identifier, is_public="None")
        except Missing:
            return
        super().delete(cloud, own)


def _associate(cloud: Cloud, qos: str, own: str) -> None:
    """Cinder associates on a GET that has no answer, so what counts is what it says afterwards."""
    try:
        cloud.get(STORAGE, f"/qos-specs/{qos}/associate", vol_type_id=own)
    except CloudError:
        found = cloud.get(STORAGE, f"/qos-specs/{qos}/associations")["qos_associations"]
        if own not in [each["id"] for each in found]:
            raise


def _id(cloud: Cloud, path: str, many: str, name: str, **query: str) -> str:
    for each in cloud.pages(STORAGE, path, many, **query):
        if each["name"] == name:
            return str(each["id"])
    raise Missing(f"{cloud.role}: {path[1:]} has none named {name!r}")
