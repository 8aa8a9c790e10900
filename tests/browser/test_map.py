"""The map as people use it, from all utilities down to one feeder's page and into a colleague's window."""

import json
import math
import re
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import EVIL, PHONE, Site, ready, window

# The database is asked for so that there is one; what the pages show was put there once, by `site`.
pytestmark = [pytest.mark.koop, pytest.mark.slow, pytest.mark.django_db]

DEMO = "demo_valley"
UNTOUCHED = "document.title !== 'taken' && !document.querySelector('img[src=x]')"
ALONE_KM = 0.25  # no other feeder within this distance of the one that is clicked


def read(site: Site, address: str) -> Any:
    """What the API of the site answers."""
    with urllib.request.urlopen(site.url + address, timeout=30) as answer:
        return json.load(answer)


def rows_of(site: Site, utility: str, query: str = "") -> list[dict[str, Any]]:
    """A utility's records; none of those here has more than a page of them."""
    answer = read(site, f"/api/v1/utilities/{utility}/hosting-capacity?limit=1000&{query}".rstrip("&"))
    assert answer["next"] is None
    found: list[dict[str, Any]] = answer["results"]
    return found


def lonely_feeder(site: Site) -> dict[str, Any]:
    """A record of Rhode Island whose middle is far from every other: a click there can mean no other."""
    for row in rows_of(site, site.utility):
        place = f"lat={row['centroid_lat']}&lon={row['centroid_lon']}&radius_km={ALONE_KM}"
        if (
            row["hosting_capacity_mw"]
            and len(read(site, f"/api/v1/hosting-capacity/nearby?{place}")["results"]) == 1
        ):
            found: dict[str, Any] = row
            return found
    raise AssertionError("every feeder of Rhode Island has a neighbour at its middle")


def view(page: Page) -> tuple[float, float, float]:
    """Latitude, longitude and zoom, as the address has them."""
    given = parse_qs(urlsplit(page.url).query)
    return float(given["lat"][0]), float(given["lon"][0]), float(given["z"][0])


