"""Quotas of a project in Nova, Cinder and Neutron, and of single users in Nova."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from pumphouse.model import Fields, Item
from pumphouse.ports import Cloud
from pumphouse.resource import Api, Found, Kind, Lookup, Ref

PER_TYPE = ("volumes_", "gigabytes_", "snapshots_")  # begin of Cinder's limits for one volume type
ASKED = 4  # quotas asked for at once


class Quota(Kind):
    """The limits of one project in one service; every project has them, so they are made equal."""

    refs: ClassVar[tuple[Ref, ...]] = (Ref("project", "project_id"),)
    companion_of: ClassVar[tuple[str, ...]] = ("project_id",)
    identity: ClassVar[tuple[str, ...]] = ("project_id",)
    reads_after: ClassVar[tuple[str, ...]] = ("project",)
    reuse_different = True
    left_at_source = "goes with its project"
    ignored: ClassVar[tuple[str, ...]] = ("id", "project_id", "tenant_id")
    forced: ClassVar[Mapping[str, bool]] = {}
    notes: ClassVar[Mapping[str, str]] = {
        "limits": "in force, whether set or by default; those that the destination knows. One that is equal there "
        "already is left to the destination's defaults",
    }

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each project."""
        for project in found["project"]:
            fields = {"project_id": project.id, "limits": self.limits(cloud, project.id)}
            yield Item(self.name, project.id, project.name, project.id, fields)

    def limits(self, cloud: Cloud, project: str, user: str | None = None) -> dict[str, int]:
        """The limits in force; -1 is unlimited."""
        query = {"user_id": user} if user else {}
        body = cloud.get(self.api.service, f"{self.api.path}/{project}", **query)[self.api.one]
        return {name: value for name, value in body.items() if name not in self.ignored}

    def automatic(self, item: Item) -> bool:
        """Every project has quotas."""
        return True

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Set what the destination knows and has otherwise; a limit it does not know has no meaning there."""
        project = want["project_id"]
        self.set_limits(cloud, f"{self.api.path}/{project}", want["limits"], self.limits(cloud, project))
        return str(project)

    def set_limits(self, cloud: Cloud, path: str, want: Fields, have: Fields) -> None:
        """Those that differ."""
        limits = {name: value for name, value in want.items() if have.get(name, value) != value}
        if limits:
            cloud.put(self.api.service, path, {self.api.one: {**limits, **self.forced}})

    def update(self, cloud: Cloud, identifier: str, want: dict[str, Any], have: Fields, item: Item) -> None:
        """A comparison names single limits."""
        self.create(cloud, {**want, "limits": {name: want["limits"][name] for name in have}}, item)

    def compare(self, want: Fields, have: Fields) -> Iterator[tuple[str, Any, Any]]:
        """Limit by limit, as far as both sides know it."""
        for name, limit in want["limits"].items():
            if name in have["limits"] and have["limits"][name] != limit:
                yield name, limit, have["limits"][name]


class ComputeQuota(Quota):
    """Limits in Nova. Set by force: a limit below what is used already is one that the source has, too."""

    name = "compute_quota"
    api = Api("compute", "/os-quota-sets", "quota_set", "quota_sets")
    forced = {"force": True}


class UserComputeQuota(ComputeQuota):
    """Limits in Nova of one user in one project, where they are not those of the project."""

    name = "user_compute_quota"
    refs = (Ref("project", "project_id"), Ref("user", "user_id"))
    companion_of = ("project_id", "user_id")
    identity = ("project_id", "user_id")
    reads_after = ("compute_quota", "user", "role_assignment")
    notes = {"limits": "those that are not the project's"}

    def read(self, cloud: Cloud, found: Found) -> Iterator[Item]:
        """One call for each user with a role in a project: Nova lists none."""
        projects = {item.id: item.fields["limits"] for item in found["compute_quota"]}
        names = {user.id: user.name for user in found["user"]}
        pairs = sorted(pair for pair in _members(found) if pair[0] in projects and pair[1] in names)
        with ThreadPoolExecutor(ASKED, thread_name_prefix="user-quotas") as pool:
            answers = pool.map(lambda pair: self.limits(cloud, *pair), pairs)
            for (project, user), limits in zip(pairs, answers, strict=True):
                own = {name: value for name, value in limits.items() if projects[project].get(name) != value}
                if own:
                    fields = {"project_id": project, "user_id": user, "limits": own}
                    yield Item(self.name, f"{project}/{user}", names[user], project, fields)

    def automatic(self, item: Item) -> bool:
        """Few users have limits of their own."""
        return False

    def create(self, cloud: Cloud, want: dict[str, Any], item: Item) -> str:
        """Set what the destination knows."""
        project, user = want["project_id"], want["user_id"]
        path = f"{self.api.path}/{project}?user_id={user}"
        self.set_limits(cloud, path, want["limits"], self.limits(cloud, project, user))
        return f"{project}/{user}"

    def delete(self, cloud: Cloud, identifier: str) -> None:
        """The project's limits hold again."""
        project, user = identifier.split("/")
        cloud.delete("compute", f"{self.api.path}/{project}?user_id={user}")


class VolumeQuota(Quota):
    """Limits in Cinder, also per volume type."""

    name = "volume_quota"
    api = Api("block-storage", "/os-quota-sets", "quota_set", "quota_sets")
    chosen = {
        "limits of a volume type": "go to the type of that name, or to the one that policy.volume_types names",
    }

    def target(self, item: Item, lookup: Lookup) -> dict[str, Any]:
        """Limits of a volume type have its name in theirs."""
        want = super().target(item, lookup)
        want["limits"] = {_renamed(name, lookup): value for name, value in want["limits"].items()}
        return want


class NetworkQuota(Quota):
    """Limits in Neutron."""

    name = "network_quota"
    api = Api("network", "/quotas", "quota", "quotas")


def _renamed(limit: str, lookup: Lookup) -> str:
    for prefix in PER_TYPE:
        if limit.startswith(prefix):
            name = limit.removeprefix(prefix)
            return prefix + (lookup("volume_type_name", name) or name)
    return limit


def _members(found: Found) -> set[tuple[str, str]]:
    """Project and user of every role in a project, also of those that come by a group."""
    return {
        (assignment.fields["project_id"], user)
        for assignment in found["role_assignment"]
        if assignment.fields.get("project_id")
        for user in (assignment.fields.get("user_id"), *assignment.observed["members"])
        if user
    }
