"""Ironic's API: its nodes, asked and told; errors in our words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pumphouse.drivers.provision.ironic.states import FAILED, Body
from pumphouse.errors import (
    CloudError,
    Conflict,
    EngineBusy,
    EngineLoginError,
    EngineUnreachable,
    NotAuthenticated,
    ProvisionError,
    Unreachable,
)
from pumphouse.ports import Clock, Cloud

SERVICE = "baremetal"
NEEDED = "1.56"  # config drives made by Ironic
LOCKED_SECONDS = 60.0  # a node is locked while Ironic looks at it
POLL = 1.0
REASON_SECONDS = 5.0


class Nodes:
    """Ironic's nodes."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud = cloud
        self._clock = clock

    def new_enough(self) -> bool:
        """Whether it can all that is needed."""
        with told():
            return self._cloud.supports(SERVICE, NEEDED)

    def drivers(self) -> list[str]:
        """Hardware types that a running conductor serves."""
        with told():
            found = self._cloud.get(SERVICE, "/drivers")["drivers"]
        return [driver["name"] for driver in found if driver["hosts"]]

    def all(self) -> list[Body]:
        """Every node, with all that is known of it."""
        with told():
            return list(self._cloud.pages(SERVICE, "/nodes/detail", "nodes"))

    def ports(self) -> dict[str, list[str]]:
        """MAC addresses by node."""
        found: dict[str, list[str]] = {}
        with told():
            for port in self._cloud.pages(SERVICE, "/ports/detail", "ports"):
                found.setdefault(port["node_uuid"], []).append(port["address"].lower())
        return found

    def find(self, name: str, macs: tuple[str, ...]) -> Body | None:
        """The node with any of these addresses; else the one of this name without any."""
        with told():
            for mac in macs:
                for port in self._cloud.get(SERVICE, "/ports/detail", address=mac)["ports"]:
                    return self.get(port["node_uuid"])
            found = self._cloud.find(SERVICE, f"/nodes/{name}")
            if found is None:
                return None
            if self.macs(found["uuid"]):
                raise ProvisionError(
                    f"Ironic has a node {name!r} with other MAC addresses than inventory.yaml",
                    "Correct either of them, or rename the node.",
                )
            return dict(found)

    def get(self, uuid: str) -> Body:
        """One node."""
        with told():
            return dict(self._cloud.get(SERVICE, f"/nodes/{uuid}"))

    def macs(self, uuid: str) -> tuple[str, ...]:
        """Addresses of a node."""
        with told():
            found = self._cloud.get(SERVICE, "/ports/detail", node=uuid)["ports"]
        return tuple(sorted(port["address"].lower() for port in found))

    def create(self, body: dict[str, Any]) -> Body:
        """Enroll a node."""
        with told():
            return dict(self._cloud.post(SERVICE, "/nodes", body))

    def add_port(self, uuid: str, mac: str) -> None:
        """Tell of an interface."""
        with told():
            self._cloud.post(SERVICE, "/ports", {"node_uuid": uuid, "address": mac})

    def set(self, uuid: str, **values: Any) -> None:
        """Change fields of a node; ``__`` in a name goes into a field, None removes it."""
        patch = [
            {"op": "remove", "path": f"/{name.replace('__', '/')}"}
            if value is None
            else {"op": "add", "path": f"/{name.replace('__', '/')}", "value": value}
            for name, value in values.items()
        ]
        self._unlocked(lambda: self._cloud.patch(SERVICE, f"/nodes/{uuid}", patch))

    def delete(self, uuid: str) -> None:
        """Forget a node."""
        self._unlocked(lambda: self._cloud.delete(SERVICE, f"/nodes/{uuid}"))

    def provision(self, uuid: str, target: str, **more: Any) -> None:
        """Ask for a change of state; returns when it has begun."""
        body = {"target": target, **more}
        self._unlocked(lambda: self._cloud.put(SERVICE, f"/nodes/{uuid}/states/provision", body))

    def power(self, uuid: str, target: str) -> None:
        """Ask for a change of power; returns when it has begun."""
        self._unlocked(lambda: self._cloud.put(SERVICE, f"/nodes/{uuid}/states/power", {"target": target}))

    def mend(self, uuid: str) -> None:
        """End the maintenance that Ironic began itself when something failed."""
        self._unlocked(lambda: self._cloud.delete(SERVICE, f"/nodes/{uuid}/maintenance"))

    def until(
        self, uuid: str, seconds: float, done: Callable[[Body], bool], hear: Callable[[Body], None]
    ) -> Body:
        """Look at a node until something holds.

        :param hear: is told of each look.
        :raises TimeoutError: when it does not hold in time.
        """
        end = self._clock.now() + seconds
        while True:
            body = self.get(uuid)
            hear(body)
            if done(body):
                return self._explained(body)
            if self._clock.now() > end:
                raise TimeoutError(body["provision_state"])
            self._clock.sleep(POLL)

    def _explained(self, body: Body) -> Body:
        """A node that has failed, with the reason: Ironic writes that a moment after the state."""
        end = self._clock.now() + REASON_SECONDS
        while body["provision_state"] in FAILED and not body.get("last_error") and self._clock.now() < end:
            self._clock.sleep(POLL)
            body = self.get(body["uuid"])
        return body

    def _unlocked(self, ask: Callable[[], Any]) -> None:
        """Ask again while the node is locked."""
        end = self._clock.now() + LOCKED_SECONDS
        while True:
            try:
                with told():
                    ask()
                return
            except EngineBusy:
                if self._clock.now() > end:
                    raise
            self._clock.sleep(POLL)


@contextmanager
def told() -> Iterator[None]:
    """Errors of the cloud become those of an engine."""
    try:
        yield
    except Unreachable as error:
        raise EngineUnreachable(error.message, error.remedy) from None
    except NotAuthenticated as error:
        raise EngineLoginError(
            error.message, "Check user name and password of 'deployment' in config.yaml."
        ) from None
    except Conflict as error:
        if "locked" in error.message:
            raise EngineBusy(error.message, "Ironic works on the node; try again later.") from None
        raise ProvisionError(error.message, error.remedy) from None
    except CloudError as error:
        raise ProvisionError(error.message, error.remedy) from None
