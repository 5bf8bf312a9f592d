"""The import contracts catch what they are there for: one planted violation each."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")

# Contract → a module that breaks it, and the import that does.
PLANTED = {
    "Dependencies point down": ("utils", ""),
    "Kinds do not know each other": ("kinds.planted", "pumphouse.kinds.server"),
    "Drivers do not know each other": ("drivers.transfer.planted", "pumphouse.drivers.transfer.stream"),
    "Only wiring picks an adapter": ("discover", "pumphouse.clouds.connect"),
    "Planning touches nothing outside": ("plan.planted", "subprocess"),
    "Only tasks, flows, the engine and the jobboard know TaskFlow": ("service", "taskflow"),
    "Only clouds know the SDK": ("kinds.planted", "keystoneauth1"),
    "Front ends speak to the service only": ("cli.planted", "pumphouse.engine"),
    "The lab is not part of the tool: it imports errors only": ("lab.planted", "pumphouse.config"),
    "Nothing imports the lab": ("wiring", "pumphouse.lab"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the linter says of a copy of the code with all violations in it."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / ".importlinter", copy)
    shutil.copytree(
        ROOT / "src" / "pumphouse", copy / "pumphouse", ignore=shutil.ignore_patterns("__pycache__")
    )
    for module, imported in PLANTED.values():
        path = copy / "pumphouse" / f"{module.replace('.', '/')}.py"
        with path.open("a") as file:
            file.write(f"\nimport {imported}\n" if imported else "\n")
    environment = os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "200"}
    command = [LINTER, "--no-cache"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_is_caught(results: dict[str, str], contract: str) -> None:
    assert results[contract] == "BROKEN"


def test_every_contract_has_a_violation_planted(results: dict[str, str]) -> None:
    assert set(results) == set(PLANTED)
