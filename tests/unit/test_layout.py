"""Budgets of the code: small files, small functions; whoever needs more says why here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "pumphouse").rglob("*.py"))

FILE_LINES = 300
FUNCTION_LINES = 50

# Path → what it may have instead, and the reason.
LONGER_FILES: dict[str, int] = {}
LONGER_FUNCTIONS: dict[str, int] = {}


def _name(path: Path) -> str:
    return path.relative_to(ROOT / "src" / "pumphouse").as_posix()


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """``file:function`` and its number of lines, without decorators and docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if docstring := ast.get_docstring(node, clean=False):
                lines -= docstring.count("\n") + 1
            yield f"{_name(path)}:{node.name}", lines


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_files_are_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGER_FILES.get(_name(path), FILE_LINES), f"{_name(path)} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_functions_are_small(path: Path) -> None:
    long = {
        name: lines for name, lines in _functions(path) if lines > LONGER_FUNCTIONS.get(name, FUNCTION_LINES)
    }
    assert not long


def test_no_exception_outlives_its_need() -> None:
    files = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    functions = {name: lines for path in SOURCES for name, lines in _functions(path)}
    assert all(files.get(name, 0) > FILE_LINES for name in LONGER_FILES)
    assert all(functions.get(name, 0) > FUNCTION_LINES for name in LONGER_FUNCTIONS)
