"""One cloud of the lab as a value: its directories, ports and addresses."""

from dataclasses import dataclass
from pathlib import Path

from pumphouse.lab.environments import package_version
from pumphouse.lab.releases import Release
from pumphouse.lab.site import Site

# Distances from the cloud's base port; the last digits are those of each service's usual port.
PORT_OFFSETS = {"keystone": 0, "glance": 292, "neutron": 696, "nova": 774, "cinder": 776, "placement": 778}
HIGHEST_OFFSET = max(PORT_OFFSETS.values())
DESTINATION_OFFSET = 10000

# The package each service is released as, where it is called otherwise.
PACKAGES = {"placement": "openstack_placement"}

CLOUD_NAMES = ("source", "destination")
REGION = "RegionOne"
SHARED_BACKEND = "shared"
BACKENDS = ("fast", "slow", SHARED_BACKEND)
# Nova's options where hosts may fail: it is noticed after seconds, and a call to such a host ends.
MORTAL = {"report_interval": 2, "service_down_time": 12, "rpc_response_timeout": 20}
RUNNER = Path(__file__).parent / "process" / "run.py"


@dataclass(frozen=True)
class Capacity:
    """What a compute host has to give; None leaves it plentiful.

    :param memory: MiB.
    """

    vcpus: int | None = None
    memory: int | None = None

    def of_driver(self) -> dict[str, int]:
        """Attributes of the virt driver that differ from its own."""
        asked = {"vcpus": self.vcpus, "memory_mb": self.memory}
        return {name: value for name, value in asked.items() if value is not None}

    def options(self) -> dict[str, float]:
        """Nova's options: a capacity that was asked for is all there is to give."""
        return {
            "cpu_allocation_ratio": 1.0 if self.vcpus else 16.0,
            "ram_allocation_ratio": 1.0 if self.memory else 4.0,
            "reserved_host_memory_mb": 0 if self.memory else 512,
        }


@dataclass(frozen=True)
class Cloud(Site):
    """One of the two clouds.

    :param name: ``source`` or ``destination``; also the directory under ``home``.
    :param environment: virtual environment its services run in.
    :param base_port: Keystone's port; the other services are at fixed distances.
    :param password: of the admin user and of the services' own user.
    :param mortal: whether its hosts may fail, which is to be noticed soon.
    """

    release: Release
    environment: Path
    base_port: int
    host_count: int
    password: str
    capacity: Capacity = Capacity()
    mortal: bool = False

    @property
    def etc(self) -> Path:
        """Configuration files and Keystone's keys."""
        return self.root / "etc"

    @property
    def db(self) -> Path:
        """SQLite files."""
        return self.root / "db"

    @property
    def data(self) -> Path:
        """Images, instances, volumes."""
        return self.root / "data"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of the compute hosts."""
        return tuple(f"{self.name}-compute-{number + 1}" for number in range(self.host_count))

    @property
    def ports(self) -> dict[str, int]:
        """Port of each service."""
        return {service: self.base_port + offset for service, offset in PORT_OFFSETS.items()}

    @property
    def auth_url(self) -> str:
        """Keystone's versioned address."""
        return self.url("keystone") + "/v3"

    @property
    def endpoints(self) -> dict[str, tuple[str, str]]:
        """The service catalogue: type → name and address."""
        volumes = self.url("cinder") + "/v3/%(project_id)s"
        return {
            "identity": ("keystone", self.auth_url),
            "image": ("glance", self.url("glance")),
            "placement": ("placement", self.url("placement")),
            "network": ("neutron", self.url("neutron")),
            "compute": ("nova", self.url("nova") + "/v2.1"),
            "volumev3": ("cinderv3", volumes),
            "block-storage": ("cinder", volumes),
        }

    def volumes_directory(self, backend: str) -> Path:
        """Where a backend keeps its files; the shared one is the same directory for both clouds."""
        if backend == SHARED_BACKEND:
            return self.home / "shared-volumes"
        return self.data / "volumes" / backend

    def command(self, service: str) -> list[str]:
        """What runs a service, in the environment of its release."""
        python = self.environment / "bin" / "python"
        return [str(python), str(RUNNER), str(self.root), service, str(self.ports[service])]

    def version(self, service: str) -> tuple[str, str]:
        """Release and version of a service."""
        return self.release.name, package_version(self.environment, PACKAGES.get(service, service))
