"""Run Ironic: ``python bare_metal.py ROOT ironic PORT``. API, conductor and images for its agents in one process."""

import logging
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

from run import make_importable, mark


def images(directory):
    """What a web server beside Ironic does: the files that its agents fetch."""

    def answer(environ, start_response):
        path = (directory / environ["PATH_INFO"].removeprefix("/images/")).resolve()
        if not path.is_file():
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        data = path.read_bytes()
        start_response("200 OK", [("Content-Length", str(len(data)))])
        return [data]

    return answer


def application(directory):
    """The API, with the images beside it."""
    from ironic.api import app

    api, files = app.VersionSelectorApplication(), images(directory)

    def answer(environ, start_response):
        ours = environ["PATH_INFO"].startswith("/images/")
        return (files if ours else api)(environ, start_response)

    return answer


def create_tables(database):
    from ironic.conf import CONF
    from ironic.db import migration
    from oslo_log import log

    if not database.exists():
        migration.create_schema()  # its migrations are not for SQLite
        for logger in logging.root.manager.loggerDict.values():
            logger.disabled = False  # alembic's configuration disables those it does not know
        log.setup(CONF, "ironic")  # and puts its own in the place of Ironic's


def main():
    root, service, port = Path(sys.argv[1]) / "ironic", sys.argv[2], int(sys.argv[3])
    warnings.simplefilter("ignore")
    make_importable()
    from pumphouse.lab.process import adjustments, http_server

    adjustments.read_own_configuration_only(root)
    adjustments.sqlite_for_many_writers()
    gate = http_server.Gate()
    server = http_server.listen(gate, port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 3600}, daemon=True).start()
    from ironic.common import service as ironic_service

    ironic_service.prepare_service("ironic", ["ironic", "--config-file", str(root / "ironic.conf")])
    create_tables(root / "ironic.sqlite")
    mark(service, "tables are there")
    from ironic.conductor import rpc_service
    from ironic.conf import CONF

    conductor = rpc_service.RPCService(CONF.host, "ironic.conductor.manager", "ConductorManager")
    conductor.start()
    gate.application = application(root / "http")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    mark(service, "answers")
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
