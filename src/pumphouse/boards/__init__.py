"""Boards for conductors on several machines."""
