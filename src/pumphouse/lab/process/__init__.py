"""Runs one released OpenStack service: API, workers and messaging in one process.

Everything here, and in ``lab/drivers``, runs inside the environment of a release, not in Pumphouse's own: the oldest
have Python 3.6.
"""
