"""Fill the lab's source cloud with believable tenants, through its APIs and its disks.

A parent project with child projects; in each child people, networks, a router, security groups, images,
volumes and servers whose disks hold random data. The same seed gives the same names and the same bytes.
What is already there is left alone, so a second call completes only what is missing.

What there is stands in the manifest, ``<home>/populated.json`` (mode 0600: it holds passwords)::

    version    1
    seed       the seed
    parent     name of the parent project
    projects   [{name, id, users: [name], servers: [name]}]    the children
    users      [{name, id, password, enabled, project, roles: [name]}]
    resources  [{kind, name, id, project}]    everything found or made; project is "" where the admin owns it
    images     [{name, id, project, sha256}]    of the image's data as it is
    disks      [{kind, id, name, project, server, device, file, size, sha256}]
               kind is server (a root disk outside Cinder) or volume; file is relative to the home;
               server and device are "" where there is none;
               sha256 is of the file's content without the zero bytes at its end
"""

import pathlib
from collections.abc import Callable
from functools import partial
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from pumphouse.errors import LabError
from pumphouse.lab.populate import disks, identity, network, servers, shared, storage
from pumphouse.lab.populate.builder import Builder
from pumphouse.lab.populate.tenant import PARENT, Tenant, tenants

__all__ = ["populate"]


def populate(
    home: pathlib.Path, *, seed: int, projects: int, servers: int, disk_mib: int, say: Callable[[str], None]
) -> pathlib.Path:
    """Build the tenants and return the path of the manifest.

    :param projects: how many child projects.
    :param servers: how many servers in each of them; the first four are made in four different ways.
    :param disk_mib: how much random data each disk gets.
    """
    try:
        return _populate(Builder(home, seed, say), tenants(seed, projects, servers), disk_mib)
    except (SDKException, ClientException) as error:
        raise LabError(
            f"filling the source cloud failed: {error}", "run it again: it goes on where it was"
        ) from error


def _populate(builder: Builder, children: list[Tenant], disk_mib: int) -> pathlib.Path:
    shared.deployed(builder)
    identity.parent(builder)
    builder.stage("projects and users", partial(identity.tenant, builder), children)
    identity.visitors(builder, children)
    shared.offered(builder)
    shared.flavors(builder, children[0])
    storage.images(builder, children)
    builder.stage("keys", partial(identity.keypairs, builder), children)
    builder.stage("networks", partial(network.build, builder), children)
    builder.side_by_side(partial(network.quotas, builder), children)
    builder.stage("volumes", partial(storage.volumes, builder), children)
    builder.stage("servers", partial(servers.build, builder), children)
    written = disks.write(builder, children, disk_mib)
    builder.side_by_side(partial(servers.settle, builder), children)
    return builder.save(_manifest(builder, children) | {"disks": written})


def _manifest(builder: Builder, children: list[Tenant]) -> dict[str, Any]:
    return {
        "version": 1,
        "seed": builder.seed,
        "parent": PARENT,
        "projects": [
            {
                "name": tenant.name,
                "id": builder.id("project", tenant.name),
                "users": [person.name for person in tenant.people],
                "servers": [tenant.named(shape.name) for shape in tenant.servers],
            }
            for tenant in children
        ],
        "users": [
            {
                "name": person.name,
                "id": builder.id("user", person.name),
                "password": person.password,
                "enabled": person.enabled,
                "project": tenant.name,
                "roles": list(person.roles),
            }
            for tenant in children
            for person in tenant.people
        ],
        "images": builder.images,
    }
