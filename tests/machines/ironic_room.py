"""The lab's machines and its Ironic, without the clouds: what the machines ask of Nova is written down only."""

import http.server
import json
import subprocess
import sys
import threading
import time

import requests
import yaml

from pumphouse.clock import StoppableClock
from pumphouse.config import Config
from pumphouse.hosts import load_hosts
from pumphouse.lab.engines import ENGINES
from pumphouse.lab.home import Settings, clouds_of, room_of, write_settings
from pumphouse.lab.machine_files import write_machine_files
from pumphouse.lab.room import Machines
from pumphouse.wiring import open_provisioner


class Hosts(http.server.BaseHTTPRequestHandler):
    """What the machines ask of Nova."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path.removeprefix("/lab/"))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class IronicRoom:
    """Both processes, running."""

    def __init__(self, home, base_port):
        machines = Machines(bmc="redfish", engine="ironic", boot_seconds=0.2)
        settings = Settings(base_port, hosts={"source": 3, "destination": 1}, machines=machines)
        clouds = clouds_of(home, settings)
        self.home, self.room = home, room_of(home, settings)
        write_settings(home, settings, clouds)
        write_machine_files(self.room)
        for cloud in clouds:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", cloud.ports["nova"]), Hosts)
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.processes = {name: self.start(name) for name in self.room.ports}
        self.until("Ironic and the machines to answer", self.answers, 120)

    def start(self, name):
        with self.room.console_log(name).open("ab") as console:
            return subprocess.Popen(
                self.room.command(name), stdout=console, stderr=subprocess.STDOUT, cwd=self.room.root
            )

    def answers(self):
        assert all(process.poll() is None for process in self.processes.values())
        try:
            return all(
                requests.get(self.room.url(name), timeout=5).status_code != 503 for name in self.room.ports
            )
        except requests.ConnectionError:
            return False

    def stop(self):
        for process in self.processes.values():
            process.terminate()
            process.wait()

    def until(self, what, holds, seconds=60):
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.1)
        return found

    def host(self, name, **bmc):
        """A machine as inventory.yaml describes it."""
        found = load_hosts(self.home / "inventory.yaml").find(name)
        return found.model_copy(update={"bmc": found.bmc.model_copy(update=bmc)})

    def engine(self, clock=None, **settings):
        """The driver, by its settings in config.yaml."""
        password = {"password_file": str(self.home / "ironic-password")}
        deployment = ENGINES["ironic"].deployment(self.room) | password | settings
        clouds = {"source": {"cloud": "a"}, "destination": {"cloud": "b", "deployment": deployment}}
        return open_provisioner(Config.model_validate(clouds), "destination", clock or StoppableClock())

    def machine(self, name, **asked):
        """A machine, after it was told something."""
        url = f"{self.room.url('machines')}/machines/{name}"
        for what, value in asked.items():
            key = {"boot": "device", "write": "disk", "fail": "what"}.get(what, what)
            requests.post(f"{url}/{what}", json={key: value}, timeout=60).raise_for_status()
        return requests.get(url, timeout=10).json()

    def ironic(self, method, path, body=None):
        """Ironic's API, as its operator."""
        password = (self.home / "ironic-password").read_text().strip()
        headers = {"X-OpenStack-Ironic-API-Version": "1.82"}
        answer = requests.request(
            method,
            f"{self.room.url('ironic')}/v1{path}",
            json=body,
            auth=("operator", password),
            headers=headers,
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


if __name__ == "__main__":  # for trying by hand: HOME PORT
    import pathlib

    room = IronicRoom(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
    print(yaml.safe_dump(json.loads(json.dumps(ENGINES["ironic"].deployment(room.room)))))
    input()
    room.stop()
