"""What the operator decides: one policy for a run, and what differs from it for some projects and servers."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pumphouse.hooks import HealthCheck, RunHooks, ServerHooks, Strict


class Timeouts(Strict):
    """How long to wait for a cloud, in seconds."""

    server: int = Field(900, gt=0, description="Until a server reaches the state asked for.")
    volume: int = Field(3600, gt=0, description="Until a volume or snapshot reaches the state asked for.")
    image: int = Field(7200, gt=0, description="Until a server or volume has been captured into an image.")


class WorkloadPolicy(Strict):
    """Settings that may differ from project to project and from server to server."""

    verify_disks: Literal["read-back", "checksum"] = Field(
        "read-back",
        description="read-back: after the move, read every disk's data back from the destination and compare; "
        "checksum: trust the checksums the image services computed.",
    )
    availability_zones: Mapping[str, str] = Field(
        default_factory=dict,
        description="Availability zones of the source → of the destination. Without an entry a server stays in the "
        "zone it is pinned to, and goes anywhere when it is not, or when the source does not tell (before 2024.1).",
    )
    volume_availability_zones: Mapping[str, str] = Field(
        default_factory=dict,
        description="Availability zones of volumes at the source → in the destination, which chooses without an entry.",
    )
    hosts: Mapping[str, str] = Field(
        default_factory=dict,
        description="Hypervisor hosts of the source → of the destination: servers of the one go to the other. They "
        "are made by the administrator, since only administrators may choose a host.",
    )
    user_data: Literal["keep", "drop"] = Field(
        "keep", description="Whether servers keep their user data, which cloud-init reads once more."
    )
    boot_root: Literal["keep", "volume"] = Field(
        "keep",
        description="keep: a server that boots from an image does so in the destination; volume: its root disk "
        "becomes a volume there.",
    )
    boot_root_type: str | None = Field(
        None, description="Volume type of such a root volume; the destination's default when left out."
    )
    boot_root_delete: bool = Field(
        True, description="Whether such a root volume goes when its server is deleted, as a root disk does."
    )
    snapshots: Literal["keep", "drop"] = Field(
        "keep", description="Whether snapshots of volumes are carried, as snapshots of the moved volume."
    )
    lock_source: bool = Field(
        True, description="Lock moved servers at the source, so that nobody starts them a second time."
    )
    health: tuple[HealthCheck, ...] = Field(
        (),
        description="Checks of a running server, before it is stopped and when it runs in the destination; one that "
        "fails only afterwards gives the server back to the source.",
    )
    server_hooks: ServerHooks = Field(
        default_factory=ServerHooks, description="Commands around the move of each server."
    )


class Override(WorkloadPolicy):
    """Settings for some projects or servers; what is left out stays as in the policy. Later entries win."""

    project: str = Field("*", min_length=1, description="Names or ids of projects; may hold * and ?.")
    server: str = Field("*", min_length=1, description="Names or ids of servers; may hold * and ?.")

    @model_validator(mode="before")
    @classmethod
    def _may_differ(cls, data: Any) -> Any:
        whole = set(Policy.model_fields) - set(cls.model_fields)
        if isinstance(data, Mapping) and (whole := whole & set(data)):
            raise ValueError(f"{min(whole)} holds for the whole run and cannot differ per project or server")
        return data

    @model_validator(mode="after")
    def _says_something(self) -> "Override":
        if not self.model_fields_set & {"project", "server"}:
            raise ValueError(
                "name a 'project' or a 'server'; what holds for all belongs to the policy itself"
            )
        if not self.model_fields_set - {"project", "server"}:
            raise ValueError("says nothing about the project or server it names")
        return self

    def __str__(self) -> str:
        names = ("project", "server")
        return ", ".join(f"{n}: {getattr(self, n)}" for n in names if n in self.model_fields_set)

    def covers(self, project: tuple[str, ...], server: tuple[str, ...]) -> bool:
        """Whether it holds for a resource.

        :param project: name and id of its project.
        :param server: name and id of the server it is or belongs to; empty when there is none.
        """
        return any(fnmatchcase(name, self.project) for name in project or ("",)) and any(
            fnmatchcase(name, self.server) for name in server or ("",)
        )


class Policy(WorkloadPolicy):
    """What the operator decides; everything has a default."""

    concurrency: int = Field(4, ge=1, le=64, description="Servers (and detached volumes) moved at once.")
    transfers: int = Field(4, ge=1, le=32, description="Images streamed at once; each holds at most 16 MiB.")
    bandwidth: float | None = Field(None, gt=0, description="Cap shared by all transfers, in MiB/s.")
    attempts: int = Field(5, ge=1, le=20, description="Tries of one transfer before it fails.")
    physical_networks: Mapping[str, str] = Field(
        default_factory=dict, description="Physical networks of the source → of the destination."
    )
    network_availability_zones: Mapping[str, str] = Field(
        default_factory=dict,
        description="Availability zones of networks and routers of the source → of the destination; same name when "
        "left out.",
    )
    router_mode: Literal["destination", "source"] = Field(
        "destination",
        description="Whether routers are distributed and highly available: destination: as it makes them by default; "
        "source: as they are at the source.",
    )
    aggregates: Literal["tell", "apply"] = Field(
        "tell",
        description="Host aggregates with selected servers: tell: the plan says what the destination lacks; "
        "apply: they are made, with the hosts that policy.hosts names.",
    )
    volume_types: Mapping[str, str] = Field(
        default_factory=dict,
        description="Volume types of the source → of the destination; same name when left out.",
    )
    create_volume_types: bool = Field(
        False,
        description="Make volume types that the destination lacks and volume_types does not map: with extra specs, "
        "QoS specs that are there under the same name, and access.",
    )
    projects: Mapping[str, str] = Field(
        default_factory=dict,
        description="Names of projects at the source → in the destination; same name when left out.",
    )
    roles: Mapping[str, str] = Field(
        default_factory=dict,
        description="Names of roles at the source → in the destination, e.g. _member_: member.",
    )
    domains: Mapping[str, str] = Field(
        default_factory=dict, description="Names of domains at the source → in the destination."
    )
    flavors: Mapping[str, str] = Field(
        default_factory=dict,
        description="Flavors of the source, by name or id → their names in the destination.",
    )
    shared_pools: Mapping[str, str] = Field(
        default_factory=dict,
        description="Storage pools that both clouds have, as host@backend#pool of the source → of the destination: "
        "volumes in them are handed over, no byte copied.",
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long to wait, in seconds.")
    hooks: RunHooks = Field(default_factory=RunHooks, description="Commands around the stages of a run.")
    accept: tuple[str, ...] = Field(
        (),
        description="What the plan tells and is taken knowingly, as RULE, or RULE:RESOURCE (a name, an id or "
        "KIND:NAME; may hold * and ?). 'pumphouse rules' lists the rules.",
    )
    overrides: tuple[Override, ...] = Field(
        (), description="What differs for some projects and servers; later entries win."
    )

    @field_validator("accept")
    @classmethod
    def _rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            rule, colon, resource = text.partition(":")
            if not rule or (colon and not resource):
                raise ValueError("must be RULE or RULE:RESOURCE")
        return value

    @field_validator("projects", "roles", "domains")
    @classmethod
    def _names(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if not all(name.strip() and there.strip() for name, there in value.items()):
            raise ValueError("a name is empty")
        return value

    @field_validator("projects", "domains")
    @classmethod
    def _one_to_one(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        several = {there for there in value.values() if list(value.values()).count(there) > 1}
        if several:
            raise ValueError(
                f"several of the source become {min(several)!r}: they cannot be told apart again"
            )
        return value

    def names_of(self, kind: str) -> Mapping[str, str] | None:
        """Names of the source → of the destination, for what is no resource but a name; None for resources."""
        return {
            "physical_network": self.physical_networks,
            "network_availability_zone": self.network_availability_zones,
            "volume_type_name": self.volume_types,
        }.get(kind)

    def renamed(self, kind: str, name: str) -> str:
        """What a resource of the source is called in the destination."""
        maps = {
            "project": self.projects,
            "role": self.roles,
            "domain": self.domains,
            "volume_type": self.volume_types,
        }
        return maps.get(kind, {}).get(name, name)

    def at(self, project: str, server: str = "", *, ids: tuple[str, ...] = ()) -> "Policy":
        """The policy in force for a resource: later overrides win; maps are merged, key by key.

        :param project: name of its project at the source.
        :param server: name of the server it is or belongs to.
        :param ids: ids of the two, for overrides that name them by id.
        """
        policy = self
        for override in self.overrides:
            if override.covers((project, *ids), (server, *ids) if server else ()):
                policy = _over(policy, override)
        return policy


def _over(policy: Policy, override: Override) -> Policy:
    changes = {}
    for name in override.model_fields_set & set(WorkloadPolicy.model_fields):
        value = getattr(override, name)
        changes[name] = {**getattr(policy, name), **value} if isinstance(value, Mapping) else value
    return policy.model_copy(update=changes)