def pixel(page: Page, lat: float, lon: float) -> tuple[float, float]:
    """Where a place is on the page, by the web Mercator projection of the view in the address."""

    def world(latitude: float, longitude: float) -> tuple[float, float]:
        size = 256 * 2**zoom
        y = math.asinh(math.tan(math.radians(latitude)))
        return (longitude + 180) / 360 * size, (1 - y / math.pi) / 2 * size

    middle_lat, middle_lon, zoom = view(page)
    (x, y), (x0, y0) = world(lat, lon), world(middle_lat, middle_lon)
    box = page.locator("[data-canvas]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2 + x - x0, box["y"] + box["height"] / 2 + y - y0


def counted(page: Page) -> dict[str, int]:
    """The legend's numbers by class."""
    rows = page.locator("[data-class]").all()
    numbers = {
        str(row.get_attribute("data-class")): row.locator("[data-number]").inner_text() for row in rows
    }
    return {name: int(number.replace(",", "") or 0) for name, number in numbers.items()}


def test_from_all_utilities_to_one_feeder_and_into_a_second_window(chromium: Browser, site: Site) -> None:
    feeder = lonely_feeder(site)
    with window(chromium, site) as first:
        page = first.open("/map/")
        ready(page)
        page.get_by_label("Utility").select_option(site.utility)
        expect(page).to_have_url(re.compile(f"utility={site.utility}"))
        ready(page)
        expect(page.locator("[data-counted]")).to_contain_text("449")
        assert sum(counted(page).values()) == 449

        # Demonstration: another utility has load figures, Rhode Island only generation.
        expect(page.get_by_label("Load", exact=True)).to_be_disabled()
        page.get_by_label("Utility").select_option(DEMO)
        page.get_by_label("Load", exact=True).check()
        expect(page).to_have_url(re.compile("capacity_type=load"))
        ready(page)
        load = read(site, f"/api/v1/utilities/{DEMO}/hosting-capacity?capacity_type=load&limit=1000")[
            "results"
        ]
        expect(page.locator("[data-counted]")).to_contain_text(f"{len(load)}")

        page.get_by_label("Utility").select_option(site.utility)
        expect(page).not_to_have_url(re.compile("capacity_type"))  # there is no load in Rhode Island
        ready(page)
        for _ in range(5):  # nearer, with the wheel, over the feeder
            x, y = pixel(page, feeder["centroid_lat"], feeder["centroid_lon"])
            page.mouse.move(x, y)
            page.mouse.wheel(0, -240)
            page.wait_for_timeout(600)
            ready(page)
        assert view(page)[2] >= 13
        page.mouse.click(*pixel(page, feeder["centroid_lat"], feeder["centroid_lon"]))

        card = page.locator("[data-card]")
        expect(card).to_contain_text(feeder["feeder_id_external"])
        expect(card).to_contain_text("Rhode Island as kept")
        assert f"{feeder['hosting_capacity_mw']:g}" in card.inner_text()
        expect(page).to_have_url(re.compile(f"feeder={site.utility}/"))

        with window(chromium, site) as second:
            shared = second.open(page.url.removeprefix(site.url))
            ready(shared)
            expect(shared.locator("[data-card]")).to_contain_text(feeder["feeder_id_external"])
            assert view(shared) == view(page)
            assert shared.get_by_label("Utility").input_value() == site.utility
            assert counted(shared) == counted(page)
            assert second.did_no_wrong()

        card.get_by_role("link", name="All about this feeder").click()
        expect(page).to_have_url(re.compile(f"/feeders/{site.utility}/"))
        expect(page.get_by_role("heading", level=1)).to_contain_text(feeder["feeder_id_external"])
        assert f"{feeder['hosting_capacity_mw']:g}" in page.locator("main").inner_text()
        assert first.did_no_wrong()


def test_the_legend_counts_what_the_filters_let_through(chromium: Browser, site: Site) -> None:
    rows = rows_of(site, DEMO)
    enough = [row for row in rows if (row["remaining_capacity_mw"] or 0) >= 2]
    with window(chromium, site) as opened:
        page = opened.open(f"/map/?utility={DEMO}")
        ready(page)
        expect(page.locator("[data-counted]")).to_contain_text(f"{len(rows)}")
        page.get_by_label("At least").fill("2")
        expect(page.locator("[data-counted]")).to_contain_text(f"{len(rows) - len(enough)} hidden by filters")
        assert sum(counted(page).values()) == len(enough)
        expect(page).to_have_url(re.compile("min_remaining_mw=2"))
        page.get_by_role("link", name="This selection as a table").click()
        expect(page.locator("main")).to_contain_text(f"{len(enough)} feeders")
        assert opened.did_no_wrong()


CHOOSE_AT_ONCE = """([utility, name, value]) => {
    const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
    const choice = document.querySelector("select[name=utility]");
    choice.value = utility;
    changed(choice);
    const other = document.querySelector(`input[name=${name}][value=${value}]`);
    other.checked = true;
    changed(other);
}"""


@pytest.mark.parametrize(("name", "value"), [("capacity_type", "load"), ("figure", "hosting")])
def test_a_choice_before_the_map_has_come_to_the_utility_does_not_keep_it_away(
    chromium: Browser, site: Site, name: str, value: str
) -> None:
    with window(chromium, site) as view:
        page = view.open(f"/map/?utility={site.utility}")
        ready(page)
        expect(page.locator("[data-counted]")).to_contain_text("449")
        page.evaluate(CHOOSE_AT_ONCE, [DEMO, name, value])
        kind = value if name == "capacity_type" else "generation"
        rows = rows_of(site, DEMO, f"capacity_type={kind}")
        expect(page.locator("[data-counted]")).to_have_text(f"{len(rows)} in view")
        assert view.did_no_wrong()


def test_a_feeder_is_chosen_by_keyboard_alone(chromium: Browser, site: Site) -> None:
    feeder = lonely_feeder(site)
    with window(chromium, site) as opened:
        place = f"lat={feeder['centroid_lat']:.5f}&lon={feeder['centroid_lon']:.5f}&z=16"
        page = opened.open(f"/map/?utility={site.utility}&{place}")
        ready(page)
        for _ in range(40):
            if page.evaluate("document.activeElement.matches('[data-canvas]')"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        card = page.locator("[data-card]")
        expect(card).to_contain_text(feeder["feeder_id_external"])
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        assert "feeder=" not in page.url
        assert opened.did_no_wrong()


def test_on_a_phone_the_panel_is_a_sheet_over_a_map_that_is_seen_first(chromium: Browser, site: Site) -> None:
    with window(
        chromium, site, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark"
    ) as opened:
        page = opened.open(f"/map/?utility={DEMO}")
        ready(page)
        expect(page.get_by_label("Utility")).to_be_hidden()
        page.locator("[data-panel] summary").tap()
        page.get_by_label("Hosting", exact=True).tap()
        expect(page).to_have_url(re.compile("figure=hosting"))
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert opened.did_no_wrong()


def test_the_home_page_has_the_map_and_leads_to_the_same_view_of_it(chromium: Browser, site: Site) -> None:
    with window(chromium, site) as opened:
        page = opened.open("/")
        ready(page)
        assert page.url == f"{site.url}/"  # an embedded map leaves its page's address alone
        page.get_by_role("link", name="Open the map").click()
        ready(page)
        assert "z=" in page.url
        assert opened.did_no_wrong()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("utility=atlantis", "Nothing of the utility in this address is shown here."),
        ("variant=%3Cscript%3E", ""),
        ("constraint=blah&capacity_type=foo&min_remaining_mw=NaN&lat=NaN&lon=1&z=5", ""),
        ("min_remaining_mw=1e30", ""),
        ("min_remaining_mw=0.0000001", ""),
    ],
)
def test_an_address_that_means_nothing_leaves_a_map_that_works(
    chromium: Browser, site: Site, query: str, said: str
) -> None:
    with window(chromium, site) as opened:
        page = opened.open(f"/map/?{query}")
        ready(page)
        expect(page.locator("[data-counted]")).to_contain_text("in view")
        assert sum(counted(page).values()) > 0
        assert said in page.locator("[data-said]").inner_text()
        assert (page.locator("[data-said]").is_visible()) == bool(said)
        assert opened.did_no_wrong()


