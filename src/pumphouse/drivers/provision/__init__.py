"""Deployment engines; found by entry point ``pumphouse.provision``.

Each is a class with ``Settings``, a pydantic model, and is made with those and a Clock.
"""
