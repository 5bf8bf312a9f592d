"""The smoke test of a new compute host: a throw-away server is booted there."""

from dataclasses import dataclass

from pumphouse.errors import CloudError, Interrupted, Refused, SmokeTestFailed
from pumphouse.host_policy import SmokeTest
from pumphouse.ports import Cloud
from pumphouse.tasks.hosts.work import Work


@dataclass(frozen=True)
class Ingredients:
    """Ids of what the server is made of."""

    image: str
    flavor: str
    network: str | None


def ingredients(cloud: Cloud, test: SmokeTest) -> Ingredients:
    """Find what the settings name.

    :raises Refused: when something is not there, or is there several times.
    """
    network = _one(cloud, "network", "/networks", "networks", test.network) if test.network else None
    return Ingredients(
        _one(cloud, "image", "/images", "images", test.image),
        _one(cloud, "compute", "/flavors", "flavors", test.flavor, is_public="None"),
        network,
    )


def _one(cloud: Cloud, service: str, path: str, many: str, wanted: str, **query: str) -> str:
    found = [b["id"] for b in cloud.pages(service, path, many, **query) if wanted in (b["id"], b["name"])]
    if len(found) == 1:
        return str(found[0])
    raise Refused(
        f"hosts.smoke_test: the {cloud.role} has {len(found) or 'no'} {many} named {wanted!r}",
        "Name one that is there, by its id where several share the name.",
    )


def smoke(work: Work) -> None:
    """Boot a server on the new host, see it run there, delete it. Nothing is left, however it ends."""
    test, host = work.policy.smoke_test, str(work.data["host"])
    if test is None:
        work.tell(None, "no smoke test: hosts.smoke_test names nothing to boot")
        return
    owner, name = f"host:{work.host.name}", f"pumphouse-smoke-{work.host.name}"
    work.temporaries.drop(owner)  # of a run that was killed
    found = ingredients(work.destination, test)
    try:
        server = work.temporaries.ensure(
            owner, "destination", "server", name, lambda: _boot(work.destination, found, name, host)
        )
        work.tell(50, f"server {name} starts on {host}")
        _see_it_run(work, server, host)
        work.temporaries.drop(owner)
    except (CloudError, Interrupted) as error:
        left = work.clock.shielded(lambda: _left(work, owner, name))
        if isinstance(error, Interrupted):
            raise
        remedy = " ".join(filter(None, (error.remedy, left)))
        raise SmokeTestFailed(f"smoke test on host {host!r}: {error.message}", remedy) from None


def _left(work: Work, owner: str, name: str) -> str:
    """Delete the server after a failure; how to do it by hand when that fails too."""
    try:
        work.temporaries.drop(owner)
    except CloudError as error:
        return f"Server {name!r} could not be deleted ({error.message}); the next run tries again."
    return ""


def _boot(cloud: Cloud, found: Ingredients, name: str, host: str) -> str:
    """Nova takes ``:HOST`` for a host in whatever zone it is; the scheduler's filters are not asked."""
    body = {
        "name": name,
        "imageRef": found.image,
        "flavorRef": found.flavor,
        "availability_zone": f":{host}",
        "networks": [{"uuid": found.network}] if found.network else "none",
    }
    return str(cloud.post("compute", "/servers", {"server": body})["server"]["id"])


def _see_it_run(work: Work, server: str, host: str) -> None:
    def poll() -> str | None:
        body = work.destination.get("compute", f"/servers/{server}")["server"]
        if body["status"] == "ERROR":
            why = (body.get("fault") or {}).get("message", "Nova does not say why")
            raise CloudError(f"the server did not start: {why}")
        return str(body["OS-EXT-SRV-ATTR:host"]) if body["status"] == "ACTIVE" else None

    limit = work.policy.timeouts.smoke_test
    where = work.until(limit, poll)
    if where is None:
        raise CloudError(f"the server does not run after {limit:g} s")
    if where != host:
        raise CloudError(f"the server was started on {where!r}")
