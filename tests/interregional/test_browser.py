"""The page as people read it: with flows, with old ones, with none; on a desktop and on a phone."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Browser, expect

from interregional.clock import NEW_YORK
from interregional.ingest import load_file
from tests.browser.conftest import DESKTOP, PHONE, Site, chromium, gunicorn, window
from tests.conftest import Portal
from tests.interregional.files import REAL_DAY, Row, as_file, minutes, real_day, row

__all__ = ["chromium"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WIDTHS = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
PLACES = {23316: 420, 325305: 600, 23318: -480, 325277: 0, 23317: 1250, 23324: -90}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Site]:
    """One web server for all of these tests: what it shows is what the test of the moment has stored."""
    with gunicorn(Portal(tmp_path_factory.mktemp("site"))) as url:
        yield Site(url)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def load(folder: Path, content: bytes) -> None:
    path = folder / "flows.csv"
    path.write_bytes(content)
    assert load_file(path).status == "completed"


def fresh() -> datetime:
    now = timezone.now().replace(second=0, microsecond=0)
    return now - minutes(now.minute % 5)


def flows(at: datetime, back: int = 30, more: float = 0) -> bytes:
    """Rows every five minutes up to an instant, with a gap of half an hour before the last two hours."""
    times = [at - minutes(5 * n) for n in range(back) if not 24 <= n < 30]
    rows: list[Row] = []
    for time in reversed(times):
        for point, mw in PLACES.items():
            instant, name, _, _, high, low = row(time, point)
            high, low = {23324: ("1200", "9999"), 325277: ("0", "0")}.get(point, (high, low))
            rows.append((instant, name, point, str(mw + more), high, low))
    return as_file(rows)


def fits(page: object) -> bool:
    """Nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))  # type: ignore[attr-defined]


@WIDTHS
def test_the_page_says_what_flows_now_where_and_how_much_of_its_limit(
    chromium: Browser, site: Site, portal: Portal, size: dict[str, int], scheme: str
) -> None:
    at = fresh()
    load(portal.folder, flows(at, 300))
    with window(chromium, site, viewport=size, color_scheme=scheme) as view:
        page = view.open("/interregional/")
        expect(page.locator(".as-of")).to_contain_text(f"as of {at.astimezone(NEW_YORK):%H:%M} ET")
        expect(page.locator(".stale-words")).to_be_hidden()
        expect(page.locator("#region-pjm .flow")).to_contain_text("1,020 MW into New York")
        expect(page.locator("#region-new_england .flow")).to_contain_text("480 MW out to New England")
        expect(page.locator("#region-quebec")).to_contain_text("No limit posted")
        expect(page.locator("#region-ontario")).to_contain_text("1250 % of the limit")
        expect(page.locator(".net-figure")).to_contain_text("1,700 MW net into New York")
        page.locator("#region-new_england summary").click()
        expect(page.locator("#region-new_england tbody tr")).to_have_count(2)
        expect(page.locator("#region-new_england tbody tr").nth(1)).to_contain_text("Closed this way")
        chart = page.locator("#chart-23316")
        chart.scroll_into_view_if_needed()
        expect(chart).to_have_attribute("data-drawn", "284")  # 289 less six, and one empty for the gap
        expect(chart.locator("canvas")).to_be_visible()
        expect(chart.locator(".readout")).to_contain_text("420 MW")
        assert fits(page)
        assert view.did_no_wrong()


@WIDTHS
def test_old_flows_stay_and_are_said_to_be_old(
    chromium: Browser, site: Site, portal: Portal, size: dict[str, int]
) -> None:
    load(portal.folder, real_day())
    with window(chromium, site, viewport=size) as view:
        page = view.open("/interregional/")
        expect(page.locator(".stale-words")).to_be_visible()
        expect(page.locator(".as-of")).to_contain_text("2017-11-22 23:55 ET")
        expect(page.locator(".as-of")).to_contain_text("days ago")
        expect(page.locator("#region-pjm .flow")).to_contain_text("MW into New York")
        assert fits(page)
        page = view.open(f"/interregional/?from={REAL_DAY}&to={REAL_DAY}")
        page.locator("#chart-23316").scroll_into_view_if_needed()
        expect(page.locator("#chart-23316")).to_have_attribute("data-drawn", "289")
        page = view.open("/interregional/?range=7d")
        page.locator("#chart-23316").scroll_into_view_if_needed()
        expect(page.locator("#chart-23316")).to_have_attribute("data-drawn", "24")
        assert view.did_no_wrong()


@WIDTHS
def test_with_no_flows_the_page_says_why_and_what_to_do(
    chromium: Browser, site: Site, size: dict[str, int]
) -> None:
    with window(chromium, site, viewport=size) as view:
        page = view.open("/interregional/")
        expect(page.locator("main")).to_contain_text("No flows yet")
        expect(page.locator("main")).to_contain_text("bin/manage pull_flows")
        assert fits(page)
        assert view.did_no_wrong()


