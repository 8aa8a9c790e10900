"""The table of feeders: the map's selection as rows; counted, sorted, paged, only what may be seen."""

import re
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from django.test import Client

from hosting.models import CapacityType, HostingCapacityRecord
from tests.factories import line, make_feeder, make_record, make_summary
from tests.hosting.views.reading import get, make_published, read, words
from utilities.models import Source

pytestmark = pytest.mark.django_db


def make_table(count: int = 4) -> list[HostingCapacityRecord]:
    """Feeders F0, F1... of ri_energy, with F0 unknown and then 1, 2... MW remaining."""
    run = make_published("ri_energy")
    make_summary(run.utility, total_feeders=count)
    return [
        make_record(
            make_feeder(run, f"F{number}", name=f"Name {number:03}"),
            remaining_capacity_mw=Decimal(number) if number else None,
            remaining_basis="hosting",
            substation_name=f"Station {number % 2}",
            constraining_metric=("thermal", "voltage")[number % 2],
        )
        for number in range(count)
    ]


def shown(client: Client, query: str = "") -> list[str]:
    """The feeders' ids, in order."""
    html = get(client, f"/feeders/{query}")
    return re.findall(r'<span class="id">([^<]*)<', html)


def test_those_with_most_come_first_and_unknown_ones_last(client: Client) -> None:
    make_table()
    assert shown(client) == ["F3", "F2", "F1", "F0"]
    assert shown(client, "?sort=remaining") == ["F1", "F2", "F3", "F0"]
    assert shown(client, "?sort=feeder") == ["F0", "F1", "F2", "F3"]
    assert shown(client, "?sort=-substation&utility=ri_energy") == ["F1", "F3", "F0", "F2"]


def test_a_row_says_the_figures_of_its_feeder(client: Client) -> None:
    make_table(2)
    html = get(client, "/feeders/")
    row = words("<main" + html.partition('data-label="Substation"')[2].partition("</tr>")[0])
    assert "Station 1" in row
    assert "1.00 MW" in row
    assert "5.00 MW" in row
    assert "Voltage" in row
    assert 'href="/feeders/ri_energy/f1/"' in html
    assert 'class="swatch over_05"' in html


@pytest.mark.parametrize(
    ("query", "found", "hidden"),
    [
        ("?min_remaining_mw=2", ["F3", "F2"], 2),
        ("?min_remaining_mw=2&constraint=voltage", ["F3"], 3),
        ("?min_hosting_mw=5", ["F3", "F2", "F1", "F0"], 0),
        ("?at_least=3", ["F3"], 3),
        ("?at_least=5&figure=hosting&sort=feeder", ["F0", "F1", "F2", "F3"], 0),
        ("?constraint=thermal", ["F2", "F0"], 2),
        ("?min_remaining_mw=0", ["F3", "F2", "F1"], 1),
    ],
)
def test_filters_hide_feeders_and_say_how_many(
    client: Client, query: str, found: list[str], hidden: int
) -> None:
    make_table()
    assert shown(client, query) == found
    said = read(client, f"/feeders/{query}")
    assert f"{len(found)} feeder" in said
    assert (f"{hidden} hidden by filters" in said) == bool(hidden)


def test_the_place_of_the_map_is_a_filter_that_can_be_left(client: Client) -> None:
    records = make_table(2)
    far = line((-80, 40), (-80.1, 40.1))
    HostingCapacityRecord.objects.filter(pk=records[0].pk).update(geometry=far)
    assert shown(client, "?bbox=-71.5,41.8,-71.3,41.9&utility=ri_energy") == ["F1"]
    html = get(client, "/feeders/?bbox=-71.5,41.8,-71.3,41.9&utility=ri_energy")
    assert '(<a href="?utility=ri_energy">everywhere</a>)' in html
    on_map = re.search(r'href="(/map/[^"]*)">On the map', html)
    assert on_map
    assert on_map[1] == "/map/?utility=ri_energy&amp;lat=41.85000&amp;lon=-71.40000&amp;z=12"
    assert "Nothing is published in this place" in read(client, "/feeders/?bbox=1,1,2,2")


def test_pages_hold_every_row_once_in_one_order(client: Client) -> None:
    run = make_published("ri_energy")
    make_summary(run.utility)
    for number in range(230):
        make_record(
            make_feeder(run, f"F{number:03}", name="Mill"),
            remaining_capacity_mw=Decimal(number % 7) if number % 3 else None,
        )
    for sort in ("", "&sort=remaining", "&sort=feeder", "&sort=-voltage"):
        pages = [shown(client, f"?page={page}{sort}") for page in (1, 2, 3)]
        assert [len(page) for page in pages] == [100, 100, 30], sort
        assert sorted(chain(*pages)) == [f"F{number:03}" for number in range(230)], sort
    last = get(client, "/feeders/?page=3&utility=ri_energy")
    assert "Page 3 of 3" in words(last)
    assert 'rel="prev" href="?page=2&amp;utility=ri_energy"' in last
    assert 'rel="next"' not in last
    assert shown(client, "?page=99") == shown(client, "?page=3"), "beyond the last is the last"


def test_columns_of_which_nothing_is_known_are_said_once(client: Client) -> None:
    make_table(2)
    html = get(client, "/feeders/")
    assert "Not known of any feeder on this page: installed, queued, voltage." in words(html)
    assert "Installed" not in words(html)
    HostingCapacityRecord.objects.filter(feeder_id_external="F1").update(installed_dg_mw=0)
    html = get(client, "/feeders/")
    assert "Not known of any feeder on this page: queued, voltage." in words(html)
    assert re.search(r'data-label="Installed">.{0,80}?0\.00', html)
    assert re.search(r'data-label="Installed">.{0,80}?not known', html), "one is zero, the other is not known"
    assert 'aria-sort="descending"' in get(client, "/feeders/?sort=-queued"), "what is sorted by stays"


