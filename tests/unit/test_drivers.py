"""Drivers are found by name, so that no type checker sees them: they have the methods of their ports."""

import inspect
from importlib.metadata import EntryPoint, entry_points

import pytest

from pumphouse.machines import MachineNetwork, Power, Provisioner

PORTS = {
    "pumphouse.power": Power,
    "pumphouse.provision": Provisioner,
    "pumphouse.machine_network": MachineNetwork,
}
DRIVERS = [(point, port) for group, port in PORTS.items() for point in entry_points(group=group)]


def test_there_are_drivers_of_every_port() -> None:
    assert {port for _, port in DRIVERS} == set(PORTS.values())


@pytest.mark.parametrize(
    ("point", "port"), DRIVERS, ids=[f"{port.__name__}-{point.name}" for point, port in DRIVERS]
)
def test_a_driver_has_the_methods_of_its_port(point: EntryPoint, port: type) -> None:
    driver = point.load()
    for name, method in inspect.getmembers(port, inspect.isfunction):
        if not name.startswith("_"):
            assert parameters(getattr(driver, name)) == parameters(method), name


def parameters(method: object) -> list[str]:
    assert callable(method)
    return list(inspect.signature(method).parameters)
