"""Run one service of one cloud: ``python run.py CLOUD_ROOT SERVICE PORT``.

One process per service holds its API, its workers and the queue between them, so that the
heavy imports are paid once; on the first start it also creates its tables and first records.
"""

import importlib
import os
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent
STARTED = time.monotonic()


def make_importable():
    """Let ``pumphouse.lab.process`` and ``.drivers`` be imported without installing Pumphouse here.

    Putting Pumphouse's own site-packages on the path would mix its dependencies into the release's.
    The directory of this file, which Python put there, has modules called as the services are.
    """
    del sys.path[0]
    package = types.ModuleType("pumphouse")
    package.__path__ = [str(LAB.parent)]
    sys.modules["pumphouse"] = package
    # Neutron finds mechanism drivers by entry points only: a folder with nothing but a .dist-info.
    sys.path.append(str(LAB / "drivers" / "entry_points"))


def mark(service, what):
    wall, cpu = time.monotonic() - STARTED, time.process_time()
    sys.stdout.write(f"{wall:7.2f} s {cpu:6.2f} s CPU  {service}: {what}\n")
    sys.stdout.flush()


def main():
    root, service, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    sys.argv = [service, "--config-file", str(root / "etc" / f"{service}.conf")]
    warnings.simplefilter("ignore")
    make_importable()
    from pumphouse.lab.process import adjustments, cloud_file

    cloud = cloud_file.read(root)
    adjustments.choose_threads(service, green=service in cloud.green)
    adjustments.before_imports(cloud)
    # after eventlet: a server class holds on to the selector it saw when it was defined
    from pumphouse.lab.process import http_server

    gate = http_server.Gate()
    server = http_server.listen(gate, port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 3600}, daemon=True).start()
    module = importlib.import_module(f"pumphouse.lab.process.{service}")
    module.start(cloud, gate, lambda what: mark(service, what))
    # at last, for Neutron's start sets handlers that wait for ever; every write is in SQLite already
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
