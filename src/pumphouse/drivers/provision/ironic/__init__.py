"""Ironic as a deployment engine: standing alone, or in the cloud that it installs hosts for."""

from collections.abc import Callable, Iterator

from pumphouse.drivers.provision.ironic import states
from pumphouse.drivers.provision.ironic.api import NEEDED, Nodes
from pumphouse.drivers.provision.ironic.joining import join
from pumphouse.drivers.provision.ironic.settings import IronicSettings, read
from pumphouse.drivers.provision.ironic.states import Body
from pumphouse.errors import (
    ConfigError,
    NotDiscovered,
    ProvisionError,
    ProvisioningFailed,
    Refused,
    WipeFailed,
)
from pumphouse.hosts import Host
from pumphouse.machines import Tell
from pumphouse.model import CheckResult, Node, Result
from pumphouse.ports import Clock, Cloud

# Ironic has limits of its own for all of this; these are for an Ironic that does nothing any more.
VERIFY_SECONDS = 300.0
POWER_SECONDS = 300.0
INSPECT_SECONDS = 3600.0


class IronicProvisioner:
    """See :class:`pumphouse.machines.Provisioner`.

    What it did with a node stands in the node's ``extra``: a run after a kill reads it there.

    :param cloud: whose service ``baremetal`` is Ironic.
    """

    Settings = IronicSettings
    name = "Ironic"
    boots = False
    stops = True

    def __init__(self, settings: IronicSettings, clock: Clock, cloud: Cloud) -> None:
        self._settings = settings
        self._clock = clock
        self._nodes = Nodes(cloud, clock)

    # --- looking --------------------------------------------------------------------------------
    def check(self) -> Iterator[CheckResult]:
        """Whether it answers, is new enough and has a conductor, and the user data can be read."""
        try:
            if not self._nodes.new_enough():
                yield CheckResult(
                    "Ironic", Result.FAIL, f"its API has no version {NEEDED}", "Upgrade it to Stein."
                )
                return
            drivers = self._nodes.drivers()
        except ProvisionError as error:
            yield CheckResult("Ironic", Result.FAIL, error.message, error.remedy)
            return
        if not drivers:
            yield CheckResult("Ironic", Result.FAIL, "no conductor is running", "Start ironic-conductor.")
        else:
            yield CheckResult("Ironic", Result.OK, f"answers; drivers {', '.join(sorted(drivers))}")
        if self._settings.user_data:
            try:
                read(self._settings.user_data)
            except ConfigError as error:
                yield CheckResult("user data", Result.FAIL, error.message, error.remedy)

    def nodes(self) -> tuple[Node, ...]:
        """See the port."""
        macs = self._nodes.ports()
        return tuple(states.node(body, tuple(macs.get(body["uuid"], ()))) for body in self._nodes.all())

    def find(self, host: Host) -> Node | None:
        """See the port."""
        body = self._find(host)
        return states.node(body, host.macs) if body else None

    def _find(self, host: Host) -> Body | None:
        return self._nodes.find(host.name, host.macs)

    def _known(self, host: Host) -> Body:
        body = self._find(host)
        if body is None:
            raise NotDiscovered(f"host {host.name!r} is not in Ironic any more", "Somebody deleted its node.")
        return body

    # --- before anything is written -------------------------------------------------------------
    def enroll(self, host: Host) -> None:
        """Tell Ironic of the machine and its BMC, let it try that, and take the power: the source loses the host.

        :raises Refused: when somebody else uses the node.
        :raises ProvisionError: when Ironic cannot work with the BMC, or the inspection failed.
        """
        body = self._find(host)
        if body is None:
            mark = {states.MARK: {"enrolled": True}}
            body = self._nodes.create(
                self._settings.node(host)
                | {"name": host.name, "extra": self._settings.fields.get("extra", {}) | mark}
            )
        elif states.enrolled(body):
            self._nodes.set(body["uuid"], driver_info=self._settings.node(host)["driver_info"])
        uuid = body["uuid"]
        for mac in sorted(set(host.macs) - set(self._nodes.macs(uuid))):
            self._nodes.add_port(uuid, mac)
        body = self._managed(host, uuid)
        if self._settings.inspect and not body.get("inspection_finished_at"):
            self._inspect(host, body)
        if body["power_state"] != "power off":
            self._nodes.power(uuid, "power off")
            self._wait(
                host, uuid, POWER_SECONDS, lambda node: node["power_state"] == "power off", "to be off"
            )

    def _managed(self, host: Host, uuid: str) -> Body:
        """Until Ironic has the node in hand."""
        body = self._nodes.get(uuid)
        if words := states.held(body):
            raise Refused(f"host {host.name!r}: Ironic leaves it alone: {words}", "End the maintenance.")
        state = body["provision_state"]
        if state in states.FREE:
            return body
        if state in ("enroll", states.INSPECT_FAILED, states.CLEAN_FAILED):
            self._manage(body)
        elif state not in ("verifying", *states.INSPECTING, *states.CLEANING):
            raise Refused(f"host {host.name!r}: its node in Ironic is {state}", "Take it out of there first.")
        settled = (*states.FREE, "enroll", states.INSPECT_FAILED, states.CLEAN_FAILED)
        body = self._wait(
            host, uuid, VERIFY_SECONDS, lambda node: node["provision_state"] in settled, "to be manageable"
        )
        if body["provision_state"] not in states.FREE:
            raise ProvisionError(
                f"host {host.name!r}: Ironic cannot manage it: {_last(body)}",
                "Check its BMC in inventory.yaml, and that Ironic reaches it.",
            )
        return body

    def _manage(self, body: Body) -> None:
        if body["maintenance"] and not states.held(body):
            self._nodes.mend(body["uuid"])
        self._nodes.provision(body["uuid"], "manage")

    def _inspect(self, host: Host, body: Body) -> None:
        if body["provision_state"] == "available":
            self._nodes.provision(body["uuid"], "manage")
        self._nodes.provision(body["uuid"], "inspect")
        ended = ("manageable", states.INSPECT_FAILED)
        body = self._wait(
            host,
            body["uuid"],
            INSPECT_SECONDS,
            lambda node: node["provision_state"] in ended,
            "to be inspected",
        )
        if body["provision_state"] == states.INSPECT_FAILED:
            raise NotDiscovered(
                f"host {host.name!r}: the inspection failed: {_last(body)}", "Look at its console."
            )

    def assign(self, host: Host) -> None:
        """Note on the node that it is ours, and what it will be."""
        body = self._known(host)
        if states.assigned(body):
            return
        if body["provision_state"] not in states.FREE or states.held(body):
            raise Refused(f"host {host.name!r} is not free in Ironic: {states.node(body, ()).message}")
        mark = dict(body["extra"].get(states.MARK, {})) | {"assigned": True}
        self._nodes.set(body["uuid"], instance_info=self._settings.instance(), extra__pumphouse=mark)

    def withdraw(self, host: Host) -> None:
        """Forget the node, when we told Ironic of it; else leave it free, and with power, as it was."""
        body = self._find(host)
        if body is None or body["provision_state"] not in ("enroll", *states.FREE):
            return
        if states.enrolled(body):
            self._nodes.delete(body["uuid"])
            return
        if states.assigned(body):
            self._nodes.set(body["uuid"], instance_info={}, extra__pumphouse=None)
        self._nodes.power(body["uuid"], "power on")
        self._wait(
            host, body["uuid"], POWER_SECONDS, lambda node: node["power_state"] == "power on", "to have power"
        )

    # --- writing --------------------------------------------------------------------------------
    def release(self, host: Host, tell: Tell, timeout: float) -> None:
        """Undeploy the node; Ironic wipes it as it is configured to."""
        end = self._clock.now() + timeout
        body = self._find(host)
        if body is None or body["provision_state"] in states.FREE:
            return
        if body["provision_state"] == states.CLEAN_FAILED:
            self._clean_again(host, body, tell, timeout)
        else:
            self._nodes.provision(body["uuid"], "deleted")
        busy = (*states.CLEANING, *states.DELETING, "active")
        body = self._follow(host, body["uuid"], tell, end - self._clock.now(), busy)
        if body["provision_state"] not in states.FREE:
            raise WipeFailed(
                f"host {host.name!r}: Ironic could not release it: {body['provision_state']}: {_last(body)}",
                "Look at the node's console, and at Ironic's log.",
            )

    def deploy(self, host: Host, tell: Tell, timeout: float) -> str:
        """Clean the node, write the image with its config drive, and wait until the host has joined the cloud."""
        end = self._clock.now() + timeout
        body = self._known(host)
        if body["provision_state"] != "active":
            self._write(host, body, tell, timeout)
        return join(self._settings, host, body["uuid"], self._clock, end - self._clock.now(), tell)

    def _write(self, host: Host, body: Body, tell: Tell, timeout: float) -> None:
        """From whatever state the node is in to ``active``."""
        end, uuid = self._clock.now() + timeout, body["uuid"]
        if words := states.held(body):
            raise ProvisionError(
                f"host {host.name!r}: Ironic leaves it alone: {words}", "End the maintenance."
            )
        if body["provision_state"] == states.CLEAN_FAILED:
            self._clean_again(host, body, tell, timeout)
        elif body["provision_state"] == "manageable":
            self._nodes.provision(uuid, "provide")
        body = self._follow(host, uuid, tell, end - self._clock.now(), states.CLEANING)
        if body["provision_state"] == states.CLEAN_FAILED:
            raise WipeFailed(f"host {host.name!r}: Ironic could not clean it: {_last(body)}", _remedy(body))
        if body["provision_state"] in ("available", states.DEPLOY_FAILED):
            self._nodes.provision(uuid, "active", configdrive=self._settings.config_drive(host))
        body = self._follow(host, uuid, tell, end - self._clock.now(), states.DEPLOYING)
        if body["provision_state"] != "active":
            raise ProvisioningFailed(
                f"host {host.name!r}: Ironic could not install it: {body['provision_state']}: {_last(body)}",
                _remedy(body),
            )

    def _clean_again(self, host: Host, body: Body, tell: Tell, timeout: float) -> None:
        self._manage(body)
        self._follow(host, body["uuid"], tell, timeout, (states.CLEAN_FAILED,))
        self._nodes.provision(body["uuid"], "provide")

    def _follow(self, host: Host, uuid: str, tell: Tell, seconds: float, busy: tuple[str, ...]) -> Body:
        """Tell how far Ironic is, until the node is in none of these states."""
        said: list[str] = []

        def hear(body: Body) -> None:
            words = f"{states.percent(body)} {states.doing(body)}"
            if said[-1:] != [words]:
                said.append(words)
                tell(states.percent(body), states.doing(body))

        try:
            return self._nodes.until(uuid, seconds, lambda body: body["provision_state"] not in busy, hear)
        except TimeoutError as error:
            raise ProvisionError(
                f"host {host.name!r}: Ironic is not done after {seconds:.0f} s: its node is {error}",
                "hosts.timeouts in config.yaml sets the limit.",
            ) from None

    def _wait(self, host: Host, uuid: str, seconds: float, done: Callable[[Body], bool], what: str) -> Body:
        try:
            return self._nodes.until(uuid, seconds, done, lambda body: None)
        except TimeoutError as error:
            raise ProvisionError(
                f"host {host.name!r}: waited {seconds:g} s for its node {what}; Ironic says {error}",
                "Look at Ironic's log.",
            ) from None


def _last(body: Body) -> str:
    """Why it failed, in Ironic's words."""
    words = body.get("last_error") or body.get("maintenance_reason") or "Ironic does not say why"
    return " ".join(words.split())[:400]


def _remedy(body: Body) -> str:
    """What an operator looks at."""
    if "callback" in _last(body).lower():
        return "Its agent did not call back: look at its console, at DHCP and the network that it starts in."
    return "Look at the node's console, and at Ironic's log."
