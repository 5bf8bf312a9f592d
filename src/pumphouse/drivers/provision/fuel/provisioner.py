"""Fuel behind the Provisioner port."""

from collections.abc import Iterator
from typing import Any, NoReturn

from pumphouse.drivers.provision.fuel.environment import Environment
from pumphouse.drivers.provision.fuel.nailgun import Nailgun
from pumphouse.drivers.provision.fuel.nodes import MARKED, WORKED_ON, as_node, macs
from pumphouse.drivers.provision.fuel.readiness import reference, unready
from pumphouse.drivers.provision.fuel.setting_up import set_up
from pumphouse.drivers.provision.fuel.settings import FuelSettings
from pumphouse.errors import (
    DeploymentFailed,
    ProvisionError,
    ProvisioningFailed,
    Refused,
    WipeFailed,
)
from pumphouse.hosts import Host
from pumphouse.machines import Tell
from pumphouse.model import CheckResult, Node
from pumphouse.ports import Clock

Body = dict[str, Any]
LOG = "Look at the node's log in Fuel."


class FuelProvisioner:
    """See :class:`pumphouse.machines.Provisioner`. A machine is a new node each time it is discovered anew."""

    Settings = FuelSettings
    name = "Fuel"
    boots = True
    stops = False

    def __init__(self, settings: FuelSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._nailgun = Nailgun(settings, clock)
        self._environment = Environment(self._nailgun, settings.environment, clock)

    def check(self) -> Iterator[CheckResult]:
        """Master, login, environment, roles, reference node, members that are offline."""
        return unready(self._nailgun, self._environment, self._settings)

    def nodes(self) -> tuple[Node, ...]:
        """See the port."""
        environment = self._environment
        return tuple(as_node(n, environment.id, environment.names) for n in self._nailgun.get("/nodes"))

    def find(self, host: Host) -> Node | None:
        """See the port."""
        node = self._find(host)
        return as_node(node, self._environment.id, self._environment.names) if node else None

    def release(self, host: Host, tell: Tell, timeout: float) -> None:
        """See the port. The deployment that removes it must remove or install nobody else's nodes."""
        end = self._clock.now() + timeout
        if (node := self._member(host)) is None:
            return
        if not node["online"]:
            raise WipeFailed(
                f"host {host.name!r} does not report to Fuel, which would take it out without wiping it",
                "Start it, wait until Fuel sees it online; or take it out by hand and start it from the network.",
            )
        while True:
            self._environment.idle(end, tell)
            if (node := self._member(host)) is None:
                return
            if not node["pending_deletion"]:
                self._refuse_strangers(node, ("pending_addition", "pending_deletion"), ("error",))
                self._environment.unassign(node["id"])
            if task := self._environment.change(end):
                break
        task = self._environment.follow(task, end, lambda seen: tell(seen["progress"], "removes it"))
        if self._member(host):
            raise WipeFailed(
                f"host {host.name!r} is still in the {self._environment} of Fuel: {_said(task)}",
                "Look at Fuel's task and the machine's console.",
            )

    def enroll(self, host: Host) -> None:
        """Nothing to do: machines that were started from the network report themselves."""

    def assign(self, host: Host) -> None:
        """See the port. What an earlier call has assigned is laid out once more."""
        environment, wanted = self._environment, self._settings.roles
        node = self._there(host)
        if node["cluster"] not in (None, environment.id):
            raise Refused(f"host {host.name!r} is in another environment of Fuel", "Take it out there.")
        if node["status"] != "discover" or not node["online"]:
            raise Refused(f"host {host.name!r} is not free in Fuel: {node['status']}", LOG)
        example = None
        if not (self._settings.disks and self._settings.interfaces):
            example = reference(environment, self._settings)
        if node["cluster"] is not None and set(node["pending_roles"]) != set(wanted):
            environment.unassign(node["id"])
            node["cluster"] = None
        if node["cluster"] is None:
            environment.assign(node["id"], wanted)
        self._nailgun.put(f"/nodes/{node['id']}", {"name": host.name})  # what Fuel's messages call it
        set_up(self._nailgun, node, example, self._settings)

    def withdraw(self, host: Host) -> None:
        """See the port."""
        if (node := self._member(host)) is None:
            return
        if node["status"] != "discover":
            raise Refused(f"host {host.name!r} has been written to: it is {node['status']} in Fuel")
        self._environment.unassign(node["id"])
        # up to 8.0 this stays set, and would be shown for ever
        self._nailgun.put(f"/nodes/{node['id']}", {"pending_addition": False})

    def deploy(self, host: Host, tell: Tell, timeout: float) -> str:
        """See the port."""
        end, environment = self._clock.now() + timeout, self._environment

        def look(task: Body) -> None:
            seen = self._assigned(host)
            tell(seen["progress"], seen["status"])

        while True:
            node = self._assigned(host)
            task = environment.running() if node["status"] in WORKED_ON else None
            if task is None:
                environment.idle(end, tell)
                node = self._assigned(host)
                if self._done(node):  # whoever has deployed it
                    return str(node["fqdn"])
                self._refuse_strangers(node, ("pending_deletion",), ())
                task = environment.change(end)
            if task:
                break
        task = environment.follow(task, end, look)
        node = self._assigned(host)
        if not self._done(node):
            self._failed(host, node, task)
        return str(node["fqdn"])

    def _find(self, host: Host) -> Body | None:
        """Its node; the youngest, should an old one be left."""
        known = self._nailgun.get("/nodes")
        own = [node for node in known if set(macs(node)) & set(host.macs)]
        return max(own, key=lambda node: int(node["id"])) if own else None

    def _member(self, host: Host) -> Body | None:
        """Its node, when that is in the environment."""
        node = self._find(host)
        return node if node and node["cluster"] == self._environment.id else None

    def _there(self, host: Host) -> Body:
        if node := self._find(host):
            return node
        raise ProvisionError(f"Fuel does not know host {host.name!r} any more", "Start it from the network.")

    def _assigned(self, host: Host) -> Body:
        node = self._there(host)
        if node["cluster"] != self._environment.id:
            raise Refused(f"host {host.name!r} is not in the {self._environment} of Fuel")
        if node["pending_deletion"]:
            raise Refused(f"host {host.name!r}: {MARKED} of Fuel", "Undo that in Fuel.")
        return node

    def _done(self, node: Body) -> bool:
        return node["status"] == "ready" and set(self._settings.roles) <= set(node["roles"])

    def _refuse_strangers(self, own: Body, marks: tuple[str, ...], statuses: tuple[str, ...]) -> None:
        """A deployment carries out all that is pending in the environment, whoever has asked for it."""
        for node in self._environment.members():
            said = [mark for mark in marks if node[mark]] or [s for s in statuses if node["status"] == s]
            if node["id"] != own["id"] and said:
                raise Refused(
                    f"{self._environment} of Fuel has node {node['name']!r} with {said[0].replace('_', ' ')}: "
                    "a deployment would work on that one, too",
                    "Deploy or undo that in Fuel first.",
                )

    def _failed(self, host: Host, node: Body, task: Body) -> NoReturn:
        where, what = f"host {host.name!r}: Fuel", _said(task)
        if node["status"] == "discover":
            raise ProvisionError(f"{where} did not begin: {what}", "Nothing is written to it.")
        if not node["online"]:
            heard = "Start the machine; go on when Fuel sees it online."
            raise ProvisionError(f"{where} does not hear from it ({node['status']}): {what}", heard)
        if node.get("error_type") == "provision" and node["status"] == "error":
            raise ProvisioningFailed(f"{where} could not write its operating system: {what}", LOG)
        if node["status"] == "ready":
            raise DeploymentFailed(
                f"{where} installed it as {', '.join(node['roles'])}", "Look at its roles."
            )
        raise DeploymentFailed(f"{where} could not put OpenStack on it ({node['status']}): {what}", LOG)


def _said(task: Body) -> str:
    """What a task says at its end, in one line."""
    return " ".join((task["message"] or "").split()) or "no reason given"
