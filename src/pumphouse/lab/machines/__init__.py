"""The lab's machines: power, BMC and disk of each, and what it runs. ``python -m pumphouse.lab.machines``."""
