"""A place where processes of the lab run, as a value: what a cloud and the room of the machines share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site(ABC):
    """Directories, ports and processes of one place.

    :param home: the lab's directory.
    :param name: of the place; also its directory under ``home``.
    """

    home: Path
    name: str

    @property
    def root(self) -> Path:
        """Everything of this place; of a cloud, all but the shared volumes."""
        return self.home / self.name

    @property
    def log(self) -> Path:
        """What the processes logged and printed."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """Process ids."""
        return self.root / "run"

    @property
    @abstractmethod
    def ports(self) -> dict[str, int]:
        """Port of each service."""

    @abstractmethod
    def command(self, service: str) -> list[str]:
        """What runs a service; its last three words are the root, the service and the port."""

    @abstractmethod
    def version(self, service: str) -> tuple[str, str]:
        """Release and version of a service; empty where it has none."""

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def console_log(self, service: str) -> Path:
        """What the process printed; a cloud's service has a log of its own beside it, ``<service>.log``."""
        return self.log / f"{service}.out"
