"""A small switch: a real SSH server with the command line of Cisco's IOS, as far as interfaces go.

Its interfaces and what it was told stand in a file, as JSON. Usage: switch.py PORT USER PASSWORD HOST-KEY FILE
"""

import asyncio
import json
import pathlib
import re
import sys

import asyncssh


class Switch:
    """What is configured, and the modes of the command line."""

    def __init__(self, file):
        self.file = file
        self.interfaces = {}
        self.saved = 0

    def write(self):
        self.file.write_text(json.dumps({"interfaces": self.interfaces, "saved": self.saved}))


class Session:
    """One login."""

    def __init__(self, switch):
        self.switch = switch
        self.mode, self.interface = "", None

    def prompt(self):
        return f"tor-1{self.mode}#"

    def handle(self, line):
        """What it prints."""
        if not line or line.startswith("terminal "):
            return ""
        if line in ("configure terminal", "conf t"):
            self.mode = "(config)"
            return "Enter configuration commands, one per line.  End with CNTL/Z.\n"
        if line in ("end", "\x1a"):
            self.mode, self.interface = "", None
            return ""
        if line in ("write mem", "write memory", "copy running-config startup-config"):
            self.switch.saved += 1
            self.switch.write()
            return "Building configuration...\n[OK]\n"
        if self.mode and (found := re.fullmatch(r"interface (Ethernet1/\d+)", line)):
            self.mode, self.interface = "(config-if)", found[1]
            return ""
        if self.interface and (
            found := re.fullmatch(r"switchport (mode|access vlan|trunk allowed vlan) (\S+)", line)
        ):
            self.switch.interfaces.setdefault(self.interface, {})[found[1]] = found[2]
            self.switch.write()
            return ""
        return "                 ^\n% Invalid input detected at '^' marker.\n"


def server(user, password):
    class Server(asyncssh.SSHServer):
        def begin_auth(self, username):
            return True

        def password_auth_supported(self):
            return True

        def validate_password(self, username, given):
            return (username, given) == (user, password)

    return Server


async def main(port, user, password, key, file):
    switch = Switch(pathlib.Path(file))
    switch.write()

    async def terminal(process):
        session = Session(switch)
        process.stdout.write(f"\r\n{session.prompt()}")
        async for typed in process.stdin:
            line = typed.strip()
            if line == "exit" and not session.mode:
                break
            said = session.handle(line)
            process.stdout.write(f"{line}\r\n" + said.replace("\n", "\r\n") + session.prompt())
        process.exit(0)

    await asyncssh.create_server(
        server(user, password),
        "127.0.0.1",
        int(port),
        server_host_keys=[key],
        process_factory=terminal,
        line_editor=False,
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
