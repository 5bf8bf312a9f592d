"""Whether a Fuel master has what a deployment needs."""

from collections.abc import Iterator
from typing import Any

from pumphouse.drivers.provision.fuel.environment import Environment
from pumphouse.drivers.provision.fuel.nailgun import Nailgun
from pumphouse.drivers.provision.fuel.settings import FuelSettings
from pumphouse.errors import ProvisionError, Refused
from pumphouse.model import CheckResult, Result

Body = dict[str, Any]


def unready(nailgun: Nailgun, environment: Environment, settings: FuelSettings) -> Iterator[CheckResult]:
    """One line for each thing; after one that fails there is no use in the next."""
    try:
        version = nailgun.get("/version")
        yield CheckResult(settings.shown, Result.OK, f"calls itself {version['release']}")
        what = f"environment {settings.environment!r}"
        status = nailgun.get(f"/clusters/{environment.id}")["status"]
        yield CheckResult(what, Result.OK, status)
        if lacking := _unknown_roles(nailgun, environment, settings):
            yield CheckResult(what, Result.FAIL, f"has no role {lacking}", "Check 'roles' of the deployment.")
            return
        if not (settings.disks and settings.interfaces):
            found = reference(environment, settings)
            yield CheckResult("reference node", Result.OK, found["name"])
        if away := [node["name"] for node in environment.members() if not node["online"]]:
            yield CheckResult(
                what,
                Result.WARN,
                f"offline: {', '.join(away)}; from 9.x on Fuel deploys nothing meanwhile",
                "Start them, or take them out of the environment.",
            )
    except (ProvisionError, Refused) as error:
        yield CheckResult(settings.shown, Result.FAIL, error.message, error.remedy)


def reference(environment: Environment, settings: FuelSettings) -> Body:
    """The node whose disks and interfaces are the example.

    :raises Refused: when there is none.
    """
    ready = [
        node
        for node in environment.members()
        if node["status"] == "ready" and set(settings.roles) <= set(node["roles"])
    ]
    for node in sorted(ready, key=lambda node: int(node["id"])):
        names = (node["name"], node.get("hostname"), node["fqdn"], str(node["id"]))
        if settings.reference is None or settings.reference in names:
            return node
    wanted = f"node {settings.reference!r}" if settings.reference else "node"
    raise Refused(
        f"the {environment} of Fuel has no ready {wanted} with role {', '.join(settings.roles)} "
        "whose disks and interfaces could be the example",
        "Name another as 'reference' of the deployment, or give 'disks' and 'interfaces' there.",
    )


def _unknown_roles(nailgun: Nailgun, environment: Environment, settings: FuelSettings) -> str:
    """Roles that the environment has not; before 7.0 it does not say."""
    known = nailgun.find(f"/clusters/{environment.id}/roles")
    lacking = set(settings.roles) - {role["name"] for role in known or ()}
    return ", ".join(sorted(lacking)) if known else ""
