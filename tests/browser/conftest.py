"""A portal that runs, and a browser that notes whatever a page should not do."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from tests.conftest import ROOT, Portal
from tests.hosting.test_rhode_island import CODE, FILE, rhode_island
from tests.layers import entry, write_layer
from tests.peers.koop import Koop
from tests.reference import reference
from utilities.sync import sync_catalog

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LONGEST = 30_000  # ms until a page shows what is expected: others use this machine too
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


EVIL = "</script><img src=x onerror=\"document.title='taken'\"><b>"


@dataclass
class Site:
    """A running portal."""

    url: str
    utility: str = CODE  # Rhode Island's


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    koop: Koop,
) -> Iterator[Site]:
    """gunicorn over the demonstration and Rhode Island's 59,535 sections, both taken through the pipeline."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "catalog").mkdir()
    served = koop(reference(FILE))
    of_rhode_island = rhode_island(served.url) | {"name": "Rhode Island as kept"}
    (folder / "catalog" / f"{CODE}.yaml").write_text(yaml.safe_dump(of_rhode_island))
    (folder / "catalog" / "hostile.yaml").write_text(yaml.safe_dump(hostile(folder / "recorded")))
    options = {
        "HCP_CATALOG": [folder / "catalog"],
        "HCP_LAKE": str(folder / "lake"),
        "HCP_RECORDED": folder / "recorded",
        "HCP_ALLOW_LOOPBACK": True,
    }
    with django_db_blocker.unblock(), override_settings(**options):
        try:
            call_command("load_demo")
            sync_catalog(include_synthetic=True)
            for code in (CODE, "hostile"):
                call_command("ingest_hosting_capacity", "--utility", code)
            with gunicorn(Portal(folder)) as url:
                yield Site(url)
        finally:
            call_command("flush", "--no-input", verbosity=0)
            connection.close()


def hostile(recorded: Path) -> dict[str, Any]:
    """A utility whose every word is markup that would give itself away, and its one feeder, in Kansas."""
    row = {"section": "1", "feeder": f"1{EVIL}", "name": f"Feeder{EVIL}", "at": f"At{EVIL}", "mw": 3.0}
    write_layer(recorded, "hostile", [row | {"paths": [[[-98.01, 38.5], [-97.99, 38.5]]]}])
    words = {
        "feeder_id": {"id": "feeder"},
        "feeder_name": {"text": "name"},
        "substation_name": {"text": "at"},
    }
    made = entry("hostile", fields=words, title=f"Title{EVIL}", attribution=f"Source{EVIL}")
    made["states"] = ["KS"]  # where its row lies
    return made | {"name": f"Hostile{EVIL}"}


@contextmanager
def gunicorn(portal: Portal) -> Iterator[str]:
    """The web server as `bin/up` runs it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = portal.environment() | {
        "HCP_VAR": str(settings.VAR_DIR),
        "HCP_LAKE": str(portal.folder / "lake"),
        "HCP_UPLOADS": str(portal.folder / "uploads"),  # where the worker looks for them
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "hcportal.wsgi:application", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "1", "--threads", "8", "--no-control-socket", "--log-level", "warning"),
        ],
        env=environment,
        cwd=ROOT,
    )
    try:
        for _ in range(300):
            assert process.poll() is None, "gunicorn ended; its words stand above"
            try:
                urllib.request.urlopen(f"{url}/", timeout=30)
                break
            except OSError:  # refused, or a busy machine that has not answered yet
                time.sleep(0.1)
        else:
            raise AssertionError("gunicorn did not answer")
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium without a window; skips where it is not installed, fails in CI."""
    if CHROMIUM is None:
        missing = "Chromium is not installed (bin/test does it)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    # Playwright keeps an event loop in this thread, in which Django would refuse to reach the database;
    # nothing of ours is asynchronous.
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as started:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=LONGEST)
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Window:
    """A window of the browser, and all that its pages did wrong."""

    context: BrowserContext
    site: Site
    said: list[str] = field(default_factory=list)  # errors and warnings of the console
    elsewhere: list[str] = field(default_factory=list)  # requests to other hosts
    failed: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        """A page at `address` of the site ("/map/?…")."""
        page = self.context.new_page()
        page.set_default_timeout(LONGEST)
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._watch(request.url))
        page.on("response", lambda answer: self._answered(answer.status, answer.url))
        page.goto(self.site.url + address)
        return page

    def _note(self, kind: str, text: str) -> None:
        # Chromium on a machine without a graphics card tells how it draws; that is no fault of the page.
        if kind in {"error", "warning"} and "GPU stall" not in text and "software WebGL" not in text:
            self.said.append(f"{kind}: {text}")

    def _watch(self, url: str) -> None:
        asked = urlsplit(url)
        if asked.scheme not in {"data", "blob"} and asked.netloc != urlsplit(self.site.url).netloc:
            self.elsewhere.append(url)

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.failed.append(f"{status} {url}")

    def did_no_wrong(self) -> bool:
        """Asserts that nothing stands in the console and nothing was asked of another host."""
        assert self.said == []
        assert self.elsewhere == []
        assert self.failed == []
        return True


@contextmanager
def window(browser: Browser, site: Site, **options: object) -> Iterator[Window]:
    """A window with a session of its own."""
    context = browser.new_context(**{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
    try:
        yield Window(context, site)
    finally:
        context.close()


def ready(page: Page) -> None:
    """Wait until the map is drawn whole."""
    page.wait_for_selector("[data-map][data-ready]")
    page.wait_for_selector("[data-busy]", state="hidden")
