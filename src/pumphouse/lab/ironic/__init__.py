"""Ironic as a deployment engine of the lab: the released one, and what stands for its agent on a machine.

``__main__`` runs it, in an environment of its own; ``agent`` answers for machines that started from the network.
"""
