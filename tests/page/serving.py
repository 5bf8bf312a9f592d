"""The page of an estate, served to browsers."""

import contextlib
import pathlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from clouds_of_tiles import Estate

from pumphouse.api.access import one_token
from pumphouse.api.app import create_app
from pumphouse.config import Config
from pumphouse.page.application import add_page
from pumphouse.service.conductor import Conductor
from pumphouse.wiring import open_desk

TOKEN = "a token nobody guesses"


class Served:
    """The page, served on a port of its own; can be stopped and started again."""

    def __init__(self, directory: pathlib.Path, estate: Estate) -> None:
        self.estate = estate
        self._directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def application(self, stack: contextlib.ExitStack):
        config = Config(
            source={"cloud": "a"}, destination={"cloud": "b"}, ledger=str(self._directory / "ledger.sqlite")
        )
        desk = stack.enter_context(open_desk(config))
        conductor = Conductor(desk.jobs, desk.board, self.estate.opened, "conductor-1")
        app = create_app(self.estate.opened, desk, one_token(TOKEN), conductor)
        add_page(app, lambda: self.server.should_exit)
        return app

    @contextlib.contextmanager
    def running(self) -> Iterator["Served"]:
        with contextlib.ExitStack() as stack:
            settings = uvicorn.Config(
                self.application(stack),
                port=self.port,
                log_level="warning",
                timeout_graceful_shutdown=5,
            )
            self.server = server = uvicorn.Server(settings)
            thread = threading.Thread(target=server.run)
            thread.start()
            try:
                for _ in range(200):
                    if server.started:
                        break
                    time.sleep(0.05)
                yield self
            finally:
                server.should_exit = True
                thread.join()
