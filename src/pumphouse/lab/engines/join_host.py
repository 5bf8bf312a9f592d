"""Wait until a machine of the lab that Ironic has installed is a host of the destination.

Usage: join-host join HOST

PUMPHOUSE_MACS: the machine's MAC addresses, separated by commas. Ends with 0 and ``host NAME``, or with 4.
"""

import json
import os
import sys
import time
import urllib.request
from typing import Any

MACHINES = "{machines}"
NOT_JOINED = 4
BOOT_SECONDS = 20


def machine(macs: list[str]) -> Any:
    """The machine with these addresses."""
    with urllib.request.urlopen(MACHINES + "/machines", timeout=60) as answer:  # noqa: S310
        return next(each for each in json.load(answer) if set(macs) & set(each["macs"]))


def main() -> None:
    """Look until it has booted."""
    macs = os.environ["PUMPHOUSE_MACS"].split(",")
    deadline = time.monotonic() + BOOT_SECONDS
    print("progress 10 waiting for its start", flush=True)  # noqa: T201
    while (found := machine(macs))["running"] != "destination":
        if time.monotonic() > deadline or not (found["booting"] or found["running"] == "off"):
            print("nova-compute did not come up", flush=True)  # noqa: T201
            sys.exit(NOT_JOINED)
        time.sleep(0.2)
    print(f"host {found['host']}")  # noqa: T201


if __name__ == "__main__":
    main() if sys.argv[1:2] == ["join"] else sys.exit(__doc__)
