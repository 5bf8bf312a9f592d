"""Runs one released OpenStack service: API, workers and messaging in one process.

Everything here runs inside the environment of a release, not in Pumphouse's own.
"""
