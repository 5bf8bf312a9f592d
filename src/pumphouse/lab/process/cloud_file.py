"""What a service process must know of its cloud beyond its configuration file."""

import json
from pathlib import Path
from typing import NamedTuple


class Cloud(NamedTuple):
    root: Path
    green: tuple
    hosts: tuple
    region: str
    password: str
    endpoints: dict
    volume_types: tuple
    capacity: dict

    @property
    def etc(self):
        return self.root / "etc"

    def database(self, name):
        return self.root / "db" / f"{name}.sqlite"

    def has_database(self, name):
        """Whether the schema is there. The size tells nothing: all may still be in the write-ahead log."""
        path = self.database(name)
        return path.exists() and not self._begun(name).exists()

    def _begun(self, name):
        return self.root / "db" / f"{name}.begun"

    def begin_database(self, name):
        """Note that the first start begins, and clear what an interrupted one left."""
        for leftover in self.database(name).parent.glob(f"{name}*.sqlite*"):
            leftover.unlink()
        self._begun(name).touch()

    def end_database(self, name):
        self._begun(name).unlink()


def read(root):
    known = json.loads((root / "etc" / "cloud.json").read_text())
    return Cloud(
        root=root,
        green=tuple(known["green"]),
        hosts=tuple(known["hosts"]),
        region=known["region"],
        password=known["password"],
        endpoints=known["endpoints"],
        volume_types=tuple(known["volume_types"]),
        capacity=known["capacity"],
    )
