"""A page with a service of its own, as large as a test wants it."""

import pathlib
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "unit"))

from clouds_of_tiles import Estate
from serving import TOKEN, Served


@pytest.fixture
def served(tmp_path: pathlib.Path) -> Iterator[Served]:
    """A page that a test may change."""
    with Served(tmp_path, Estate()).running() as served:
        yield served


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page that is only looked at."""
    with Served(tmp_path_factory.mktemp("page"), Estate()).running() as served:
        yield served


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a window that is logged in; whatever the browser complains of fails the test."""
    contexts, complaints = [], []

    def visit(served: Served, path: str = "/", **options) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 860}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: "Content Security" in m.text and complaints.append(m.text))
        page.goto(f"{served.address}/login?{urlencode({'token': TOKEN, 'next': path})}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints
