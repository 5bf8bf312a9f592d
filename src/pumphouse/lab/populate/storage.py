"""Images, public and of one tenant, and a tenant's volumes."""

import hashlib
from typing import Any

from pumphouse.lab.populate.builder import MIB, Builder
from pumphouse.lab.populate.tenant import Shape, Tenant, draw

BASE, GOLDEN, OLD = "acme-base", "golden", "golden-2023"
DEVICES = {"hw_disk_bus": "virtio", "hw_vif_model": "virtio", "os_distro": "debian"}


def images(builder: Builder, tenants: list[Tenant]) -> None:
    """A public base image, and the first tenant's own, one of them shared with the second tenant."""
    _image(builder, BASE, None, 4, visibility="public", **DEVICES)
    if tenants:
        owner = tenants[0]
        _image(builder, OLD, owner, 1, visibility="private", os_hidden=True, acme_build="17")
        golden = _image(
            builder,
            GOLDEN,
            owner,
            3,
            visibility="shared",
            min_disk=1,
            min_ram=32,
            protected=True,
            tags=["golden", owner.short],
            acme_build="42",
            **DEVICES | {"hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi"},
        )
        _share(builder, golden.id, tenants[1:2])


def _image(builder: Builder, name: str, owner: Tenant | None, mib: int, **attributes: Any) -> Any:
    """An image in the very form given: the SDK's own upload would add properties."""
    glance = builder.admin.image
    project = owner.name if owner else ""
    full = owner.named(name) if owner else name
    data = draw(builder.seed, "image", full).randbytes(mib * MIB)
    body = {"name": full, "disk_format": "raw", "container_format": "bare", **attributes}
    if owner:
        body["owner"] = builder.id("project", owner.name)

    def make() -> Any:
        answer = glance.post("/images", json=body)
        answer.raise_for_status()
        identity = answer.json()["id"]
        headers = {"Content-Type": "application/octet-stream"}
        glance.put(f"/images/{identity}/file", data=data, headers=headers).raise_for_status()
        return glance.get_image(identity)

    hidden = {"is_hidden": True} if attributes.get("os_hidden") else {}
    image = builder.ensure("image", full, project, glance.images(name=full, **hidden), make)
    digest = hashlib.sha256(data).hexdigest()
    builder.images.append({"name": full, "id": image.id, "project": project, "sha256": digest})
    return image


def _share(builder: Builder, image: str, guests: list[Tenant]) -> None:
    glance = builder.admin.image
    known = {member.member_id for member in glance.members(image)}
    for guest in guests:
        project = builder.id("project", guest.name)
        if project not in known:
            glance.add_member(image, member_id=project)
            builder.login(guest, guest.people[0]).image.update_member(project, image, status="accepted")


def volumes(builder: Builder, tenant: Tenant) -> None:
    """Detached volumes, those the servers get attached, and one to start a server from."""
    base = builder.id("image", BASE)
    wanted: list[dict[str, Any]] = [
        {"name": "archive", "volume_type": "slow", "metadata": {"keep": "7 years", "shelf": "B2"}},
        {"name": "spare-root", "volume_type": "fast", "image_id": base},
    ]
    for shape in tenant.servers:
        wanted += [{"name": data_name(shape, kind), "volume_type": kind} for kind in shape.data]
        if shape.boot == "volume":
            wanted.append({"name": f"{shape.name}-root", "volume_type": "fast", "image_id": base})
    builder.side_by_side(lambda each: _volume(builder, tenant, each), wanted)


def data_name(shape: Shape, kind: str) -> str:
    """The name, in its tenant, of a server's data volume of one type."""
    return f"{shape.name}-{kind}"


def _volume(builder: Builder, tenant: Tenant, wanted: dict[str, Any]) -> None:
    cinder = builder.login(tenant, tenant.people[0]).block_storage
    name = tenant.named(wanted["name"])

    def make() -> Any:
        about = {"name": name, "size": 1, "description": f"{wanted['name']} of {tenant.name}"}
        made = cinder.create_volume(**wanted | about)
        return builder.wait(f"volume {name}", lambda: cinder.get_volume(made.id), "available")

    volume = builder.ensure("volume", name, tenant.name, cinder.volumes(name=name), make)
    if "image_id" in wanted:
        cinder.set_volume_image_metadata(volume, acme_patched="yes")