def test_the_page_renews_itself_and_keeps_what_is_open(chromium: Browser, site: Site, portal: Portal) -> None:
    at = fresh()
    load(portal.folder, flows(at - minutes(5)))
    with window(chromium, site) as view:
        page = view.context.new_page()
        page.clock.install()
        page.goto(f"{site.url}/interregional/")
        page.locator("#region-pjm summary").click()
        page.wait_for_selector("#chart-23316[data-drawn]")
        drawn = page.locator("#chart-23316").get_attribute("data-drawn")
        load(portal.folder, flows(at, 1, more=100))
        page.clock.run_for(61_000)
        expect(page.locator("#region-pjm .flow")).to_contain_text("1,220 MW")
        expect(page.locator("#region-pjm details")).to_have_attribute("open", "")
        expect(page.locator("#chart-23316")).not_to_have_attribute("data-drawn", drawn or "")


def test_flows_of_a_quarter_of_an_hour_and_some_seconds_are_old_with_scripts_as_without(
    chromium: Browser, site: Site, portal: Portal
) -> None:
    """Both say it at the same second: the script does not take back what the server has said."""
    at = timezone.now().replace(microsecond=0) - minutes(15) - minutes(1 / 6)
    load(portal.folder, as_file([row(at)], seconds=True))
    for runs_scripts in (False, True):
        with window(chromium, site, java_script_enabled=runs_scripts) as view:
            page = view.open("/interregional/")
            page.wait_for_load_state("networkidle")
            expect(page.locator(".stale-words")).to_be_visible()
            expect(page.locator(".as-of")).to_contain_text("15 min ago")


def test_a_line_against_its_region_has_the_arrow_and_the_colour_of_its_own_direction(
    chromium: Browser, site: Site, portal: Portal
) -> None:
    """New England as a whole takes 300 MW while one of its lines brings 180."""
    at = fresh()
    load(portal.folder, as_file([row(at, 23318, -480), row(at, 325277, 180), row(at, 23317, 100)]))
    with window(chromium, site) as view:
        page = view.open("/interregional/")
        expect(page.locator(".drawing .label", has_text="New England")).to_contain_text("300 MW out")
        expect(page.locator(".drawing .label", has_text="Ontario")).to_contain_text("100 MW in")
        page.locator("#region-new_england summary").click()
        page.locator("#region-ontario summary").click()
        stroke = "sign => getComputedStyle(sign).stroke"
        against = page.locator("#region-new_england tr.import .sign")
        along = page.locator("#region-new_england tr.export .sign")
        incoming = page.locator("#region-ontario tr.import .sign")
        assert against.evaluate(stroke) == incoming.evaluate(stroke) != along.evaluate(stroke)


def test_the_arrows_of_the_drawing_are_links_with_names(
    chromium: Browser, site: Site, portal: Portal
) -> None:
    """Not parts of a picture, which has none: whoever tabs through them is told where they lead."""
    load(portal.folder, flows(fresh()))
    with window(chromium, site) as view:
        page = view.open("/interregional/")
        expect(page.get_by_role("link", name="PJM AC ties: 420 MW into New York")).to_have_count(1)
        expect(page.get_by_role("img").filter(has=page.locator("a"))).to_have_count(0)


def test_the_page_is_read_without_scripts(chromium: Browser, site: Site, portal: Portal) -> None:
    load(portal.folder, flows(fresh()))
    with window(chromium, site, java_script_enabled=False) as view:
        pictures: list[tuple[str, int]] = []
        view.context.on("response", lambda answer: pictures.append((answer.url, answer.status)))
        page = view.open("/interregional/")
        expect(page.locator("#region-pjm .flow")).to_contain_text("1,020 MW into New York")
        page.locator("#region-pjm summary").click()
        expect(page.locator("#region-pjm tbody")).to_contain_text("Neptune")
        expect(page.locator("main")).to_contain_text("Without JavaScript the charts are pictures")
        chart = page.get_by_role("img", name="PJM AC ties: its flow and its limits over time")
        chart.scroll_into_view_if_needed()
        expect(chart).to_be_visible()
        expect(page.locator(".plot").first).to_be_hidden()
        assert [status for url, status in pictures if url.endswith("/line/23316.svg?range=24h")] == [200]


def test_the_demonstration_is_badged(chromium: Browser, site: Site) -> None:
    call_command("load_demo_flows")
    with window(chromium, site) as view:
        page = view.open("/interregional/")
        expect(page.locator(".badge.synthetic").first).to_be_visible()
        expect(page.locator("main")).to_contain_text("were made up for demonstration")
        assert view.did_no_wrong()