def test_a_figure_that_nobody_publishes_is_not_laid_at_one_utilitys_door(
    chromium: Browser, site: Site
) -> None:
    with window(chromium, site) as opened:
        page = opened.open("/map/?variant=nobodys")
        ready(page)
        expect(page.locator("[data-said]")).to_have_text(
            "No utility that is shown here publishes such a figure."
        )
        assert opened.did_no_wrong()


def shows(page: Page, part: str, word: str) -> None:
    """The part of the page holds the word and the markup behind it, as text."""
    expect(page.locator(part).first).to_contain_text(f"{word}{EVIL}")
    assert page.evaluate(UNTOUCHED)


def test_no_word_of_a_publisher_becomes_markup(chromium: Browser, site: Site) -> None:
    """Its words are markup: every page shows them as words, and none runs."""
    with window(chromium, site) as opened:
        page = opened.open("/map/?utility=hostile&figure=hosting&lat=38.5&lon=-98&z=12")
        ready(page)
        shows(page, "[data-title]", "Hostile")
        shows(page, ".leaflet-control-attribution", "Source")
        box = page.locator("[data-canvas]").bounding_box()
        assert box is not None
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        shows(page, ".map-tip", "Feeder")
        page.mouse.click(*middle)
        shows(page, "[data-card] h2", "Feeder")
        shows(page, "[data-card] .card-of", "Hostile")
        page.get_by_role("link", name="All about this feeder").click()
        shows(page, "h1", "Feeder")
        shows(page, "main", "Title")
        assert page.evaluate(UNTOUCHED)
        for address, part, word in (
            ("/feeders/?utility=hostile", "tbody", "Feeder"),
            ("/feeders/?utility=hostile", "select[name=utility]", "Hostile"),
            ("/search?q=feeder%3C", "main", "Feeder"),
            ("/utilities/", "main", "Hostile"),
            ("/utilities/hostile/", "main", "Source"),
            ("/about/", "main", "Source"),
            ("/", "main", "Hostile"),
        ):
            page.goto(site.url + address)
            shows(page, part, word)
        assert opened.did_no_wrong()
