"""The files that let clients and Pumphouse reach the lab."""

from pathlib import Path

import yaml

from pumphouse.lab.cloud import REGION, Cloud
from pumphouse.lab.home import write_private

CONFIG = """\
source:
  cloud: pumphouse-source
  identity:
    connection: sqlite:///{source}
destination:
  cloud: pumphouse-destination
  identity:
    connection: sqlite:///{destination}
clouds_file: clouds.yaml
ledger: ledger.sqlite
log_dir: logs
"""


def write_client_files(home: Path, clouds: list[Cloud]) -> None:
    """Write ``clouds.yaml``, and ``config.yaml`` unless there is one."""
    entries = {f"pumphouse-{cloud.name}": _entry(cloud) for cloud in clouds}
    write_private(home / "clouds.yaml", yaml.safe_dump({"clouds": entries}, sort_keys=False))
    config = home / "config.yaml"
    if not config.exists():
        config.write_text(
            CONFIG.format(**{cloud.name: str(cloud.db / "keystone.sqlite") for cloud in clouds})
        )


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
