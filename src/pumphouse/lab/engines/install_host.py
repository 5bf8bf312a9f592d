"""Install a machine of the lab as a compute node of the destination.

Usage: install-host check | install HOST

PUMPHOUSE_MACS: the machine's MAC addresses, separated by commas. Prints ``progress PERCENT WORDS`` and at last
``host NAME``. Ends with 0, 3 (its disk could not be written), 4 (OpenStack did not come up on it),
or 1 (anything else). A second call waits for the first, and finds its work done.
"""

import fcntl
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request
from typing import Any

MACHINES = "{machines}"
PROVISIONING_FAILED, DEPLOYMENT_FAILED = 3, 4
BOOT_SECONDS = 60


def ask(path: str, body: dict[str, str] | None = None) -> Any:
    """Ask the machines."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(MACHINES + path, data, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def tell(percent: int, words: str) -> None:
    """A line of progress."""
    print(f"progress {percent} {words}", flush=True)  # noqa: T201


def find(macs: list[str]) -> Any:
    """The machine with these addresses."""
    for machine in ask("/machines"):
        if set(macs) & set(machine["macs"]):
            return machine
    sys.exit(f"no machine has any of the addresses {', '.join(macs)}")


def started(name: str, what: str) -> bool:
    """Wait until a machine has booted; whether it runs ``what`` then."""
    deadline = time.monotonic() + BOOT_SECONDS
    machine = ask(f"/machines/{name}")
    while machine["booting"] and time.monotonic() < deadline:
        time.sleep(0.2)
        machine = ask(f"/machines/{name}")
    return str(machine["running"]) == what


def boot(name: str, device: str, what: str) -> bool:
    """Restart a machine; whether it comes up as it should."""
    ask(f"/machines/{name}/boot", {"device": device})
    ask(f"/machines/{name}/power", {"power": "reset"})
    return started(name, what)


def write(name: str) -> None:
    """Write the operating system; its host name."""
    host = f"node-{name}"
    try:
        ask(f"/machines/{name}/write", {"disk": "destination", "host": host})
    except urllib.error.HTTPError as error:
        print(f"writing the disk failed: {error.read().decode()}", flush=True)  # noqa: T201
        sys.exit(PROVISIONING_FAILED)


def install(macs: list[str]) -> None:
    """All of it, from wherever the machine is."""
    machine = find(macs)
    name = machine["name"]
    lock = os.open(pathlib.Path(__file__).parent / f"{name}.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    machine = ask(f"/machines/{name}")
    if machine["disk"] != "destination":
        tell(5, "waiting for the installer's system")
        if not started(name, "bootstrap") and not boot(name, "network", "bootstrap"):
            print("the machine did not turn up from the network", flush=True)  # noqa: T201
            sys.exit(PROVISIONING_FAILED)
        tell(30, "writing the operating system")
        write(name)
    tell(60, "starting it from its disk")
    if not started(name, "destination") and not boot(name, "disk", "destination"):
        print("nova-compute did not come up", flush=True)  # noqa: T201
        sys.exit(DEPLOYMENT_FAILED)
    tell(100, "the host has joined")
    print(f"host {ask(f'/machines/{name}')['host']}")  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        ask("/machines")
    elif len(sys.argv) == 3 and sys.argv[1] == "install":
        install(os.environ["PUMPHOUSE_MACS"].lower().split(","))
    else:
        sys.exit(__doc__)
