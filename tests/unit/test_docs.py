"""The documentation is true: generated pages are fresh, links lead somewhere, commands are explained."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pumphouse.kinds import KINDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_generated_pages_are_fresh() -> None:
    command = [sys.executable, ROOT / "scripts" / "generate_docs.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_kind_is_in_the_table() -> None:
    files = {path.stem for path in (ROOT / "src/pumphouse/kinds").glob("*.py")} - {"__init__"}
    assert files == {type(kind).__module__.rpartition(".")[2] for kind in KINDS.values()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    broken = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not broken


def test_every_command_is_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    commands = {name.replace("_", " ") for name in project["entry-points"]["pumphouse.commands"]}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not {command for command in commands if f"`pumphouse {command}" not in readme}


def test_every_decision_is_listed_in_the_architecture() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert not [
        path.name for path in (ROOT / "docs/adr").glob("*.md") if f"adr/{path.name}" not in architecture
    ]


def test_every_part_is_in_the_architecture() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    parts = [p for p in (ROOT / "src/pumphouse").iterdir() if p.name[0] not in "_." and p.name != "py.typed"]
    names = [path.name if path.is_file() else f"{path.name}/" for path in parts]
    assert not [name for name in names if f"`{name}" not in architecture]
