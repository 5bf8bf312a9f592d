"""A machine's IPMI BMC, as the lab's machines have. Its power and boot device stand in a file, as JSON.

Usage: bmc.py PORT USER PASSWORD FILE
"""

import json
import pathlib
import sys

from pumphouse.lab.machines.ipmi import MachineBmc


class Board:
    """Does what it is asked, and writes it down."""

    def __init__(self, file):
        self.file = file
        self.device = "disk"
        self.asked = []
        self.state = "off"
        self._write()

    def _write(self):
        self.file.write_text(json.dumps({"power": self.state, "boot": self.device, "asked": self.asked}))

    def power(self):
        return self.state

    def switch(self, power):
        self.asked.append(power)
        self.state = self.state if power == "reset" else power
        self._write()

    def boot(self):
        return self.device

    def boot_from(self, device):
        self.device = device
        self._write()


if __name__ == "__main__":
    port, user, password, file = sys.argv[1:]
    MachineBmc(Board(pathlib.Path(file)), int(port), user, password).listen()
