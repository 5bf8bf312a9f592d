"""Neutron subnet pools: prefixes that subnets are cut from."""

from typing import Any

from pumphouse.network_resource import NetworkKind
from pumphouse.resource import Api, Ref

LENGTHS = ("default_prefixlen", "min_prefixlen", "max_prefixlen")


class SubnetPool(NetworkKind):
    """Subnets keep their CIDR, and are cut from the counterpart of their pool."""

    name = "subnet_pool"
    api = Api("network", "/subnetpools", "subnetpool", "subnetpools")
    refs = (Ref("project", "project_id"), Ref("address_scope", "address_scope_id"))
    portable = (
        "name",
        "description",
        "project_id",
        "prefixes",
        *LENGTHS,
        "default_quota",
        "address_scope_id",
        "shared",
        "is_default",
    )
    extension = "subnet_allocation"
    extensions = {"address_scope_id": "address-scope", "is_default": "default-subnetpools"}
    lost = {
        "id": "Neutron gives a new one",
    }

    def observe(self) -> tuple[str, ...]:
        """There is one default pool for each IP version."""
        return ("ip_version",)

    def normalise(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Prefixes are a set; some releases answer lengths as text, and no quota as nothing."""
        fields = super().normalise(fields)
        fields["prefixes"] = sorted(fields["prefixes"])
        fields |= {name: int(fields[name]) for name in LENGTHS if fields.get(name) is not None}
        for name in ("default_quota", "address_scope_id"):
            if fields.get(name) is None:
                fields.pop(name, None)
        return fields
