"""Fuel 5.1 to 10 as a deployment engine. What its interface does is told in docs/hosts.md."""

from pumphouse.drivers.provision.fuel.provisioner import FuelProvisioner
from pumphouse.drivers.provision.fuel.settings import FuelSettings

__all__ = ["FuelProvisioner", "FuelSettings"]
