"""Search finds what people mean: an exact id first, forgiving of case and signs, never hidden rows."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from hosting import search as finder
from hosting.models import Feeder, FeederAlias
from hosting.search import search
from tests.factories import make_feeder, make_record, make_utility
from tests.hosting.views.reading import get, make_published, read, words
from utilities.models import Source

pytestmark = pytest.mark.django_db


def make_feeders(*names: tuple[str, str], code: str = "ri_energy", substation: str = "") -> None:
    run = make_published(code)
    for number, (external_id, name) in enumerate(names):
        feeder = make_feeder(run, external_id, slug=f"f{number}", name=name)
        make_record(feeder, substation_name=substation, remaining_capacity_mw=Decimal("3.8"))


def ids(typed: str) -> list[str]:
    return [feeder.external_id for feeder in search(typed).feeders]


def test_an_exact_id_comes_first_whatever_else_has_it_inside() -> None:
    make_feeders(("01234", ""), ("1234-A", ""), ("1234", "Zuletzt"), ("77", "Mill 1234"))
    assert ids("1234")[0] == "1234"
    assert set(ids("1234")) == {"01234", "1234-A", "1234", "77"}


def test_leading_zeros_are_kept() -> None:
    make_feeders(("0123", ""), ("123", ""))
    assert ids("0123") == ["0123"]
    assert ids("123") == ["123", "0123"]


@pytest.mark.parametrize(
    "typed",
    [
        "Beaver Creek 12",
        "beaver creek 12",
        "BEAVERCREEK12",
        " creek  beaver ",
        "beaver-creek",
        "aver_cre",
        "bc-9/1",
    ],
)
def test_case_spaces_signs_and_order_do_not_matter(typed: str) -> None:
    make_feeders(("BC 9.1", "BEAVER CREEK-12"), ("X", "Other"))
    assert ids(typed) == ["BC 9.1"]


def test_every_word_has_to_occur() -> None:
    make_feeders(("1", "Beaver Creek"), ("2", "Beaver Hill"))
    assert ids("beaver hill") == ["2"]
    assert ids("beaver lake") == []


def test_signs_that_mean_something_to_a_database_are_text() -> None:
    make_feeders(("100%", "A"), ("100", "B"))
    for typed in ("%", "_", "\\", "%%%", "'", "'; DROP TABLE hosting_feeder; --", "\x00", "100\x00"):
        search(typed)
    assert ids("%") == []
    assert set(ids("100%")) == {"100%", "100"}
    assert ids("100%")[0] == "100%"


def test_an_earlier_name_finds_the_feeder() -> None:
    make_feeders(("NEW-1", "Wickford"))
    FeederAlias.objects.create(feeder=search("wickford").feeders[0], external_id="OLD-7")
    assert ids("old-7") == ["NEW-1"]
    assert ids("old") == ["NEW-1"]


def test_short_words_find_the_beginning_of_an_id() -> None:
    make_feeders(("7A", ""), ("B7", ""))
    assert ids("7") == ["7A"]


@pytest.mark.parametrize(
    "hidden", [{"redistribution": "forbidden"}, {"in_catalog": False}, {"published_run": None}]
)
def test_what_readers_may_not_see_is_not_found(hidden: dict[str, Any]) -> None:
    make_feeders(("1234", "Wickford"), substation="Wickford")
    Source.objects.update(**hidden)
    found = search("Wickford")
    assert not found.feeders
    assert not found.substations
    assert not search("1234").feeders


def test_a_feeder_of_which_nothing_is_published_is_not_found() -> None:
    make_feeder(make_published(), "GONE")
    assert ids("gone") == []


def test_substations_are_found_with_their_feeders(client: Client) -> None:
    make_feeders(("1", ""), ("2", ""), substation="Tule Springs")
    html = get(client, "/search?q=tulesprings")
    assert "Tule Springs" in words(html)
    assert "2 feeders" in words(html)
    link = re.search(r'href="(/feeders/\?[^"]*)"', html.partition("found-substations")[2])
    assert link
    assert "2 feeders" in read(client, link[1].replace("&amp;", "&"))


def test_utilities_are_found_by_name_code_and_parent(client: Client) -> None:
    make_utility("ri_energy", utility_name="Rhode Island Energy", parent_company="PPL Corporation")
    for typed in ("rhode", "energy island", "RI_Energy", "ppl"):
        html = get(client, f"/search?q={typed}")
        assert 'href="/utilities/ri_energy/"' in html, typed
        assert "no figures yet" in words(html)


def test_a_hit_says_its_figure_and_leads_to_its_page(client: Client) -> None:
    make_feeders(("1234", "Wickford"))
    html = get(client, "/search?q=1234")
    assert 'href="/feeders/ri_energy/f0/"' in html
    assert "3.8 MW remaining for generation" in words(html)
    assert "exactly this id" in words(html)


def test_nothing_typed_and_nothing_found_say_what_to_do(client: Client) -> None:
    for address in ("/search", "/search?q=", "/search?q=%20"):
        assert "What can be found" in read(client, address)
    assert "Nothing is found" in read(client, "/search?q=nowhere")


def test_more_than_a_page_of_hits_is_said(client: Client) -> None:
    make_feeders(*[(f"X{number:03}", "Mill") for number in range(finder.SHOWN + 1)])
    html = get(client, "/search?q=mill")
    assert html.count("/feeders/ri_energy/f") == finder.SHOWN
    assert "There are more." in words(html)


def test_what_is_typed_is_shown_as_text(client: Client) -> None:
    html = get(client, "/search?q=<script>alert(1)</script>%22%3E")
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html
    get(client, f"/search?q={'x' * 5000}")


def test_every_page_has_the_box(client: Client) -> None:
    for address in ("/", "/utilities/", "/feeders/", "/about/", "/nowhere"):
        html = client.get(address).content.decode()
        assert 'action="/search"' in html, address


def test_the_indexes_are_those_of_the_queries() -> None:
    """The expressions of the queries are letter for letter those of the migration, or nothing is indexed."""
    # In an empty table all indexes cost the same.
    feeder = make_feeder()
    feeders = Feeder.objects.bulk_create(
        Feeder(
            utility=feeder.utility,
            external_id=f"G{n}",
            slug=f"g-{n}",
            first_seen=feeder.first_seen,
            last_seen=feeder.last_seen,
        )
        for n in range(2000)
    )
    FeederAlias.objects.bulk_create(
        FeederAlias(feeder=one, external_id=f"was-{one.external_id}") for one in feeders
    )
    with connection.cursor() as cursor:
        # Only a bitmap needs an index that knows the condition; others read all of one where rows are few.
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        for table, text, index in (
            ("hosting_feeder f", finder.FEEDER_TEXT, "feeder_words"),
            ("hosting_hostingcapacityrecord r", finder.SUBSTATION_TEXT, "record_substation_words"),
            ("hosting_feeder f", "upper(external_id)", "feeder_beginning"),
            ("hosting_feederalias a", "upper(a.external_id)", "feeder_alias_beginning"),
        ):
            like = "'CREEK%%'" if "beginning" in index else "'%%CREEK%%'"
            cursor.execute(f"EXPLAIN SELECT 1 FROM {table} WHERE {text} LIKE {like}", {})
            plan = " ".join(row for (row,) in cursor.fetchall())
            assert index in plan, plan
