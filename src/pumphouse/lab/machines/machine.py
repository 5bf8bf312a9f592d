"""One simulated machine: what its BMC, its boot loader and its disk do."""

import contextlib
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

AGENT_SECONDS = 1
ACTION_SECONDS = 60
CLOUDS = ("source", "destination")
FAILURES = ("power", "boot", "write", "join")


class Refused(Exception):
    """What was asked for is not possible now, or makes no sense; the message says why."""


@dataclass
class Record:
    """What of a machine outlives the process.

    :param boot: what it starts from the next time: ``disk`` or ``network``.
    :param booting: whether it has power and runs nothing yet.
    :param running: ``off``, ``nothing``, ``bootstrap``, or the cloud that it is a host of.
    :param disk: ``blank``, or the cloud whose host starts from it.
    :param host: name of that host's nova-compute; empty on a controller, which has none.
    :param resets: how often power came or came anew.
    :param failures: what goes wrong next, and how often.
    """

    name: str
    uuid: str
    macs: list[str]
    power: str
    boot: str
    booting: bool
    running: str
    disk: str
    host: str
    resets: int = 0
    failures: dict[str, int] = field(default_factory=dict)


class Surroundings(Protocol):
    """What a machine acts on."""

    boot_seconds: float

    def save(self) -> None:
        """Remember all machines."""

    def compute(self, action: str, cloud: str, host: str) -> None:
        """``start`` or ``stop`` a nova-compute."""

    def report(self, described: dict[str, Any]) -> None:
        """What the bootstrap system tells the engine."""


class Machine:
    """Actions are carried out one after the other by a thread of its own; booting goes on behind them."""

    def __init__(self, record: Record, around: Surroundings) -> None:
        self.record = record
        self._around = around
        self._actions: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._boots_at = 0.0

    def start(self) -> None:
        """Put its nova-compute where the record says, and go on."""
        threading.Thread(target=self._work, name=self.record.name, daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """As the machines' interface shows it."""
        return asdict(self.record)

    def switch(self, power: str) -> None:
        """``on``, ``off`` or ``reset``; returns when it has happened, which is before the machine has booted."""
        done = self.ask(power)
        if not done.wait(ACTION_SECONDS):
            raise Refused(f"{self.record.name} does not react")

    def ask(self, power: str) -> threading.Event:
        """The same, for BMCs: they answer at once."""
        if power not in ("on", "off", "reset"):
            raise Refused(f"power is on, off or reset, not {power!r}")
        done = threading.Event()
        self._actions.put((lambda: self._switch(power), done))
        return done

    def boot_from(self, device: str) -> None:
        """What it starts from the next time, and that time only."""
        if device not in ("disk", "network"):
            raise Refused(f"the boot device is disk or network, not {device!r}")
        self._note(boot=device)

    def write(self, disk: str, host: str) -> None:
        """What an installer does to the disk."""
        if self._fails("write"):
            raise RuntimeError(f"{self.record.name}: the disk reports an error")
        if disk == "blank":
            self._note(disk=disk)
            return
        if disk not in CLOUDS or not host:
            raise Refused("write blank, or source or destination with a host's name")
        if self.record.running in CLOUDS:
            raise Refused(f"{self.record.name} runs as {self.record.host} of the {self.record.running}")
        self._note(disk=disk, host=host)

    def fail(self, what: str, times: int) -> None:
        """Let ``what`` go wrong the next ``times``; 0 ends it."""
        if what not in FAILURES:
            raise Refused(f"what may fail is one of {', '.join(FAILURES)}, not {what!r}")
        self._note(failures={**self.record.failures, what: times})

    def _note(self, **facts: Any) -> None:
        for name, value in facts.items():
            setattr(self.record, name, value)
        self._around.save()

    def _fails(self, what: str) -> bool:
        left = Counter(self.record.failures)
        if left[what] <= 0:
            return False
        left[what] -= 1
        self._note(failures=dict(left))
        return True

    def _work(self) -> None:
        self._retry(self._settle)
        while True:
            try:
                action, done = self._actions.get(timeout=self._idle())
            except queue.Empty:
                self._retry(self._go_on)
                continue
            self._retry(action)
            done.set()

    def _idle(self) -> float | None:
        """Seconds after which something happens by itself."""
        if self.record.booting:
            return max(0.0, self._boots_at - time.monotonic())
        return AGENT_SECONDS if self.record.running == "bootstrap" else None

    def _go_on(self) -> None:
        if self.record.booting:
            self._boot()
        else:
            self._around.report(self.describe())

    def _retry(self, action: Callable[[], None]) -> None:
        """Clouds may be on their way up or down."""
        for pause in (0.5, 2.0, 5.0, 0.0):
            try:
                return action()
            except Exception as error:
                sys.stderr.write(f"{self.record.name}: {error!r}\n")
                sys.stderr.flush()
                time.sleep(pause)
        return None

    def _settle(self) -> None:
        if self.record.running in CLOUDS:
            self._around.compute("start", self.record.running, self.record.host)
        elif self.record.disk in CLOUDS:
            self._around.compute("stop", self.record.disk, self.record.host)

    def _switch(self, power: str) -> None:
        if self._fails("power") or (power == "on" and self.record.power == "on"):
            return
        if self.record.running in CLOUDS:
            self._around.compute("stop", self.record.running, self.record.host)
        if power == "off":
            self._note(power="off", running="off", booting=False)
            return
        self._boots_at = time.monotonic() + self._around.boot_seconds
        self._note(power="on", running="nothing", booting=True, resets=self.record.resets + 1)

    def _boot(self) -> None:
        """What it has at the end of its boot; a device that was chosen is chosen once."""
        record = self.record
        running = record.disk if record.boot == "disk" else "bootstrap"
        if running == "bootstrap":
            running = "nothing" if self._fails("boot") else running
        elif running == "blank" or (running == "destination" and self._fails("join")):
            running = "nothing"
        else:
            self._around.compute("start", running, record.host)
        self._note(boot="disk", booting=False, running=running)
        if running == "bootstrap":
            with contextlib.suppress(OSError):  # told again soon
                self._around.report(self.describe())
