"""Budgets of the code: small files, small functions; whoever needs more says why here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "pumphouse"

FILE_LINES = 300
FUNCTION_LINES = 50

# Name → its lines; each with a comment that gives the reason.
LONGER_FILES: dict[str, int] = {}
LONGER_FUNCTIONS: dict[str, int] = {}


def _functions(name: str, text: str) -> Iterator[tuple[str, int]]:
    """``file:function`` and its number of lines, without decorators and docstring."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if docstring := ast.get_docstring(node, clean=False):
                lines -= docstring.count("\n") + 1
            yield f"{name}:{node.name}", lines


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
    }


def test_files_are_small(texts: dict[str, str]) -> None:
    lines = {name: len(text.splitlines()) for name, text in texts.items()}
    assert {name: count for name, count in lines.items() if count > FILE_LINES} == LONGER_FILES


def test_functions_are_small(texts: dict[str, str]) -> None:
    lines = dict(pair for name, text in texts.items() for pair in _functions(name, text))
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES} == LONGER_FUNCTIONS
