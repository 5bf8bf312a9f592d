"""A Fuel master for the lab: answers as real ones of three releases did, and installs the lab's machines.

``python -m pumphouse.lab.fuel [--release R] ROOT fuel PORT``. What real servers answered is recorded beside the
tests, which replay it against this one.
"""
