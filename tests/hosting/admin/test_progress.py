"""The page of a trial in a browser: it follows by itself, and without scripts by reloading."""

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from hcportal.celery import app
from tests import factories as make
from tests.conftest import Portal
from tests.hosting.admin.working import worker
from tests.layers import entry, write_layer
from utilities.models import Source

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
CODE = "watched"


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in the test's own thread
    # The live server's threads keep no connection, or the test's database could not be taken away.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def source(portal: Portal) -> Source:
    """A source that is read for a few seconds: a request for each of its rows."""
    app.control.purge()
    rows = [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n / 2} for n in range(400)]
    write_layer(portal.folder / "recorded", CODE, rows)
    return portal.add(entry(CODE, page_size=1))


def signed_in(browser: Browser, live_server: LiveServer, *, scripts: bool) -> Page:
    client = Client()
    client.force_login(make.make_user("operator"))
    context = browser.new_context(java_script_enabled=scripts)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
    return context.new_page()


def test_the_page_follows_an_ingest_by_itself_and_ends_with_its_run(
    portal: Portal, source: Source, browser: Browser, live_server: LiveServer
) -> None:
    page = signed_in(browser, live_server, scripts=True)
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request", lambda asked: None if asked.url.startswith(live_server.url) else troubles.append(asked.url)
    )
    with worker(portal):
        page.goto(live_server.url + reverse("admin:utilities_source_change", args=[source.pk]))
        page.get_by_role("button", name="Ingest now").click()
        page.evaluate("window.sameDocument = true")
        expect(page.locator("#progress-rows")).to_contain_text("of 400 rows fetched", timeout=60_000)
        first = page.locator("#progress-rows").inner_text()
        expect(page.locator("#progress-rows")).not_to_have_text(first, timeout=20_000)
        assert page.evaluate("window.sameDocument") is True, "the page was not loaded anew"
        expect(page.get_by_text("What it did is on its run:")).to_be_visible(timeout=60_000)
    expect(page.locator("#progress-word")).to_have_text("Done")
    assert troubles == []


def test_without_scripts_the_page_reloads_itself_until_the_result_is_there(
    portal: Portal, source: Source, browser: Browser, live_server: LiveServer
) -> None:
    page = signed_in(browser, live_server, scripts=False)
    with worker(portal):
        page.goto(live_server.url + reverse("admin:utilities_source_change", args=[source.pk]))
        page.get_by_role("button", name="Dry run").click()
        expect(page.locator("#progress-word")).not_to_have_text("Done")
        expect(page.get_by_role("heading", name="Column by column")).to_be_visible(timeout=60_000)
    expect(page.locator("#progress-word")).to_have_text("Done")
