"""Pumphouse moves an OpenStack cloud's workloads, and then its hosts, to a new cloud beside it."""

__version__ = "0.1.0"
