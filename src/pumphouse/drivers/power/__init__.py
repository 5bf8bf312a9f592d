"""Ways to switch a machine through its BMC; found by entry point ``pumphouse.power``."""