def test_types_are_never_mixed(client: Client) -> None:
    (record,) = make_table(1)
    make_record(record.feeder, capacity_type=CapacityType.LOAD, hosting_capacity_mw=Decimal("7.77"))
    make_summary(record.utility, capacity_type=CapacityType.LOAD)
    assert "7.77" not in read(client, "/feeders/")
    said = read(client, "/feeders/?capacity_type=load")
    assert "7.77" in said
    assert "5.00" not in said


def test_a_type_that_is_not_published_says_what_is(client: Client) -> None:
    make_table(1)
    html = get(client, "/feeders/?utility=ri_energy&capacity_type=storage")
    assert "No figures for Storage" in words(html)
    assert 'href="?utility=ri_energy&amp;capacity_type=generation"' in html


def test_filters_that_hide_everything_say_so(client: Client) -> None:
    make_table(3)
    html = get(client, "/feeders/?min_remaining_mw=99&utility=ri_energy")
    assert "All of them are hidden by filters" in words(html)
    assert "3 feeders are there." in words(html)
    assert '<a href="?utility=ri_energy">Show all</a>' in html


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ("?min_remaining_mw=nan", "min_remaining_mw"),
        ("?bbox=1,2,3", "bbox"),
        ("?bbox=5,5,6,1", "bbox"),
        ("?capacity_type=heat", "capacity_type"),
        ("?sort=secret", "sort"),
        ("?page=0", "page"),
        ("?constraint=weather", "constraint"),
        ("?utility=%00", "utility"),
        ("?substation=a%00b", "substation"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_else_shown_instead(
    client: Client, query: str, at_fault: str
) -> None:
    make_table(1)
    html = get(client, f"/feeders/{query}", 400)
    assert f"<code>{at_fault}</code>" in html
    assert "<table" not in html


def test_a_parameter_that_means_nothing_is_said_to_be_left_out(client: Client) -> None:
    make_table(1)
    said = read(client, "/feeders/?min_remainig_mw=5&lat=1&lon=2&z=3&utility=&min_hosting_mw=")
    assert "Left out, because this table has no such parameter: min_remainig_mw." in said
    assert "1 feeder" in said


def test_csv_is_offered_where_the_terms_let_it(client: Client) -> None:
    make_table(1)
    assert "Choose a utility to get its rows as CSV." in read(client, "/feeders/")
    html = get(client, "/feeders/?utility=ri_energy&min_remaining_mw=2.5")
    assert (
        'href="/api/v1/utilities/ri_energy/hosting-capacity?format=csv&amp;capacity_type=generation'
        '&amp;variant=default&amp;min_remaining_mw=2.5">CSV' in html
    )
    Source.objects.update(redistribution="display_only")
    html = get(client, "/feeders/?utility=ri_energy")
    assert "format=csv" not in html
    assert "No CSV of all rows. Its terms let the figures be shown here" in words(html)


def test_an_empty_portal_and_an_unknown_utility_say_what_to_do(client: Client) -> None:
    assert "No feeders yet" in read(client, "/feeders/")
    make_table(1)
    said = read(client, "/feeders/?utility=nobody")
    assert "Nothing is published of this utility" in said
    assert "0 feeders" in said


@pytest.mark.parametrize(
    "hidden", [{"redistribution": "forbidden"}, {"in_catalog": False}, {"published_run": None}]
)
def test_readers_see_only_what_they_may(client: Client, hidden: dict[str, Any]) -> None:
    make_table(1)
    Source.objects.update(**hidden)
    assert shown(client) == []
    assert shown(client, "?utility=ri_energy") == []


def test_a_cell_leads_to_the_map(client: Client) -> None:
    (record,) = make_table(1)
    HostingCapacityRecord.objects.update(feeder=None, feeder_id_external="", feeder_name="", key="7_7")
    html = get(client, "/feeders/")
    assert f'href="/map/?record={record.pk}">Cell 7_7</a>' in html


def test_synthetic_feeders_are_badged_among_others(client: Client) -> None:
    make_record(make_feeder(make_published("real"), "R1"))
    assert "badge synthetic" not in get(client, "/feeders/")
    make_record(make_feeder(make_published("demo", is_synthetic=True), "D1"))
    html = get(client, "/feeders/")
    assert re.search(r'Demo <span class="badge synthetic">', html)
    assert not re.search(r'Real <span class="badge synthetic">', html)
    assert "made up for demonstration" in html


def test_hostile_names_are_text(client: Client) -> None:
    make_table(1)
    HostingCapacityRecord.objects.update(substation_name="<script>alert(1)</script>")
    html = get(client, "/feeders/?substation=<script>alert(1)</script>&utility=ri_energy")
    assert "<script>alert" not in html
    assert "1 feeder" in words(html)


def test_any_number_of_feeders_is_the_same_few_questions(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    make_table(50)
    with django_assert_max_num_queries(8):
        get(client, "/feeders/?min_remaining_mw=1&utility=ri_energy")


def test_no_csv_is_offered_that_would_hold_more_than_the_table(client: Client) -> None:
    """The API knows no filter for a substation."""
    make_table()
    address = "/feeders/?utility=ri_energy&substation=Station+1"
    html = get(client, address)
    assert "format=csv" not in html
    assert "A CSV holds all substations of a utility." in words(html)
    assert "format=csv" in get(client, "/feeders/?utility=ri_energy")
