"""A small project of its own, with a network and servers, for tests that stand outside the story."""

import hashlib
import os
import secrets
import time
from typing import Any

FLAVOR = {"ram": 64, "vcpus": 1, "disk": 1}


class Tenant:
    """One project at the source, made through plain openstacksdk; found again by its name in either cloud.

    Its name ends in something random, so that tests can be repeated in a lab that is kept.
    """

    def __init__(self, lab: Any, name: str) -> None:
        self.lab = lab
        self.name = name = f"{name}-{secrets.token_hex(2)}"
        self.clouds = {side: lab.connect(side) for side in ("source", "destination")}
        self.here = self.clouds["source"]
        identity = self.here.identity
        self.project = identity.create_project(name=name, domain_id="default", description="before")
        self.user = identity.create_user(
            name=f"{name}-keeper", domain_id="default", password=f"{name}-Pass1", description="before"
        )
        member = identity.find_role("member", ignore_missing=False)
        identity.assign_project_role_to_user(self.project, self.user, member)
        self.tenant = lab.connect(
            "source", username=self.user.name, password=f"{name}-Pass1", project_name=name
        )
        self.flavor = self.shared_flavor()
        self.network: Any = None
        self.subnet: Any = None
        self.image: Any = None

    def shared_flavor(self, name: str = "tenants.small") -> Any:
        """A flavor that all these projects use."""
        compute = self.here.compute
        return compute.find_flavor(name) or compute.create_flavor(name=name, **FLAVOR)

    def furnish(self, octet: int, image: Any = None) -> "Tenant":
        """A network with a subnet, and an image.

        :param octet: of the subnet's addresses.
        :param image: somebody else's that is used instead.
        """
        network = self.tenant.network
        self.network = network.create_network(name=f"{self.name}-net", description="before", mtu=1400)
        self.subnet = network.create_subnet(
            network_id=self.network.id, name=f"{self.name}-sub", ip_version=4, cidr=f"10.77.{octet}.0/24"
        )
        self.image = image or self.upload(f"{self.name}-base")
        return self

    def upload(self, name: str, **properties: Any) -> Any:
        """An image with a little random data."""
        image = self.tenant.image
        return image.create_image(
            name=name,
            data=os.urandom(200_000),
            disk_format="raw",
            container_format="bare",
            min_disk=1,
            validate_checksum=False,
            **properties,
        )

    def server(self, name: str, volumes: int = 0, **more: Any) -> Any:
        """A running server on a port of its own, with attached volumes."""
        compute, storage = self.tenant.compute, self.tenant.block_storage
        port = self.tenant.network.create_port(network_id=self.network.id, name=f"{name}-port")
        made = compute.create_server(
            name=name,
            flavor_id=self.flavor.id,
            image_id=self.image.id,
            networks=[{"port": port.id}],
            **more,
        )
        made = compute.wait_for_server(made, interval=0.5)
        for number in range(volumes):
            volume = storage.create_volume(name=f"{name}-data-{number}", size=1)
            storage.wait_for_status(volume, "available", interval=0.5)
            compute.create_volume_attachment(made, volume_id=volume.id)
            storage.wait_for_status(volume, "in-use", interval=0.5)
        return made

    def there(self, service: str, kind: str, name: str) -> Any:
        """The only one of this name in the destination; None when there is none."""
        found = self.all(service, kind, name)
        assert len(found) < 2, f"{kind} {name}: {len(found)} times"
        return found[0] if found else None

    def all(self, service: str, kind: str, name: str, side: str = "destination") -> list[Any]:
        """All of this name in a cloud."""
        query = {"all_projects": True} if kind in ("servers", "volumes") else {}
        proxy = getattr(self.clouds[side], service)
        return [each for each in getattr(proxy, kind)(**query) if each.name == name]

    def status(self, name: str, side: str) -> str | None:
        """The state of a server; None when there is none."""
        found = self.all("compute", "servers", name, side)
        return found[0].status if found else None

    def disk(self, server: Any, side: str) -> str:
        """The hash of a root disk, without the zeros at its end."""
        path = self.lab.files(side) / "instances" / server.id / "disk"
        return hashlib.sha256(path.read_bytes().rstrip(b"\0")).hexdigest()


def wait(what: str, ask: Any, seconds: float = 60) -> Any:
    """Ask until the answer is true."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.3)
    return answer
