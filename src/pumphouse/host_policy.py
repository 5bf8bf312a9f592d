"""What the operator decides about hosts: how they are emptied, and how long their installation may take."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pumphouse.hooks import Strict


class DriverChoice(BaseModel):
    """A driver: its type, and the settings of that type."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    type: str = Field(description="Name of the driver.")

    def __repr_args__(self) -> Any:
        """The type only: settings may be secrets."""
        return [("type", self.type)]


class NetworkChoice(DriverChoice):
    """What puts machines into the network of the deployment engine and back, and that type's settings."""

    type: str = Field(description="Driver: command, switch, or another that is installed.")


class HostTimeouts(Strict):
    """How long to wait for machines and for what works on them, in seconds."""

    power: float = Field(120, gt=0, description="A machine to be switched on or off.")
    move: float = Field(
        7200,
        gt=0,
        description="A server to be cold-migrated, evacuated or offloaded; and a live migration to end after it was "
        "aborted or forced.",
    )
    network: float = Field(120, gt=0, description="The network of a machine to be changed, each time.")
    release: float = Field(1800, gt=0, description="The source's engine to let a machine go.")
    discovery: float = Field(1200, gt=0, description="A machine to turn up in the engine after its reset.")
    deployment: float = Field(7200, gt=0, description="The engine to install a machine.")
    service: float = Field(900, gt=0, description="The compute service of an installed machine to be up.")
    smoke_test: float = Field(600, gt=0, description="The throw-away server on a new host to run, and to go.")


class SmokeTest(Strict):
    """A throw-away server that is booted on each new host of the destination, in the administrator's project.

    What it needs is named by name or id, and has to be there.
    """

    image: str = Field(min_length=1, description="Image to boot; a small one.")
    flavor: str = Field(min_length=1, description="Flavor; a small one.")
    network: str | None = Field(None, description="Network it gets a port in; none when left out.")


class HostPolicy(Strict):
    """Decisions about hosts; everything has a default."""

    migrations: int = Field(2, ge=1, le=64, description="Servers moved to other hosts of a cloud at once.")
    stuck_after: float = Field(
        1800,
        gt=0,
        description="Seconds after which a live migration is stuck and dealt with by 'when_stuck'.",
    )
    when_stuck: Literal["abort", "force"] = Field(
        "abort",
        description="abort: the server stays where it is; force: it is stopped until it has moved, or goes on "
        "with post-copy where the cloud can.",
    )
    smoke_test: SmokeTest | None = Field(
        None, description="What is booted on a new host before it counts; left out: nothing."
    )
    network: NetworkChoice | None = Field(
        None, description="What isolates a machine before it is installed; left out: it stays where it is."
    )
    timeouts: HostTimeouts = Field(default_factory=HostTimeouts, description="How long to wait.")
