"""A feeder's page: its figures and their meaning, its past, DER and sections, and where they are from."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from hosting.models import FeederAlias, HCIngestionRun, HostingCapacityRecord, HostingCapacityRecordVersion
from tests.factories import (
    make_der,
    make_feeder,
    make_finding,
    make_record,
    make_run,
    make_section,
    make_user,
    make_utility,
)
from tests.hosting.views.reading import get, make_published, read, words
from utilities.models import Source

pytestmark = pytest.mark.django_db
ADDRESS = "/feeders/ri_energy/049_53_1/"
CONFIG: dict[str, Any] = {
    "key": ["Section_ID"],
    "terms": "Name the publisher.",
    "figures": [
        {
            "capacity_type": "generation",
            "meaning": "What the weakest section takes.",
            "hosting_capacity_mw": {"kw": {"field": "HC_KW", "not_studied": ["NA"]}},
            "installed_dg_mw": {"mw": "DG"},
            "remaining": "hosting_less_installed",
            "study_contains": ["queued"],
            "rollup": "min",
        }
    ],
}
FIGURES: dict[str, Any] = {
    "hosting_capacity_mw": Decimal("5"),
    "hosting_capacity_min_mw": Decimal("5"),
    "hosting_capacity_max_mw": Decimal("9.5"),
    "installed_dg_mw": Decimal("1.2"),
    "remaining_capacity_mw": Decimal("3.8"),
    "remaining_basis": "hosting_less_installed",
    "constraining_metric": "thermal",
    "section_count": 84,
    "substation_name": "Wickford",
    "voltage_kv": Decimal("12.47"),
}


def make_page(**given: Any) -> HostingCapacityRecord:
    """The record that ADDRESS shows."""
    run = make_published("ri_energy", config_json=CONFIG, licence="CC BY 4.0", attribution="The utility")
    feeder = make_feeder(run, "049_53_1", name="Wickford 1")
    return make_record(feeder, **FIGURES | given)


def test_the_page_says_the_figures_with_type_basis_and_date(client: Client) -> None:
    make_page()
    html = get(client, ADDRESS)
    row = words("<main" + html.partition('class="figures"')[2].partition("</dl>")[0])
    for part in (
        "Remaining 3.8 MW Generation · hosting less installed · studied 2026-09-01",
        "Hosting 5 MW Generation · minimum over 84 sections",
        "Hosting, lowest 5 MW Generation · weakest section",
        "Hosting, highest 9.5 MW Generation · strongest section",
        "Installed 1.2 MW Generation · has permission to operate",
        "Queued not known",
    ):
        assert part in row, (part, row)


def test_a_sentence_on_top_says_it_in_plain_english(client: Client) -> None:
    make_page(queued_dg_mw=Decimal("0.25"))
    said = read(client, ADDRESS)
    assert "According to Ri Energy, this feeder can still take 3.8 MW of generation." in said
    assert "The first limit is thermal: something would overheat." in said
    assert "1.2 MW are installed on it and 0.25 MW are queued." in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"remaining_capacity_mw": Decimal(0)}, "this feeder has no room left for generation."),
        ({"remaining_capacity_mw": Decimal("-0.5")}, "planned is 0.5 MW more than its study allows"),
        (
            {"remaining_capacity_mw": None, "remaining_basis": "unknown"},
            "can host 5 MW of generation. How much of that is still free is not known",
        ),
        (
            {"capacity_status": "at_least"},
            "can still take at least 3.8 MW of generation",
        ),
        (
            {"capacity_status": "withheld", "hosting_capacity_mw": None, "remaining_capacity_mw": None},
            "has a figure for generation on this feeder and does not show it",
        ),
        (
            {"capacity_status": "not_studied", "hosting_capacity_mw": None, "remaining_capacity_mw": None},
            "says that it has not studied generation on this feeder",
        ),
        (
            {"capacity_status": "unknown", "hosting_capacity_mw": None, "remaining_capacity_mw": None},
            "that can be read. That does not mean zero.",
        ),
    ],
)
def test_unknown_withheld_not_studied_a_bound_and_zero_are_told_apart(
    client: Client, given: dict[str, Any], said: str
) -> None:
    make_page(**given)
    assert said in read(client, ADDRESS)


def test_where_from_names_the_published_field_the_rule_and_the_source(client: Client) -> None:
    record = make_page()
    said = read(client, ADDRESS)
    for part in (
        "Published field: HC_KW, in kW.",
        "Derived: HC_KW, in kW; less DG, in MW.",
        "The highest of its sections' HC_KW, in kW.",
        "The source publishes no field for this.",
        "weakest section. Sections are never added up.",
        "What the weakest section takes.",
        "The study already counts what is queued.",
        f"run {record.ingestion_run_id}",
        record.key,
        "from Section_ID",
        "Licence: CC BY 4.0.",
        "Attribution: The utility.",
        "Name the publisher.",
        "Study date 2026-09-01",
        "https://gis.example.org/arcgis/rest/services/HC/FeatureServer"
        if record.source.layer is None
        else "",
    ):
        assert part in said, part


def test_the_publishers_address_is_a_link_only_where_a_browser_can_follow_it(client: Client) -> None:
    record = make_page()
    type(record.ingestion_run).objects.update(source_url="https://gis.example.org/HC/FeatureServer/0")
    assert 'href="https://gis.example.org/HC/FeatureServer/0"' in get(client, ADDRESS)
    type(record.ingestion_run).objects.update(source_url="javascript:alert(1)")
    html = get(client, ADDRESS)
    assert 'href="javascript:' not in html
    assert "javascript:alert(1)" in words(html)


def test_one_can_switch_between_types_and_variants(client: Client) -> None:
    record = make_page()
    make_record(
        record.feeder, ingestion_run=record.ingestion_run, capacity_type="load", hosting_capacity_mw=7
    )
    strict = make_record(record.feeder, ingestion_run=record.ingestion_run, variant="strict")
    html = get(client, ADDRESS)
    assert f'<a href="{ADDRESS}" aria-current="true">Generation</a>' in html
    assert f'<a href="{ADDRESS}?capacity_type=load&amp;variant=default">Load</a>' in html
    assert "Generation, strict" in words(html)
    assert "can host 7 MW of load" in read(client, f"{ADDRESS}?capacity_type=load")
    assert strict.key in read(client, f"{ADDRESS}?variant=strict")


def test_a_type_that_is_not_published_says_so_and_shows_what_is(client: Client) -> None:
    make_page()
    said = read(client, f"{ADDRESS}?capacity_type=storage")
    assert "No figure of this type is published of this feeder: Storage." in said
    assert "3.8 MW" in said


def test_criteria_are_bars_with_the_binding_one_marked(client: Client) -> None:
    make_page(criteria={"thermal": 5.0, "voltage": 20, "protection": None})
    html = get(client, ADDRESS)
    assert re.search(r'class="binds"><span>thermal <small>binds first.{0,300}?class="bar" width="25.0"', html)
    assert re.search(r"<span>voltage</span>.{0,300}?class=\"bar\" width=\"100.0\"", html)
    assert "<span>protection" not in html


def test_without_criteria_the_limit_is_said_in_words(client: Client) -> None:
    make_page(constraining_metric=None)
    assert "No limit posted. The criteria are not published one by one." in read(client, ADDRESS)


def test_the_past_is_a_step_chart_with_its_figures(client: Client) -> None:
    record = make_page(valid_from=datetime(2026, 9, 1, tzinfo=UTC))
    assert "Unchanged since 2026-08-31" in read(client, ADDRESS), "in the utility's own time zone"
    columns = ("utility", "source", "ingestion_run", "feeder", "key", "capacity_type", "variant", "grain")
    HostingCapacityRecordVersion.objects.create(
        **{name: getattr(record, name) for name in columns},
        record_id=record.pk,
        hosting_capacity_mw=Decimal("2.5"),
        capacity_status="published",
        constraining_metric="voltage",
        valid_from=datetime(2026, 3, 1, tzinfo=UTC),
        valid_to=record.valid_from,
        ended_by_run=record.ingestion_run,
    )
    html = get(client, ADDRESS)
    assert re.search(r'<path class="series hosting" d="M[\d. ]+H[\d.]+V[\d.]+H[\d.]+"', html)
    said = words(html)
    assert "2 versions" in said
    assert "2026-02-28 19:00 EST 2.50 MW not known Voltage" in said


def test_der_are_listed_with_totals_by_status_and_without_addresses(client: Client) -> None:
    record = make_page()
    assert record.feeder
    make_der(record.feeder, address="12 Secret Lane", external_id="A-1", nameplate_kw=Decimal(1500))
    make_der(record.feeder, external_id="A-2", nameplate_kw=Decimal("7.6"), installed_on=date(2024, 5, 6))
    make_der(record.feeder, external_id="Q-1", status="planned", nameplate_kw=None, queue_position="17")
    said = read(client, ADDRESS)
    assert "Installed: permission to operate 1.51 MW 2 projects" in said
    assert "Planned: in the queue not known 1 project, 1 of unknown size" in said
    assert said.index("A-1") < said.index("A-2") < said.index("Q-1")
    assert "2024-05-06" in said
    assert "Secret Lane" not in said


def test_a_figure_that_its_sections_repeat_is_the_feeders_own_and_of_no_section(client: Client) -> None:
    make_page()
    config = CONFIG | {"figures": [CONFIG["figures"][0] | {"rollup": "feeder_max"}]}
    Source.objects.update(config_json=config)
    HCIngestionRun.objects.update(config_json=config)
    said = read(client, ADDRESS)
    assert "the feeder's own figure, which its sections repeat" in said
    assert "the weakest decides" not in said
    assert "The feeder's own figure, which its sections repeat. Sections are never added up." in said


def der_ids(html: str) -> list[str]:
    return re.findall(r'<span class="id">(D\d+)<', html)


def test_the_table_of_der_sorts_by_link(client: Client) -> None:
    record = make_page()
    assert record.feeder
    made: dict[str, dict[str, Any]] = {
        "D1": {"nameplate_kw": Decimal(5), "der_type": "Wind", "installed_on": date(2021, 1, 1)},
        "D2": {"nameplate_kw": Decimal(9), "der_type": "", "installed_on": None},
        "D3": {"nameplate_kw": None, "der_type": "Hydro", "installed_on": date(2023, 1, 1)},
        "D4": {
            "nameplate_kw": Decimal(7),
            "der_type": "Solar",
            "status": "planned",
            "installed_on": date(2019, 1, 1),  # not the date that is shown
            "planned_on": date(2027, 1, 1),
        },
    }
    for name, given in made.items():
        make_der(record.feeder, external_id=name, **given)
    for sort, expected in {
        "": ["D2", "D1", "D3", "D4"],
        "nameplate": ["D1", "D4", "D2", "D3"],
        "-nameplate": ["D2", "D4", "D1", "D3"],
        "status": ["D2", "D1", "D3", "D4"],
        "-status": ["D4", "D2", "D1", "D3"],
        "technology": ["D3", "D4", "D1", "D2"],
        "-technology": ["D1", "D4", "D3", "D2"],
        "date": ["D1", "D3", "D4", "D2"],
        "-date": ["D4", "D3", "D1", "D2"],
        "nonsense": ["D2", "D1", "D3", "D4"],
        "--date": ["D2", "D1", "D3", "D4"],
    }.items():
        html = get(client, f"{ADDRESS}?ders_sort={sort}")
        assert der_ids(html) == expected, sort
        heads = html.partition('id="ders"')[2].partition("</thead>")[0]
        sorted_by = re.findall(
            r'aria-sort="(ascending|descending)"><a href="[^"]*ders_sort=(-?\w+)#ders"', heads
        )
        if sort.removeprefix("-") in ("nameplate", "status", "technology", "date"):
            turned = sort[1:] if sort.startswith("-") else f"-{sort}"
            assert sorted_by == [("descending" if sort.startswith("-") else "ascending", turned)]
        else:
            assert sorted_by == []
            assert "ders_sort=-nameplate#ders" in heads, "the largest is asked for first"


def test_pages_of_der_and_the_sort_of_sections_keep_the_sort_of_der(client: Client) -> None:
    record = make_page()
    assert record.feeder
    for number in range(60):
        make_der(record.feeder, external_id=f"D{number}", nameplate_kw=Decimal(number))
        make_section(record.feeder, key=f"S{number}", hosting_capacity_mw=Decimal(number))
    html = get(client, f"{ADDRESS}?ders_sort=nameplate&sort=-hosting&sections=2")
    assert der_ids(html) == [f"D{number}" for number in range(50)]
    [following] = re.findall(r'rel="next" href="(\?[^"]*ders=2#ders)"', html)
    html = get(client, ADDRESS + following.replace("&amp;", "&").removesuffix("#ders"))
    assert der_ids(html) == [f"D{number}" for number in range(50, 60)]
    assert "sort=-hosting&amp;sections=2" in following.replace("ders_sort=nameplate&amp;", "")
    # Another order begins at the first page.
    assert "ders=2" not in html.partition('id="ders"')[2].partition("</thead>")[0]
    assert "ders_sort=nameplate" in html.partition('id="sections"')[2].partition("</thead>")[0]


def test_der_are_summed_by_technology_and_since_the_study_with_a_file(client: Client) -> None:
    record = make_page()
    assert record.feeder
    assert record.record_date
    parts = {"SolarPV": 1000, "EnergyStorageSystem": 500}
    make_der(record.feeder, nameplate_kw=Decimal(1500), technologies=parts, installed_on=date(2000, 1, 1))
    other = make_feeder(record.ingestion_run, "other")
    late = record.record_date.replace(year=record.record_date.year + 1)
    make_der(
        other,
        external_id="of both",
        further_feeder_ids=[record.feeder.pk],
        nameplate_kw=Decimal(250),
        technologies={"SolarPV": 250},
        installed_on=late,
    )
    html = get(client, ADDRESS)
    said = words(html)
    assert "SolarPV · 1.25 MW · 2" in said
    assert "EnergyStorageSystem · 0.5 MW · 1" in said
    assert "1 of them since the study : 0.25 MW" in said.replace("study:", "study :")
    assert "of both" in said, "a DER that leads here and elsewhere"
    assert f'href="/api/v1{ADDRESS}ders?format=csv"' in html
    Source.objects.update(redistribution="unknown")
    assert f'href="/api/v1{ADDRESS}ders?format=csv&amp;limit=1000"' in get(client, ADDRESS)
    Source.objects.update(redistribution="display_only")
    assert "format=csv" not in get(client, ADDRESS)


def test_why_there_are_no_der_is_said(client: Client) -> None:
    record = make_page()
    assert "No list of single projects of Ri Energy has been read." in read(client, ADDRESS)
    make_der(make_feeder(record.ingestion_run))
    assert "publishes a list of projects, and none of them is on this feeder" in read(client, ADDRESS)


def test_sections_are_paged_sorted_and_counted(client: Client) -> None:
    record = make_page()
    for number in range(60):
        value = None if number == 59 else Decimal(number)
        make_section(record.feeder, key=f"S{number:02}", hosting_capacity_mw=value)
    html = get(client, ADDRESS)

    def keys(page: str) -> list[str]:
        return re.findall(r'<span class="id">(S\d\d)<', page)

    assert "60 sections, each with its own value" in words(html)
    assert keys(html) == [f"S{number:02}" for number in range(50)], "the weakest first"
    assert "Page 1 of 2" in words(html)
    second = get(client, f"{ADDRESS}?sections=2")
    assert keys(second) == [f"S{number:02}" for number in range(50, 60)], "what is not known comes last"
    down = get(client, f"{ADDRESS}?sort=-hosting&sections=2")
    assert keys(down)[-1] == "S59"
    assert keys(get(client, f"{ADDRESS}?sections=nonsense&sort=nonsense")) == keys(html)


def test_findings_of_the_shown_run_about_this_feeder_are_told(client: Client) -> None:
    record = make_page()
    make_finding(record.ingestion_run, feeder=record.feeder, message="Two spellings of its substation")
    make_finding(record.ingestion_run, message="About another feeder")
    make_finding(make_run(record.source), feeder=record.feeder, message="Of another run")
    said = read(client, ADDRESS)
    assert "Two spellings of its substation" in said
    assert "About another feeder" not in said
    assert "Of another run" not in said


def test_the_published_row_is_shown_where_terms_allow(client: Client) -> None:
    make_page(raw_attributes={"HC_KW": "5000", "<b>Odd</b>": None}, section_count=None)
    html = get(client, ADDRESS)
    assert "HC_KW" in words(html)
    assert "5000" in words(html)
    assert "<b>Odd" not in html
    Source.objects.update(redistribution="display_only")
    said = read(client, ADDRESS)
    assert "5000" not in said
    assert "the source's terms do not let rows be passed on" in said


@pytest.mark.parametrize(
    ("status", "badge"),
    [
        ("held", "held for review, earlier figures stand"),
        ("failed", "last read failed, earlier figures stand"),
    ],
)
def test_a_later_run_that_was_held_or_failed_is_a_badge(client: Client, status: str, badge: str) -> None:
    record = make_page()
    make_run(record.source, status, started_at=datetime(2026, 11, 1, tzinfo=UTC))
    html = get(client, ADDRESS)
    assert re.search(rf'class="badge \w+">{badge}<', html)
    assert f"Mind the source: {badge}." in words(html)
    assert "3.8 MW" in words(html)


def test_an_old_name_is_a_404_that_says_the_new_one(client: Client) -> None:
    record = make_page()
    assert record.feeder
    FeederAlias.objects.create(feeder=record.feeder, external_id="OLD-7")
    html = get(client, "/feeders/ri_energy/old-7/", 404)
    assert "the feeder that is now 049_53_1" in words(html)
    assert f'href="{ADDRESS}"' in html


def test_what_is_gone_or_never_was_is_a_404_that_says_which(client: Client) -> None:
    record = make_page()
    assert "The address may be misspelt" in read(client, "/feeders/ri_energy/nothing/", 404)
    read(client, "/feeders/ri_energy/a%00b/", 404)
    HostingCapacityRecord.objects.filter(pk=record.pk).delete()
    assert "Ri Energy has had a feeder 049_53_1" in read(client, ADDRESS, 404)


@pytest.mark.parametrize(
    "hidden", [{"redistribution": "forbidden"}, {"in_catalog": False}, {"published_run": None}]
)
def test_readers_see_only_what_they_may(client: Client, hidden: dict[str, Any]) -> None:
    make_page()
    Source.objects.update(**hidden)
    assert "3.8 MW" not in read(client, ADDRESS, 404)


def test_the_shape_is_handed_over_as_data_and_a_feeder_without_one_says_so(client: Client) -> None:
    record = make_page()
    html = get(client, ADDRESS)
    assert re.search(r'data-geojson="\{&quot;type&quot;:&quot;MultiLineString&quot;', html)
    HostingCapacityRecord.objects.filter(pk=record.pk).update(geometry=None)
    assert "No shape is published of it." in read(client, ADDRESS)


def test_an_unchanged_page_is_not_sent_again(client: Client) -> None:
    record = make_page()
    first = client.get(ADDRESS)
    again = client.get(ADDRESS, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    make_run(record.source, "held", started_at=datetime(2026, 11, 1, tzinfo=UTC))
    assert client.get(ADDRESS, headers={"if-none-match": first["ETag"]}).status_code == 200
    client.force_login(make_user())
    assert "ETag" not in client.get(ADDRESS), "the page's head is somebody's own"


def test_names_from_outside_are_text(client: Client) -> None:
    run = make_published("ri_energy", title="<img src=x>")
    feeder = make_feeder(run, "049_53_1", name="<script>alert(1)</script>")
    make_record(feeder, substation_name='"><svg onload=x>', county="<i>", criteria={"<u>": 1}, key="<k>")
    make_section(feeder, key="<s>")
    make_der(feeder, external_id="<d>", der_type="<t>", project_status="<q>")
    html = get(client, ADDRESS)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<img|<svg onload|<[iukstqd]>|\sstyle=", html)


def test_the_page_asks_the_database_a_bounded_number_of_times(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    record = make_page()
    for _ in range(20):
        make_section(record.feeder)
        make_der(record.feeder)
    with django_assert_max_num_queries(22):
        get(client, ADDRESS)


def test_another_utilitys_feeder_of_the_same_id_is_another_page(client: Client) -> None:
    make_page()
    make_utility("other")
    read(client, "/feeders/other/049_53_1/", 404)
