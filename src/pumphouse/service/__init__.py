"""The use cases; the command line, the API and the page speak to this and to nothing below it."""

from pumphouse.service.service import Service

__all__ = ["Service"]
