"""A machine's IPMI BMC: pyghmi's server side. Its power and boot device stand in a file, as JSON.

Usage: bmc.py PORT USER PASSWORD FILE
"""

import json
import pathlib
import sys

from pyghmi.ipmi.bmc import Bmc
from pyghmi.ipmi.private.serversession import ServerSession

SHA256 = 3  # authentication algorithm, IPMI 2.0 table 13-17
NO_SUCH_ALGORITHM = 0x04  # status code, IPMI 2.0 table 13-15
accept = ServerSession.create_open_session_response


def open_session(self, request):
    """Real BMCs refuse an algorithm they don't have; pyghmi's answers with SHA-1 whatever it was asked for."""
    if request[12] == SHA256:
        return bytearray([request[0], NO_SUCH_ALGORITHM, 0, 0, *request[4:8]])
    return accept(self, request)


ServerSession.create_open_session_response = open_session


class Machine(Bmc):
    """Does what it is asked, and writes it down."""

    def __init__(self, port, user, password, file):
        super().__init__({user: password}, port=port, address="127.0.0.1")
        self.file = file
        self.boot = "default"
        self.asked = []
        self.power = "off"
        self._write()

    def _write(self):
        self.file.write_text(json.dumps({"power": self.power, "boot": self.boot, "asked": self.asked}))

    def _do(self, what, power):
        self.asked.append(what)
        self.power = power
        self._write()

    def get_power_state(self):
        return self.power

    def power_on(self):
        self._do("on", "on")

    def power_off(self):
        self._do("off", "off")

    def power_reset(self):
        self._do("reset", self.power)

    def get_boot_device(self):
        return self.boot

    def set_boot_device(self, bootdevice):
        self.boot = bootdevice
        self._write()


if __name__ == "__main__":
    port, user, password, file = sys.argv[1:]
    Machine(int(port), user, password, pathlib.Path(file)).listen()
