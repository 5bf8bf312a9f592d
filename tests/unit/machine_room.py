"""One host between two clouds, with a BMC and an engine that do as a test tells them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from fakes import FakeClock, FreeLocks, NoProbes, RecordingCloud

from pumphouse.config import Config
from pumphouse.errors import Missing
from pumphouse.events import Bus
from pumphouse.hosts import Host
from pumphouse.ledger.hosts import SqlHostLedger
from pumphouse.ledger.journal import Journal
from pumphouse.ledger.sql import SqlLedger, open_engine
from pumphouse.machines import Tell
from pumphouse.model import BootDevice, CheckResult, Node, NodeState, PowerState, Result
from pumphouse.service.session import Adapters, Session

MACS = ("52:54:00:00:00:01",)


class Killed(BaseException):
    """The process ends here: nothing of ours catches it."""


class Room:
    """The state of everything, and what was done to it in ``did``.

    :ivar fail: what is done → the error it raises, once.
    :ivar kill: what is done → whether the process ends ``before`` or ``after`` it, once.
    """

    def __init__(
        self,
        directory: Path,
        *,
        smoke: bool = True,
        boots: bool = True,
        agents: bool = False,
        controller_has_macs: bool = True,
    ) -> None:
        self.directory = directory
        self.did: list[str] = []
        self.fail: dict[str, Exception] = {}
        self.kill: dict[str, str] = {}
        self.old_up, self.old_known, self.old_status = True, True, "disabled"
        self.reason = ""
        self.new_up, self.new_known, self.mapped = False, False, True
        self.state: NodeState | None = None
        self.appears, self.comes_up, self.boots, self.agents = True, True, boots, agents
        self.servers: list[dict[str, Any]] = []
        self.volumes: list[dict[str, Any]] = []
        self.smoke_servers: dict[str, dict[str, Any]] = {}
        self.smoke_status = "ACTIVE"
        self.checks = [CheckResult("reference node", Result.OK, "node-1")]
        self.clock = FakeClock()
        self.controller_has_macs = controller_has_macs
        self.engine: Engine | None = Engine(self)
        self.stops = False
        self.network: Network | None = None
        self.config = self._config(smoke)

    def _config(self, smoke: bool) -> Config:
        bmc = {"type": "ipmi", "address": "10.0.0.1", "username": "u", "password": "p"}
        file = self.directory / "inventory.yaml"
        first = {"name": "old-1", "macs": list(MACS), "bmc": bmc}
        controller = {"name": "head", "role": "controller", "bmc": bmc | {"address": "10.0.0.2"}}
        controller["macs"] = ["52:54:00:00:00:02"] if self.controller_has_macs else []
        file.write_text(yaml.safe_dump({"hosts": [first, controller]}))
        test = {"smoke_test": {"image": "cirros", "flavor": "tiny"}} if smoke else {}
        return Config.model_validate(
            {
                "source": {"cloud": "a"},
                "destination": {"cloud": "b"},
                "inventory": str(file),
                "log_dir": str(self.directory / "logs"),
                "hosts": {**test, "timeouts": {"discovery": 30, "service": 30, "smoke_test": 30}},
            }
        )

    def session(self, bus: Bus | None = None) -> Session:
        """As a process would open it: only the ledger's file is left of the one before."""
        database = open_engine(str(self.directory / "ledger.sqlite"))
        ledger, journal = SqlLedger(database, self.clock), Journal(database, self.clock)
        adapters = Adapters(
            *(source(self), destination(self), ledger, journal, FreeLocks(), NoProbes(), self.clock),  # type: ignore[arg-type]
            transfer=lambda publish: None,  # type: ignore[arg-type, return-value]
            identity=None,  # type: ignore[arg-type]
            power=lambda host: Bmc(self),
            hosts=SqlHostLedger(database, self.clock),
            provisioner=lambda role: self.engine if role == "destination" else None,
            network=lambda: self.network,
        )
        return Session(self.config, adapters, bus or Bus())

    def does(self, what: str, act: Callable[[], None] = lambda: None) -> None:
        """Something happens to the machine, or fails, or the process ends right there."""
        if error := self.fail.pop(what, None):
            raise error
        kill = self.kill.pop(what, "")
        if kill == "before":
            raise Killed(what)
        self.did.append(what)
        act()
        if kill == "after":
            raise Killed(what)


class Bmc:
    """Started from the network the machine leaves the source and turns up in the engine."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.device = BootDevice.DISK

    def state(self) -> PowerState:
        if error := self.room.fail.pop("power", None):
            raise error
        return PowerState.ON

    def switch(self, state: PowerState, timeout: float) -> None:
        self.room.does(f"switch {state}")

    def boot_from(self, device: BootDevice) -> None:
        self.device = device
        self.room.does(f"boot from {device}")

    def reset(self) -> None:
        def restart() -> None:
            network = self.device is BootDevice.NETWORK
            self.room.old_up = not network
            if network and self.room.appears:
                self.room.state = NodeState.FREE

        self.room.does("reset", restart)


class Network:
    """Remembers what was done to the machine's."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def check(self, host: Host) -> None:
        if error := self.room.fail.pop("network", None):
            raise error

    def isolate(self, host: Host) -> None:
        self.room.does("isolate")

    def restore(self, host: Host) -> None:
        self.room.does("restore")


