"""Through the page alone, in a real browser: a project is planned, moved, verified, rolled back, moved again and
committed.

Pictures of it go where PUMPHOUSE_TEST_PICTURES says; see 'make pictures'.
"""

import os
import pathlib
import re
import socket
import subprocess

import pytest
from playwright.sync_api import expect
from tenant import Tenant

pytestmark = pytest.mark.long
LONG = 180_000  # milliseconds that a job may take here
PICTURES = os.environ.get("PUMPHOUSE_TEST_PICTURES")


@pytest.fixture(scope="module")
def pier(lab):
    """A project with a server that runs and one that does not; for pictures, others beside it."""
    if PICTURES:
        lab.manifest  # noqa: B018 - fills the source
    made = Tenant(lab, "pier").furnish(61)
    made.web, made.batch = made.server(f"{made.name}-web"), made.server(f"{made.name}-batch")
    made.here.compute.stop_server(made.batch)
    made.here.compute.wait_for_server(made.batch, status="SHUTOFF", interval=0.5)
    return made


@pytest.fixture(scope="module")
def link(lab):
    """The way in, as the service prints it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = lab.command("serve", "--listen", f"127.0.0.1:{port}")
    environment = {name: value for name, value in os.environ.items() if name != "PUMPHOUSE_TOKEN"}
    with subprocess.Popen(words, cwd=lab.home, env=environment, stderr=subprocess.PIPE, text=True) as serving:
        printed = next(line for line in serving.stderr if "the page:" in line)
        yield printed.split()[-1]
        serving.terminate()
        serving.wait(60)


@pytest.fixture(scope="module")
def window(browser, link):
    """Opens windows of one browser that is logged in."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)

    def opened(path):
        page = context.new_page()
        page.goto(link.split("/login")[0] + path)
        return page

    first = context.new_page()
    for _ in range(100):  # it prints the link before it listens
        try:
            first.goto(link)
            break
        except Exception:
            first.wait_for_timeout(200)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def picture(window):
    page = window("/")
    page.wait_for_selector("#picture .scene", timeout=LONG)
    return page


@pytest.fixture(scope="module")
def work(window):
    return window("/choose")


def keep(page, name, **options):
    """A picture for the documentation."""
    if PICTURES:
        path = pathlib.Path(PICTURES) / f"page-{name}.png"
        page.screenshot(path=path, animations="disabled", **options)


def state(work):
    return work.locator("h1 .state")


def approve(work):
    work.get_by_role("button", name="Approve and migrate").click(timeout=LONG)
    work.wait_for_url("**/migrations/*", timeout=LONG)


def tile(picture, cloud, name):
    return picture.locator(f".cloud.{cloud} .tile[aria-label^='{name},']")


def test_a_project_is_chosen_and_its_plan_read(lab, pier, picture, work):
    work.get_by_label(re.compile(pier.name)).check()
    work.get_by_role("button", name="Read the plan").click()
    expect(work.get_by_role("heading", name=f"project {pier.name}")).to_be_visible(timeout=LONG)
    move = work.locator(".step.move")
    expect(move.filter(has_text=pier.web.name)).to_have_count(1)
    expect(work.get_by_role("complementary", name="In short")).to_contain_text("1 server, about")
    keep(work, "plan")
    assert pier.status(pier.web.name, "source") == "ACTIVE"


def test_it_is_moved_and_watched(pier, picture, work):
    approve(work)
    lane = picture.get_by_role("region", name="On the way")
    expect(lane.locator(".passing", has_text=pier.web.name)).to_be_visible(timeout=LONG)
    expect(lane.locator("time")).to_have_text(re.compile(r"\d\d:\d\d"), timeout=LONG)
    keep(picture, "picture")
    expect(work.get_by_role("row", name=re.compile(f"^{pier.web.name}"))).to_be_visible()
    keep(work, "migration")
    expect(state(work)).to_have_text("migrated", timeout=LONG)
    expect(tile(picture, "destination", pier.web.name)).to_have_class(re.compile("moved"), timeout=LONG)
    expect(tile(picture, "source", pier.web.name)).to_have_class(re.compile("rests"))
    assert pier.status(pier.web.name, "destination") == "ACTIVE"
    assert pier.status(pier.batch.name, "destination") == "SHUTOFF"


def test_it_is_verified(pier, work):
    work.get_by_role("checkbox", name=re.compile("may differ")).check()
    work.get_by_role("button", name="Verify the result").click()
    expect(work.locator(".log")).to_contain_text("verify ended: ok", timeout=LONG)
    expect(work.get_by_text("Both sides are equal")).to_be_visible()


def test_it_is_rolled_back(pier, picture, work):
    work.get_by_role("link", name="Roll back").click()
    expect(work.get_by_role("row", name=re.compile(pier.web.name)).first).to_be_visible(timeout=LONG)
    work.get_by_role("button", name="Give it back to the source").click()
    expect(state(work)).to_have_text("rolled back", timeout=LONG)
    expect(tile(picture, "source", pier.web.name)).to_have_class(re.compile("running"), timeout=LONG)
    expect(tile(picture, "destination", pier.web.name)).to_have_count(0)
    assert pier.status(pier.web.name, "source") == "ACTIVE"
    assert pier.status(pier.web.name, "destination") is None


def test_it_is_moved_again_and_committed(pier, picture, work):
    work.get_by_role("link", name="Move again").click()
    approve(work)
    expect(state(work)).to_have_text("migrated", timeout=LONG)
    work.get_by_role("link", name="Commit").click()
    work.get_by_role("checkbox", name=re.compile("cannot be undone")).check(timeout=LONG)
    work.get_by_role("button", name="Delete the originals").click()
    expect(state(work)).to_have_text("committed", timeout=LONG)
    expect(tile(picture, "source", pier.web.name)).to_have_count(0, timeout=LONG)
    assert pier.status(pier.web.name, "source") is None
    assert pier.status(pier.web.name, "destination") == "ACTIVE"
