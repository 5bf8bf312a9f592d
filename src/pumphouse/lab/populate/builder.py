"""What every part of the population shares: connections, find-or-make, waiting, the manifest."""

import concurrent.futures
import json
import pathlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from openstack.config import OpenStackConfig
from openstack.connection import Connection

from pumphouse.errors import LabError
from pumphouse.lab.home import write_private
from pumphouse.lab.populate.tenant import Person, Tenant

T = TypeVar("T")
PARALLEL = 6
MIB = 1024 * 1024
# Microversions as young as the population has use for; an older cloud gets its own youngest.
COMPUTE, VOLUME = (2, 90), (3, 70)


class Builder:
    """Finds or makes things in the source cloud and remembers them for the manifest."""

    def __init__(self, home: pathlib.Path, seed: int, say: Callable[[str], None]) -> None:
        self.home = home
        self.seed = seed
        self.manifest = home / "populated.json"
        self.before = self._before()
        self.admin = self._connect("source")
        self.destination = self._connect("destination")
        self.resources: list[dict[str, str]] = []
        self.images: list[dict[str, str]] = []
        self._say = say
        self._made: list[str] = []
        self._logins: dict[str, Any] = {}

    def _before(self) -> dict[str, Any]:
        """The manifest of an earlier call; another seed would give other passwords and bytes."""
        if not self.manifest.exists():
            return {"disks": []}
        before: dict[str, Any] = json.loads(self.manifest.read_text())
        if before["seed"] != self.seed:
            raise LabError(
                f"the source cloud was populated with seed {before['seed']}, not {self.seed}",
                "give that seed, or empty both clouds with `pumphouse lab reset`",
            )
        return before

    def login(self, tenant: Tenant, person: Person) -> Any:
        """The source cloud as one of a tenant's people sees it."""
        if person.name not in self._logins:
            self._logins[person.name] = self._connect(
                "source", username=person.name, password=person.password, project_name=tenant.name
            )
        return self._logins[person.name]

    def _connect(self, cloud: str, **auth: str) -> Any:
        """A connection; untyped, as the SDK's types leave the version of an API open."""
        config = OpenStackConfig(config_files=[str(self.home / "clouds.yaml")], load_envvars=False)
        connection: Any = Connection(config=config.get_one(cloud=f"pumphouse-{cloud}", auth=auth))
        for adapter, wanted in ((connection.compute, COMPUTE), (connection.block_storage, VOLUME)):
            offered = adapter.get_endpoint_data().max_microversion
            adapter.default_microversion = ".".join(map(str, min(offered, wanted)))
        return connection

    def ensure(
        self, kind: str, name: str, project: str, there: Iterable[Any], make: Callable[[], Any]
    ) -> Any:
        """The first of ``there``, or what ``make`` returns; either way noted."""
        found = next(iter(there), None)
        thing = make() if found is None else found
        if found is None:
            self._made.append(name)
        self.resources.append({"kind": kind, "name": name, "id": thing.id, "project": project})
        return thing

    def id(self, kind: str, name: str, project: str = "") -> str:
        """The id of something noted before."""
        key = (kind, name, project)
        return next(row["id"] for row in self.resources if (row["kind"], row["name"], row["project"]) == key)

    def stage(self, title: str, work: Callable[[T], object], items: Sequence[T]) -> None:
        """Do ``work`` on all items side by side, and say how many things were made and found."""
        start, made, known = time.monotonic(), len(self._made), len(self.resources)
        self.side_by_side(work, items)
        made, noted = len(self._made) - made, len(self.resources) - known
        self._say(f"{title}: {made} made, {noted - made} found ({time.monotonic() - start:.1f} s)")

    @staticmethod
    def side_by_side(work: Callable[[T], object], items: Iterable[T]) -> None:
        """Do ``work`` on all items in threads; the first failure is raised after all have ended."""
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(work, items))

    def wait(self, what: str, get: Callable[[], Any], status: str, seconds: float = 120) -> Any:
        """Poll until the thing has ``status``; an error status or the end of time is a LabError."""
        end = time.monotonic() + seconds
        while True:
            thing = get()
            if thing.status == status and not getattr(thing, "task_state", None):
                return thing
            if thing.status.lower() == "error" or time.monotonic() > end:
                raise LabError(
                    f"{what} is {thing.status}, not {status}",
                    "look into the log of that service",
                )
            time.sleep(0.7)

    def save(self, content: dict[str, Any]) -> pathlib.Path:
        """Write the manifest, readable by its owner only."""
        write_private(self.manifest, json.dumps(content | {"resources": self.resources}, indent=1) + "\n")
        return self.manifest
