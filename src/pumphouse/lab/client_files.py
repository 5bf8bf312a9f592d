"""The files that let clients and Pumphouse reach the lab."""

from pathlib import Path
from typing import Any

import yaml

from pumphouse.lab.cloud import REGION, Cloud
from pumphouse.lab.engines import ENGINES
from pumphouse.lab.home import write_private
from pumphouse.lab.room import Room

FILES = {"clouds_file": "clouds.yaml", "ledger": "ledger.sqlite", "log_dir": "logs"}


def write_client_files(home: Path, clouds: list[Cloud], room: Room | None = None) -> None:
    """Write ``clouds.yaml``, and ``config.yaml`` unless there is one."""
    entries = {f"pumphouse-{cloud.name}": _entry(cloud) for cloud in clouds}
    write_private(home / "clouds.yaml", yaml.safe_dump({"clouds": entries}, sort_keys=False))
    config = home / "config.yaml"
    if not config.exists():
        described: dict[str, Any] = {**{cloud.name: _side(cloud) for cloud in clouds}, **FILES}
        if room:
            described["destination"]["deployment"] = ENGINES[room.settings.engine].deployment(room)
        config.write_text(yaml.safe_dump(described, sort_keys=False))


def _side(cloud: Cloud) -> dict[str, Any]:
    database = {"connection": f"sqlite:///{cloud.db}/keystone.sqlite"}
    return {"cloud": f"pumphouse-{cloud.name}", "identity": database}


def _entry(cloud: Cloud) -> dict[str, object]:
    return {
        "auth": {
            "auth_url": cloud.auth_url,
            "username": "admin",
            "password": cloud.password,
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": REGION,
        "identity_api_version": 3,
    }
