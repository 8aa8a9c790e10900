"""The card of a chosen feeder says its figure with its meaning, and a reason where there is none."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from hosting.models import FeederAlias, HostingCapacityRecord
from tests.factories import make_feeder, make_finding, make_record
from tests.hosting.views.reading import get, make_published, make_shown, read, words
from utilities.models import Source

pytestmark = pytest.mark.django_db
CONFIG = {"figures": [{"capacity_type": "generation", "rollup": "min"}]}


def make_card_feeder(**given: Any) -> HostingCapacityRecord:
    run = make_published("ri_energy", config_json=CONFIG)
    feeder = make_feeder(run, "049_53_1", name="Wickford 1")
    return make_record(
        feeder,
        **{
            "remaining_capacity_mw": Decimal("3.8"),
            "remaining_basis": "hosting_less_installed",
            "installed_dg_mw": Decimal("1.2"),
            "constraining_metric": "thermal",
            "section_count": 84,
        }
        | given,
    )


def test_the_card_says_the_figure_and_its_meaning(client: Client) -> None:
    record = make_card_feeder()
    assert record.feeder
    html = get(client, f"/map/card?feeder_id={record.feeder.pk}")
    said = words(html)
    for part in (
        "Wickford 1",
        "Ri Energy",
        "049_53_1",
        "3.8 MW",
        "Remaining capacity, generation",
        "as published 2026-10-01",
        "hosting less installed",
        "minimum over 84 sections",
        "studied 2026-09-01",
        "Thermal",
        "5 MW",
        "1.2 MW",
        "not known",
        "published",
    ):
        assert part in said, part
    assert 'href="/feeders/ri_energy/049_53_1/"' in html
    assert "<html" not in html


def test_the_root_carries_what_the_map_needs(client: Client) -> None:
    record = make_card_feeder()
    assert record.feeder
    root = re.search(r"<article [^>]*>", get(client, "/map/card?feeder=ri_energy/049_53_1"))
    assert root
    assert f'data-feeder="{record.feeder.pk}"' in root[0]
    assert 'data-selection="ri_energy/049_53_1"' in root[0]
    assert 'data-bounds="-71.420000,41.820000,-71.390000,41.830000"' in root[0]


def test_the_figure_that_colours_the_map_is_the_large_one(client: Client) -> None:
    record = make_card_feeder()
    hosting = get(client, f"/map/card?record={record.pk}&figure=hosting")
    assert "Hosting capacity, generation" in words(hosting)
    assert 'class="swatch over_2"' in hosting
    assert re.search(r'class="large">.{0,500}?<span class="amount">5<', hosting)


@pytest.mark.parametrize(
    ("status", "said", "look"),
    [
        ("withheld", "withheld", "withheld"),
        ("not_studied", "not studied", "not_studied"),
        ("unknown", "not known", "unknown"),
    ],
)
def test_a_figure_that_is_none_says_which_kind(client: Client, status: str, said: str, look: str) -> None:
    record = make_card_feeder(
        capacity_status=status, hosting_capacity_mw=None, remaining_capacity_mw=None, installed_dg_mw=None
    )
    html = get(client, f"/map/card?record={record.pk}")
    assert re.search(rf'class="swatch {look}".{{0,400}}?<span class="unknown">{said}<', html)
    assert "0 MW" not in words(html)


def test_a_cell_has_a_card_without_a_feeder(client: Client) -> None:
    record = make_card_feeder()
    HostingCapacityRecord.objects.filter(pk=record.pk).update(
        feeder=None, grain="cell", feeder_id_external="", feeder_name="", key="37_12"
    )
    html = get(client, f"/map/card?record={record.pk}")
    assert f'data-record="{record.pk}"' in html
    assert "data-feeder" not in html
    assert "Cell 37_12" in words(html)
    assert "/feeders/ri_energy" not in html


def test_a_type_that_is_not_published_says_what_is(client: Client) -> None:
    make_card_feeder()
    html = get(client, "/map/card?feeder=ri_energy/049_53_1&capacity_type=storage")
    assert "No figure of this type is published here: Storage. What is published: Generation." in words(html)
    assert "data-bounds" in html, "the map still shows where it is"


def test_findings_about_the_feeder_are_counted(client: Client) -> None:
    record = make_card_feeder()
    make_finding(record.ingestion_run, feeder=record.feeder)
    make_finding(record.ingestion_run)
    assert "1 finding of the checks" in read(client, f"/map/card?record={record.pk}")


@pytest.mark.parametrize(
    "query",
    ["", "feeder=nobody/nothing", "feeder=x", "feeder_id=99999999", "feeder_id=abc", "record=-1",
     "record=99999999999999999999999", "record=9223372036854775808", "feeder_id=%00", "feeder=a%00/b"],
)  # fmt: skip
def test_what_does_not_exist_is_a_404_with_a_sentence(client: Client, query: str) -> None:
    html = get(client, f"/map/card?{query}", 404)
    assert "<article" not in html
    assert "." in words(html)


@pytest.mark.parametrize(
    "hidden", [{"redistribution": "forbidden"}, {"in_catalog": False}, {"published_run": None}]
)
def test_what_readers_may_not_see_has_no_card(client: Client, hidden: dict[str, Any]) -> None:
    record = make_card_feeder()
    assert record.feeder
    Source.objects.update(**hidden)
    for query in (f"record={record.pk}", f"feeder_id={record.feeder.pk}", "feeder=ri_energy/049_53_1"):
        said = read(client, f"/map/card?{query}", 404)
        assert "5 MW" not in said


def test_display_only_figures_are_shown(client: Client) -> None:
    make_card_feeder()
    Source.objects.update(redistribution="display_only")
    assert "3.8 MW" in read(client, "/map/card?feeder=ri_energy/049_53_1")


def test_an_earlier_name_leads_to_the_feeder(client: Client) -> None:
    record = make_card_feeder()
    assert record.feeder
    FeederAlias.objects.create(feeder=record.feeder, external_id="OLD-7")
    assert "Wickford 1" in read(client, "/map/card?feeder=ri_energy/old-7")


def test_hostile_names_are_text(client: Client) -> None:
    feeder = make_shown("evil", "X1", name="<script>alert(1)</script>\"'")
    make_record(feeder, feeder_name=feeder.name)
    html = get(client, f"/map/card?feeder_id={feeder.pk}")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
