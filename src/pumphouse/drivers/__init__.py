"""Drivers for what lies outside OpenStack's control APIs; strangers to each other."""
