"""Redis and etcd, each for one test session: own directory, free port."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

PASSWORD = "hunter2-of-the-board"


@contextlib.contextmanager
def board(kind: str) -> Iterator[str]:
    """The address of a running board, as config.yaml takes it, until the end of the block."""
    program = shutil.which({"redis": "redis-server", "etcd": "etcd"}[kind])
    if program is None:
        pytest.skip(f"{kind} is not installed (Debian: redis-server, etcd-server)")
    home = pathlib.Path(tempfile.mkdtemp(prefix=f"pumphouse-{kind}-"))
    port, other = _free_port(), _free_port()
    if kind == "redis":
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
        command += ["--requirepass", PASSWORD]
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    else:
        clients, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}"
        command = [program, "--data-dir", str(home / "data"), "--unsafe-no-fsync"]
        command += ["--listen-client-urls", clients, "--advertise-client-urls", clients]
        command += ["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
        command += ["--initial-cluster", f"default={peers}"]
        url = f"etcd://127.0.0.1:{port}"
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=home)
    try:
        for _ in range(200):
            assert process.poll() is None, (home / "log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
