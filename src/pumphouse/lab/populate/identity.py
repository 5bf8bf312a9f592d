"""Projects, roles, people and their keys."""

from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pumphouse.lab.populate.builder import Builder
from pumphouse.lab.populate.tenant import PARENT, Person, Tenant, draw

KEYPAIR = "laptop"


def parent(builder: Builder) -> None:
    """The project the tenants live under, and the role of its own."""
    _project(builder, PARENT, "Acme Corporation", "default", ["customer"])
    identity = builder.admin.identity
    builder.ensure(
        "role",
        "operator",
        "",
        identity.roles(name="operator"),
        lambda: identity.create_role(name="operator", description="Runs the servers of a project"),
    )


def tenant(builder: Builder, tenant: Tenant) -> None:
    """A child project with its people and what they may do."""
    above = builder.id("project", PARENT)
    project = _project(builder, tenant.name, f"Acme's {tenant.short}", above, ["customer", tenant.short])
    for person in tenant.people:
        _person(builder, person, tenant, project.id)


def _project(builder: Builder, name: str, description: str, above: str, tags: list[str]) -> Any:
    identity = builder.admin.identity

    def make() -> Any:
        made = identity.create_project(
            name=name, description=description, domain_id="default", parent_id=above
        )
        identity.put(f"/projects/{made.id}/tags", json={"tags": tags}).raise_for_status()
        return made

    return builder.ensure("project", name, "", identity.projects(name=name), make)


def _person(builder: Builder, person: Person, tenant: Tenant, project: str) -> None:
    identity = builder.admin.identity
    user = builder.ensure(
        "user",
        person.name,
        "",
        identity.users(name=person.name),
        lambda: identity.create_user(
            name=person.name,
            password=person.password,
            domain_id="default",
            default_project_id=project,
            email=f"{person.name}@acme.example",
            description=f"{person.name.capitalize()} of {tenant.name}",
            is_enabled=person.enabled,
        ),
    )
    for name in person.roles:
        role = identity.find_role(name, ignore_missing=False)
        identity.assign_project_role_to_user(project, user, role)


def visitors(builder: Builder, tenants: list[Tenant]) -> None:
    """The first person of each tenant may read the next tenant's project."""
    identity = builder.admin.identity
    reader = identity.find_role("reader", ignore_missing=False)
    for here, there in pairwise(tenants):
        project, user = builder.id("project", there.name), builder.id("user", here.people[0].name)
        identity.assign_project_role_to_user(project, user, reader)


def keypairs(builder: Builder, tenant: Tenant) -> None:
    """A key for everybody who can log in; they all call it the same."""
    for person in tenant.people:
        if person.enabled:
            _keypair(builder, tenant, person)


def _keypair(builder: Builder, tenant: Tenant, person: Person) -> None:
    compute = builder.login(tenant, person).compute
    public = _public_key(builder.seed, person)
    builder.ensure(
        "keypair",
        f"{person.name}/{KEYPAIR}",
        tenant.name,
        (each for each in compute.keypairs() if each.name == KEYPAIR),
        lambda: compute.create_keypair(name=KEYPAIR, type="ssh", public_key=public),
    )


def _public_key(seed: int, person: Person) -> str:
    secret = Ed25519PrivateKey.from_private_bytes(draw(seed, "key", person.name).randbytes(32))
    line = secret.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return f"{line.decode()} {person.name}@acme.example"