class Engine:
    """Installs the machine at once; what is done already is not done again."""

    name = "Engine"

    def __init__(self, room: Room) -> None:
        self.room = room

    @property
    def boots(self) -> bool:
        return self.room.boots

    @property
    def stops(self) -> bool:
        return self.room.stops

    def check(self) -> Iterator[CheckResult]:
        yield from self.room.checks

    def nodes(self) -> tuple[Node, ...]:
        node = self.find(None)
        return (node,) if node else ()

    def find(self, host: Host | None) -> Node | None:
        return Node("7", "n7", self.room.state, MACS) if self.room.state else None

    def release(self, host: Host, tell: Tell, timeout: float) -> None:
        self.room.does("release")

    def enroll(self, host: Host) -> None:
        def known() -> None:
            if not self.room.boots:
                self.room.state = NodeState.FREE
            if self.room.stops and self.room.appears:
                self.room.old_up = False

        self.room.does("enroll", known)

    def assign(self, host: Host) -> None:
        if self.room.state is not NodeState.ASSIGNED:
            self.room.does("assign", lambda: setattr(self.room, "state", NodeState.ASSIGNED))

    def withdraw(self, host: Host) -> None:
        self.room.does("withdraw", lambda: setattr(self.room, "state", NodeState.FREE))

    def deploy(self, host: Host, tell: Tell, timeout: float) -> str:
        def install() -> None:
            room = self.room
            room.state, room.old_up = NodeState.DEPLOYED, False
            room.new_known, room.new_up = True, room.comes_up

        tell(40, "puppet runs")
        if "deploy" in self.room.fail:
            self.room.state = NodeState.FAILED
        if self.room.state is not NodeState.DEPLOYED:
            self.room.does("deploy", install)
        return "node-7"


def source(room: Room) -> RecordingCloud:
    """The old cloud."""
    cloud = RecordingCloud("source")

    def service(query: Any) -> Any:
        body = {
            "id": "s1",
            "host": "old-1",
            "state": "up" if room.old_up else "down",
            "status": room.old_status,
            "disabled_reason": room.reason,
            "updated_at": str(room.clock.now()),
        }
        return {"services": [body] if room.old_known else []}

    def gone(_: Any) -> None:
        room.does("delete old service", lambda: setattr(room, "old_known", False))

    def enabled(body: Any) -> None:
        def change() -> None:
            room.old_status, room.reason = body["status"], body.get("disabled_reason", "")

        room.does(body["status"].removesuffix("d"), change)

    cloud.on(
        "GET",
        "compute",
        "/os-hypervisors/detail",
        lambda _: _hypervisors("old-1", room.old_known, room.old_up),
    )
    cloud.on("GET", "compute", "/os-services", service)
    cloud.on("GET", "compute", "/servers/detail", lambda _: {"servers": room.servers})
    cloud.on("GET", "compute", "/os-aggregates", {"aggregates": []})
    cloud.on("GET", "compute", "/os-server-groups", {"server_groups": []})
    cloud.on("GET", "block-storage", "/os-services", {"services": []})
    cloud.on("GET", "block-storage", "/volumes/detail", lambda _: {"volumes": room.volumes})
    cloud.on("DELETE", "compute", "/os-services/s1", gone)
    return cloud.on("PUT", "compute", "/os-services/s1", enabled)


def destination(room: Room) -> RecordingCloud:
    """The new cloud."""
    cloud = RecordingCloud("destination")
    servers = room.smoke_servers

    def service(query: Any) -> Any:
        body = {"id": "d1", "host": "node-7", "state": "up" if room.new_up else "down", "status": "enabled"}
        return {"services": [body] if room.new_known else []}

    def boot(body: Any) -> Any:
        def make() -> None:
            host = body["server"]["availability_zone"].removeprefix(":")
            found = {"id": "t1", "name": body["server"]["name"], "status": room.smoke_status}
            servers["t1"] = found | {"OS-EXT-SRV-ATTR:host": host, "fault": {"message": "no valid disk"}}

        room.does("boot server", make)
        return {"server": servers["t1"]}

    def get(_: Any) -> Any:
        return {"server": servers["t1"]} if "t1" in servers else Missing("gone", status=404)

    cloud.on(
        "GET",
        "compute",
        "/os-hypervisors/detail",
        lambda _: _hypervisors("node-7", room.new_known and room.mapped),
    )
    cloud.on("GET", "compute", "/os-services", service)
    cloud.on("GET", "image", "/images", {"images": [{"id": "i1", "name": "cirros"}]})
    cloud.on("GET", "compute", "/flavors", {"flavors": [{"id": "f1", "name": "tiny"}]})
    cloud.on("POST", "compute", "/servers", boot)
    cloud.on("GET", "compute", "/servers", lambda _: {"servers": list(servers.values())})
    cloud.on("GET", "compute", "/servers/t1", get)
    cloud.on("DELETE", "compute", "/servers/t1", lambda _: room.does("delete server", servers.clear))
    if room.agents:
        alive = {"id": "a1", "agent_type": "Open vSwitch agent", "admin_state_up": True}
        cloud.on("GET", "network", "/agents", lambda _: {"agents": [{**alive, "alive": room.new_up}]})
    return cloud


def _hypervisors(name: str, known: bool, up: bool = True) -> Any:
    state = "up" if up else "down"
    body = {"hypervisor_hostname": name, "state": state, "status": "disabled", "service": {"host": name}}
    sizes = {"vcpus": 4, "vcpus_used": 0, "memory_mb": 4096, "memory_mb_used": 0}
    return {"hypervisors": [body | sizes] if known else []}
