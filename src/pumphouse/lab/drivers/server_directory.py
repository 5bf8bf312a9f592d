"""The files of one server: disk, console, and a record that outlives the process."""

import json
import pathlib
import shutil
import time

from pumphouse.lab.drivers import sparse


class ServerDirectory:
    def __init__(self, instances, server_id):
        self.id = server_id
        self.path = pathlib.Path(instances, server_id)

    @classmethod
    def all(cls, instances):
        path = pathlib.Path(instances)
        return [cls(instances, each.name) for each in path.iterdir()] if path.is_dir() else []

    @property
    def disk(self):
        return self.path / "disk"

    def exists(self):
        return self.path.exists()

    def create(self):
        self.path.mkdir(parents=True, exist_ok=True)

    def delete(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def add_disk(self, name, size):
        """An empty one, unless there is one (after an evacuation) or its size is 0."""
        if size and not (self.path / name).exists():
            sparse.create(self.path / name, size)

    def read(self):
        """Name, host, power state, root volume and ports; empty when there is no such server."""
        try:
            return json.loads((self.path / "server.json").read_text())
        except (OSError, ValueError):
            return {}

    def update(self, **fields):
        record = {**self.read(), **fields}
        partial = self.path / "server.json.part"
        partial.write_text(json.dumps(record))
        partial.replace(self.path / "server.json")

    def note(self, event, host):
        """Append to the record of all servers' lives: when, which server, on which host, what."""
        line = json.dumps({"time": time.time(), "server": self.id, "host": host, "event": event})
        with (self.path.parent / "record.jsonl").open("a") as file:
            file.write(line + "\n")

    def print(self, text):
        """Write to the server's console."""
        with (self.path / "console.log").open("a") as file:
            file.write(f"[lab] {text}\n")

    def printed(self):
        try:
            return (self.path / "console.log").read_bytes()
        except OSError:
            return b""
