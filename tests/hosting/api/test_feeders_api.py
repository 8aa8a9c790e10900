"""Feeders with a hosting capacity of at least so much, with their DER: one query, served by an index."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosting.der_totals import refresh_der_totals
from hosting.models import HostingCapacityRecord
from tests.factories import make_der, make_feeder, make_published_run, make_record, make_source, make_utility
from tests.hosting.api.asking import body, get, pages, problem
from utilities.models import Source

pytestmark = pytest.mark.django_db
FEEDERS = "/api/v1/feeders"


@pytest.fixture
def source() -> Source:
    return make_published_run(make_source(make_utility("alpha"), "feeders")).source


def add(source: Source, name: str, hosting: Any = 5, **given: Any) -> HostingCapacityRecord:
    hosting = None if hosting is None else Decimal(str(hosting))
    return make_record(make_feeder(source.published_run, name), hosting_capacity_mw=hosting, **given)


def names(client: Client, query: str = "") -> list[str]:
    return [row["feeder_id_external"] for row in get(client, f"{FEEDERS}?{query}")["results"]]


def test_a_row_says_what_the_feeder_can_take_and_what_is_on_it(client: Client, source: Source) -> None:
    record = add(
        source,
        "0042",
        feeder_name="Main Street",
        hosting_capacity_min_mw=Decimal("0.25"),
        hosting_capacity_max_mw=Decimal("9.5"),
        remaining_capacity_mw=Decimal("2.6"),
        remaining_basis="published",
    )
    assert record.feeder is not None
    make_der(record.feeder, nameplate_kw=Decimal("7.6"))
    make_der(record.feeder, nameplate_kw=None)
    refresh_der_totals(record.utility_id)
    assert get(client, f"{FEEDERS}?min_hosting_mw=9") == {
        "results": [
            {
                "id": record.pk,
                "utility_code": "alpha",
                "synthetic": False,
                "source": "feeders",
                "feeder_id_external": "0042",
                "slug": "0042",
                "feeder_name": "Main Street",
                "substation_name": None,
                "capacity_type": "generation",
                "variant": "default",
                "max_hosting_capacity_mw": 9.5,
                "min_hosting_capacity_mw": 0.25,
                "capacity_status": "published",
                "remaining_capacity_mw": 2.6,
                "remaining_basis": "published",
                "installed_der_count": 2,
                "installed_der_kw": 7.6,
                "planned_der_count": None,
                "planned_der_kw": None,
                "record_date": "2026-09-01",
                "url": "http://testserver/feeders/alpha/0042/",
                "ders_url": "http://testserver/api/v1/feeders/alpha/0042/ders",
            }
        ],
        "next": None,
    }


@pytest.fixture
def grid(source: Source) -> None:
    add(source, "unknown", None)
    add(source, "zero", 0)
    add(source, "ranges", 1, hosting_capacity_max_mw=8)
    add(source, "four", 4)
    add(source, "load", 50, capacity_type="load")
    add(source, "strict", 60, variant="strict")
    cell = add(source, "cell", 70)
    HostingCapacityRecord.objects.filter(pk=cell.pk).update(feeder=None, grain="cell")
    beta = make_published_run(make_source(make_utility("beta"))).source
    add(beta, "four-of-beta", 4)
    add(beta, "negative", -1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["ranges", "four-of-beta", "four", "zero", "negative", "unknown"]),
        ("min_hosting_mw=0", ["ranges", "four-of-beta", "four", "zero"]),
        ("min_hosting_mw=4", ["ranges", "four-of-beta", "four"]),
        ("min_hosting_mw=4.00001", ["ranges"]),
        ("min_hosting_mw=-10000000", ["ranges", "four-of-beta", "four", "zero", "negative"]),
        ("min_hosting_mw=8.1", []),
        ("utility=alpha", ["ranges", "four", "zero", "unknown"]),
        ("utility=beta&min_hosting_mw=0", ["four-of-beta"]),
        ("capacity_type=load", ["load"]),
        ("variant=strict&min_hosting_mw=60", ["strict"]),
        ("capacity_type=storage", []),
        ("limit=1", ["ranges"]),
    ],
)
def test_filters_and_the_order(client: Client, grid: None, query: str, expected: list[str]) -> None:
    assert names(client, query) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_pages_hold_each_row_once_over_equals_and_unknowns(client: Client, grid: None, limit: int) -> None:
    add(make_published_run(make_source(make_utility("gamma"))).source, "unknown-too", None)
    found = pages(client, f"{FEEDERS}?limit={limit}")
    assert [row["feeder_id_external"] for rows in found for row in rows] == [
        *("ranges", "four-of-beta", "four", "zero", "negative", "unknown-too", "unknown")
    ]
    assert {len(rows) for rows in found[:-1]} <= {limit}


def test_a_feeder_that_comes_or_goes_between_pages_skips_and_repeats_none(
    client: Client, source: Source
) -> None:
    records = [add(source, f"f{number}", 10 - number) for number in range(5)]
    first = get(client, f"{FEEDERS}?limit=2")
    records[0].delete()
    add(source, "more", 20)
    rest = [row["feeder_id_external"] for rows in pages(client, first["next"]) for row in rows]
    assert rest == ["f2", "f3", "f4"]


@pytest.mark.parametrize(
    "query",
    [
        "min_hosting_mw=much",
        "min_hosting_mw=",
        "utility=atlantis",
        "utility=a b",
        "after=5",
        "after=5:",
        "after=x:1",
        "after=5.000001:1",
        "after=١:1",
        "limit=0",
        "min_remaining_mw=1",
        "format=xml",
    ],
)
def test_bad_parameters_are_named(client: Client, source: Source, query: str) -> None:
    said = problem(client, f"{FEEDERS}?{query}", 400)
    assert [error["parameter"] for error in said["errors"]] == [query.partition("=")[0]]


def test_what_terms_keep_back_is_left_out_and_said(client: Client, source: Source) -> None:
    add(source, "open")
    shown = make_published_run(make_source(make_utility("beta"), "shown", redistribution="display_only"))
    add(shown.source, "closed")
    answer = get(client, FEEDERS)
    assert [row["feeder_id_external"] for row in answer["results"]] == ["open"]
    (withheld,) = answer["withheld"]
    assert "display only" in withheld.pop("reason")
    assert withheld == {"utility_code": "beta", "source": "shown", "records": 1}
    assert "display only" in problem(client, f"{FEEDERS}?utility=beta", 403)["detail"]


def test_what_is_left_out_is_counted_once_for_each_publication(client: Client, source: Source) -> None:
    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            answer = get(client, FEEDERS)
        return answer["withheld"][0]["records"], sum("GROUP BY" in one["sql"] for one in captured)

    add(source, "open")
    shown = make_published_run(make_source(make_utility("beta"), "shown", redistribution="display_only"))
    add(shown.source, "closed")
    assert [asked(), asked()] == [(1, 1), (1, 0)]
    make_published_run(shown.source)
    add(shown.source, "closed too")
    assert [asked(), asked()] == [(2, 1), (2, 0)]


def test_the_file_holds_what_all_pages_hold(client: Client, grid: None) -> None:
    rows = [row for rows in pages(client, f"{FEEDERS}?limit=2") for row in rows]
    answer: Any = client.get(f"{FEEDERS}?format=csv")
    text = body(answer).decode()
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [line["feeder_id_external"] for line in lines] == [row["feeder_id_external"] for row in rows]
    assert list(lines[0]) == [name for name in rows[0] if name not in ("url", "ders_url")]
    assert answer["Content-Disposition"] == 'attachment; filename="all-feeders.csv"'


def test_whole_files_of_unknown_terms_do_not_leave(client: Client, source: Source) -> None:
    add(source, "f")
    Source.objects.update(redistribution="unknown")
    assert names(client) == ["f"]
    problem(client, f"{FEEDERS}?utility=alpha&format=csv", 403)
    answer: Any = client.get(f"{FEEDERS}?format=csv")
    assert body(answer).count(b"\n") == 1
    assert answer["X-Withheld"] == "alpha/feeders; records=1"
    assert body(client.get(f"{FEEDERS}?format=csv&limit=1000")).count(b"\n") == 2


def test_a_page_is_one_query_that_an_index_serves(client: Client, source: Source) -> None:
    record = add(source, "first", hosting_capacity_max_mw=0)
    columns = [str(f.column) for f in HostingCapacityRecord._meta.concrete_fields if f.name != "id"]
    values = {"key": "n::text", "hosting_capacity_max_mw": "n / 1000.0", "raw_attributes": "NULL"}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO hosting_hostingcapacityrecord ({', '.join(columns)}) "
            f"SELECT {', '.join(values.get(c, c) for c in columns)} "
            "FROM hosting_hostingcapacityrecord, generate_series(1, 20000) n WHERE id = %s",
            [record.pk],
        )
        cursor.execute("ANALYZE hosting_hostingcapacityrecord")
    for query in ("", "&utility=alpha"):
        with CaptureQueriesContext(connection) as captured:
            answer = get(client, f"{FEEDERS}?min_hosting_mw=15.5&limit=10{query}")
        assert [row["max_hosting_capacity_mw"] for row in answer["results"]][:2] == [20.0, 19.999]
        asked = [one["sql"] for one in captured if "hostingcapacityrecord" in one["sql"]]
        assert len(asked) == 1
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {asked[0]}")
            plan = json.dumps(cursor.fetchone())
        assert "record_any_highest" in plan or "record_highest" in plan
        assert '"Sort"' not in plan
