"""A utility's page, the home page and the words about all of it."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_record, make_run, make_source, make_summary, make_utility
from tests.hosting.views.reading import get, make_published, make_shown, read, words
from utilities.models import Source

pytestmark = pytest.mark.django_db


def test_figures_are_told_by_type_with_their_meaning(client: Client) -> None:
    run = make_published("ri_energy")
    make_summary(
        run.utility,
        total_feeders=1449,
        total_hosting_capacity_mw=Decimal("2345.6"),
        total_remaining_capacity_mw=Decimal("1234.5"),
        total_installed_dg_mw=None,
        constrained_feeders_count=17,
        avg_utilization_pct=Decimal("24.4"),
        constraint_breakdown={"thermal": 30, "voltage": 10},
    )
    make_summary(run.utility, capacity_type="load", variant="strict", total_feeders=3)
    html = get(client, "/utilities/ri_energy/")
    said = words(html)
    for part in (
        "1,449",
        "2,345.6 MW",
        "1,234.5 MW",
        "not simultaneously available",
        "17",
        "24 % of hosting",
    ):
        assert part in said, part
    assert said.index("Generation") < said.index("Load, strict")
    assert re.search(
        r"Thermal</span>.{0,200}?width=\"100.0\".{0,200}?Voltage</span>.{0,200}?width=\"33.3\"", html
    )
    assert 'href="/map/?utility=ri_energy&amp;capacity_type=load&amp;variant=strict"' in html
    assert said.count("not known") >= 4, "installed of both, and what load has none of"


def test_sources_are_listed_with_standing_dates_and_terms(client: Client) -> None:
    run = make_published("ri_energy", licence="CC BY 4.0", redistribution="display_only")
    make_run(run.source, "held")
    said = read(client, "/utilities/ri_energy/")
    assert "held for review, earlier figures stand" in said
    assert f"run {run.pk}" in said
    assert "not be passed on as rows or files" in said
    assert "CC BY 4.0" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"status": "unavailable", "config_json": {"unavailable_because": "login"}},
            "only to people who sign in",
        ),
        ({"status": "unavailable", "config_json": {}}, "publishes no hosting capacity that can be read"),
        ({}, "Nothing of this utility has been published here yet."),
    ],
)
def test_a_utility_without_figures_says_why(client: Client, given: dict[str, Any], said: str) -> None:
    make_source(make_utility("atlantis", **given))
    assert said in read(client, "/utilities/atlantis/")


def test_figures_of_a_source_that_may_no_longer_be_shown_are_gone(client: Client) -> None:
    run = make_published("ri_energy")
    make_summary(run.utility, total_hosting_capacity_mw=Decimal("2345.6"))
    Source.objects.update(redistribution="forbidden")
    said = read(client, "/utilities/ri_energy/")
    assert "2,345.6" not in said
    assert "its terms forbid reading it" in said


def test_a_utility_that_does_not_exist_is_a_404(client: Client) -> None:
    assert "The catalog has no utility with the code nobody." in read(client, "/utilities/nobody/", 404)


def test_home_shows_those_with_figures_and_leads_to_all(client: Client) -> None:
    make_summary(make_published("small").utility, total_feeders=3)
    make_summary(make_published("large").utility, total_feeders=30)
    make_utility("never_read")
    html = get(client, "/")
    assert re.findall(r'<tr id="(\w+)"', html) == ["large", "small"]
    assert "All 3 utilities of the catalog" in words(html)
    assert 'href="/utilities/"' in html
    assert 'href="/utilities/large/"' in html


def test_navigation_marks_where_one_is(client: Client) -> None:
    for address, name in (("/utilities/", "Utilities"), ("/about/", "About"), ("/feeders/", "Utilities")):
        marked = re.findall(r'aria-current="page">(\w+)<', get(client, address))
        assert marked == [name], address


def test_about_says_the_words_the_classes_and_whose_data_they_are(client: Client) -> None:
    make_record(make_shown("ri_energy"))
    Source.objects.update(attribution="Rhode Island's own", title="<b>Layer</b>")
    html = get(client, "/about/")
    said = words(html)
    for part in (
        "Remaining capacity",
        "not studied",
        "no permission to connect",
        "above 2 to 5 MW",
        "Rhode Island's own",
    ):
        assert part in said, part
    for name in ("over_5", "zero", "withheld", "not_studied", "unknown"):
        assert f'class="swatch {name}"' in html
    assert "<b>Layer" not in html


def test_about_an_empty_portal_says_so(client: Client) -> None:
    assert "Nothing is shown yet" in read(client, "/about/")


@pytest.mark.parametrize(
    "address", ["/", "/utilities/", "/feeders/", "/about/", "/search?q=x", "/utilities/ri_energy/"]
)
def test_pages_hold_no_script_or_style_and_ask_no_other_host(client: Client, address: str) -> None:
    make_record(make_shown("ri_energy", "X1"))
    html = get(client, address)
    assert not re.search(r'(src|href|action)="(https?:)?//', html)
    assert not re.search(
        r"<script(?![^>]*\s(src|type=\"application/json\"|id=)[=\s>])|<style|\sstyle=|\son\w+=", html
    )
