"""The composition root: configuration in, a service with its adapters out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pumphouse.clock import StoppableClock
from pumphouse.clouds.connect import connect, connect_standalone, keystone
from pumphouse.clouds.tokens import KeystoneTokens
from pumphouse.config import Config, describe
from pumphouse.drivers.guest.probes import NetworkProbes
from pumphouse.drivers.transfer.stream import StreamTransfer
from pumphouse.errors import ConfigError, Missing
from pumphouse.events import Bus
from pumphouse.facts import newest, number
from pumphouse.host_policy import DriverChoice
from pumphouse.hosts import Host
from pumphouse.identity.formats import accepted
from pumphouse.identity.tables import SqlIdentityTables
from pumphouse.jobs import Board
from pumphouse.ledger.audit import SqlTrail
from pumphouse.ledger.board import LedgerBoard
from pumphouse.ledger.hosts import SqlHostLedger
from pumphouse.ledger.jobs import SqlJobs
from pumphouse.ledger.journal import Journal
from pumphouse.ledger.locks import SqlLocks
from pumphouse.ledger.sql import SqlLedger, open_engine
from pumphouse.machines import MachineNetwork, Power, Provisioner
from pumphouse.model import Caller
from pumphouse.ports import Clock, Publish, Transfer
from pumphouse.service import Service
from pumphouse.service.desk import Desk
from pumphouse.service.session import Adapters, Session
from pumphouse.standalone import EngineService


@contextmanager
def open_service(config: Config, bus: Bus, **policy: Any) -> Iterator[Service]:
    """The service for a configuration. Nothing is sent to a cloud before the first call.

    :param policy: values that replace those of ``config.policy``; None leaves them.
    :raises ConfigError: when clouds.yaml or the ledger cannot be used.
    """
    changes = {name: value for name, value in policy.items() if value is not None}
    config = config.model_copy(update={"policy": config.policy.model_copy(update=changes)})
    clock = StoppableClock()
    source, destination = connect(config, "source", clock), connect(config, "destination", clock)
    engine = open_engine(config.ledger)

    def transfer(publish: Publish) -> Transfer:
        settings = config.policy
        return StreamTransfer(
            source,
            destination,
            clock,
            publish,
            slots=settings.transfers,
            bandwidth=settings.bandwidth,
            attempts=settings.attempts,
        )

    def accepts() -> frozenset[str]:
        try:
            compute = newest(destination.versions("compute"))
        except Missing:
            compute = None
        return accepted(number(compute.maximum) if compute else ())

    ledger, journal = SqlLedger(engine, clock), Journal(engine, clock)
    locks, tables = SqlLocks(engine, clock, clock.stop), SqlIdentityTables(config, accepts)
    adapters = Adapters(
        *(source, destination, ledger, journal, locks, NetworkProbes(), clock, transfer, tables),
        lambda host: open_power(host, clock),
        SqlHostLedger(engine, clock),
        lambda role: open_provisioner(config, role, clock),
        lambda: open_network(config, clock),
    )
    try:
        yield Service(Session(config, adapters, bus), lambda role: connect(config, role, clock))
    finally:
        engine.dispose()


@contextmanager
def open_desk(config: Config) -> Iterator[Desk]:
    """Where jobs are handed in, found by conductors, and audited; for as long as the process serves.

    :raises ConfigError: when the ledger or the board cannot be used.
    """
    clock = StoppableClock()
    engine = open_engine(config.ledger)
    jobs, locks = SqlJobs(engine, clock), SqlLocks(engine, clock, lambda: None)
    board: Board = LedgerBoard(jobs, locks)
    if config.api.board:
        from pumphouse.boards.jobboard import JobBoard

        board = JobBoard(config.api.board.get_secret_value(), jobs, locks)
    try:
        yield Desk(jobs, board, SqlTrail(engine, clock))
    finally:
        board.close()
        engine.dispose()


def open_tokens(config: Config) -> Callable[[str], Caller | None] | None:
    """Whose token it is, as the Keystone says that the configuration names; None when it names none."""
    role = config.api.cloud
    if role is None:
        return None
    clock = StoppableClock()
    project = config.api.project
    cloud = connect(config, role, clock)
    return KeystoneTokens(
        keystone(config, role), role, config.api, lambda: project or cloud.project_id, clock
    )


def open_power(host: Host, clock: Clock) -> Power:
    """The BMC of a host, by the driver its ``type`` names. Nothing is sent before the first call.

    :raises ConfigError: when there is no such driver, or what it needs is not installed.
    """
    driver = _driver("pumphouse.power", host.bmc.type, f"inventory.yaml: host {host.name!r}: BMC type")
    power: Power = driver(host, clock)
    return power


def open_provisioner(config: Config, role: str, clock: Clock) -> Provisioner | None:
    """The deployment engine of a cloud, by the driver its ``type`` names; None when it has none.

    Nothing is sent before the first call.

    :raises ConfigError: when there is no such driver, what it needs is not installed, or its settings are wrong.
    """
    deployment = (config.source if role == "source" else config.destination).deployment
    if deployment is None:
        return None
    driver, settings = _chosen("pumphouse.provision", deployment, f"config.yaml: {role}.deployment")
    if isinstance(settings, EngineService):
        return _service(driver, settings, config, role, clock)
    provisioner: Provisioner = driver(settings, clock)
    return provisioner


def _service(driver: Any, settings: EngineService, config: Config, role: str, clock: Clock) -> Provisioner:
    """An engine that is an OpenStack service."""
    alone = settings.url is not None
    cloud = connect_standalone(role, settings, clock) if alone else connect(config, role, clock)
    provisioner: Provisioner = driver(settings, clock, cloud)
    return provisioner


def open_network(config: Config, clock: Clock) -> MachineNetwork | None:
    """What changes the network of machines, by the driver its ``type`` names; None when they stay where they are.

    :raises ConfigError: when there is no such driver, what it needs is not installed, or its settings are wrong.
    """
    chosen = config.hosts.network
    if chosen is None:
        return None
    driver, settings = _chosen("pumphouse.machine_network", chosen, "config.yaml: hosts.network")
    network: MachineNetwork = driver(settings, clock, config.hosts.timeouts.network)
    return network


def _chosen(group: str, chosen: DriverChoice, where: str) -> tuple[Any, Any]:
    """A driver and its settings."""
    driver = _driver(group, chosen.type, f"{where}: type")
    try:
        return driver, driver.Settings.model_validate(chosen.model_extra)
    except ValidationError as error:
        raise ConfigError(describe(Path(where), error), "See docs/configuration.md.") from None


def _driver(group: str, name: str, where: str) -> Any:
    drivers = {point.name: point for point in entry_points(group=group)}
    if name not in drivers:
        raise ConfigError(f"{where} {name!r}: no such driver", f"Drivers: {', '.join(sorted(drivers))}.")
    try:
        return drivers[name].load()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{where} {name!r} needs the Python package {error.name}",
            "Install it with: pip install 'pumphouse[hosts]', or 'pumphouse[switches]' for switches.",
        ) from None
