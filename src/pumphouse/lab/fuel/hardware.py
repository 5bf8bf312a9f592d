"""What Fuel does to machines: the lab's, asked over their own interface."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Protocol

ANSWER_SECONDS = 120
BOOT_SECONDS = 60
POLL = 0.1


class Broken(Exception):
    """A machine did not do what it should; the message says what."""


class Hardware(Protocol):
    """The machines, recognised by their addresses. What does not work raises :class:`Broken`."""

    def seen(self) -> list[dict[str, Any]]:
        """All of them: ``name``, ``uuid``, ``macs``, ``running`` and more."""

    def erase(self, macs: set[str]) -> None:
        """Wipe the disk, then start the machine from the network; returns before it has started."""

    def write(self, macs: set[str], cloud: str, host: str) -> None:
        """Write the operating system, from the system that was started from the network."""

    def start(self, macs: set[str], cloud: str) -> None:
        """Start it from its disk; returns when it is a host of that cloud."""


class Machines:
    """See :class:`Hardware`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def seen(self) -> list[dict[str, Any]]:
        """See the protocol."""
        found: list[dict[str, Any]] = self._ask("/machines")
        return found

    def erase(self, macs: set[str]) -> None:
        """See the protocol."""
        name = self._name(macs)
        self._ask(f"/machines/{name}/write", {"disk": "blank"})
        self._boot(name, "network")

    def write(self, macs: set[str], cloud: str, host: str) -> None:
        """See the protocol."""
        name = self._name(macs)
        if not self._runs(name, "bootstrap"):
            self._boot(name, "network")
            if not self._runs(name, "bootstrap"):
                raise Broken("it did not start from the network")
        self._ask(f"/machines/{name}/write", {"disk": cloud, "host": host})

    def start(self, macs: set[str], cloud: str) -> None:
        """See the protocol."""
        name = self._name(macs)
        if self._runs(name, cloud):
            return
        self._boot(name, "disk")
        if not self._runs(name, cloud):
            raise Broken("nova-compute did not come up")

    def _name(self, macs: set[str]) -> str:
        for machine in self.seen():
            if macs & set(machine["macs"]):
                return str(machine["name"])
        raise Broken("there is no such machine")

    def _boot(self, name: str, device: str) -> None:
        self._ask(f"/machines/{name}/boot", {"device": device})
        self._ask(f"/machines/{name}/power", {"power": "reset"})

    def _runs(self, name: str, what: str) -> bool:
        """Whether it does, once it has started."""
        deadline = time.monotonic() + BOOT_SECONDS
        while (machine := self._ask(f"/machines/{name}"))["booting"] and time.monotonic() < deadline:
            time.sleep(POLL)
        return str(machine["running"]) == what

    def _ask(self, path: str, body: dict[str, str] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(self._url + path, data, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Broken(error.read().decode()) from None
        except OSError as error:
            raise Broken(f"the machines do not answer: {error}") from None
