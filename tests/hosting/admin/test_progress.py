"""The page of a trial in a browser: it follows by itself, and without scripts by reloading."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from hcportal.celery import app
from tests import factories as make
from tests.browser.conftest import CHROMIUM, gunicorn
from tests.conftest import Portal
from tests.hosting.admin.working import worker
from tests.layers import entry, write_layer
from utilities.models import Source

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
CODE = "watched"


@contextmanager
def page_of(source: Source, portal: Portal, *, scripts: bool) -> Iterator[tuple[Page, str]]:
    """The source's page in a browser, as an operator sees it, and the portal's address.

    The database is asked before the browser starts: Playwright's loop runs in the test's own thread.
    """
    client = Client()
    client.force_login(make.make_user("operator"))
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
    }
    where = reverse("admin:utilities_source_change", args=[source.pk])
    with worker(portal), gunicorn(portal) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(java_script_enabled=scripts)
        context.add_cookies([{**cookie, "url": url}])  # type: ignore[typeddict-item]
        page = context.new_page()
        page.goto(url + where)
        yield page, url
        browser.close()


@pytest.fixture
def source(portal: Portal) -> Source:
    """A source that is read for a few seconds: a request for each of its rows."""
    app.control.purge()
    rows = [{"section": f"s{n}", "feeder": f"f{n % 3}", "mw": n / 2} for n in range(400)]
    write_layer(portal.folder / "recorded", CODE, rows)
    return portal.add(entry(CODE, page_size=1))


def test_the_page_follows_an_ingest_by_itself_and_ends_with_its_run(portal: Portal, source: Source) -> None:
    with page_of(source, portal, scripts=True) as (page, url):
        troubles: list[str] = []
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(url) else troubles.append(asked.url))
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
    portal: Portal, source: Source
) -> None:
    with page_of(source, portal, scripts=False) as (page, _url):
        page.get_by_role("button", name="Dry run").click()
        expect(page.locator("#progress-word")).not_to_have_text("Done")
        expect(page.get_by_role("heading", name="Column by column")).to_be_visible(timeout=60_000)
        expect(page.locator("#progress-word")).to_have_text("Done")
