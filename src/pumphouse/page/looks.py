"""Both clouds as they were looked at last; however many watch, they are asked once."""

import threading
import time
from dataclasses import dataclass

from pumphouse.errors import PumphouseError
from pumphouse.events import Bus
from pumphouse.model import Picture
from pumphouse.service.conductor import OpenService


@dataclass(frozen=True)
class Look:
    """What was seen, and what hindered a later look.

    :param picture: None before anything was seen.
    :param number: grows when something new was seen.
    :param error: why the clouds could not be looked at again; empty when they could.
    """

    picture: Picture | None = None
    number: int = 0
    error: str = ""
    remedy: str = ""


class Looks:
    """Looks at both clouds, one look at a time."""

    def __init__(self, open_service: OpenService) -> None:
        self._open = open_service
        self._looking = threading.Lock()
        self._began = float("-inf")
        self.last = Look()

    def since(self, moment: float) -> Look:
        """A look that began after this. Who comes while somebody is looking gets what is known, if anything.

        :param moment: of the monotonic clock.
        """
        if not self._looking.acquire(blocking=self.last.picture is None):
            return self.last
        try:
            if self._began <= moment:
                began = time.monotonic()
                self.last, self._began = self._look(), began
            return self.last
        finally:
            self._looking.release()

    def _look(self) -> Look:
        before = self.last
        try:
            with self._open(Bus()) as service:
                return Look(service.picture(), before.number + 1)
        except PumphouseError as error:
            return Look(
                before.picture, before.number + (error.message != before.error), error.message, error.remedy
            )
