"""A utility's records: filters, paging, boxes, what may leave, versions."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosting.models import HostingCapacityRecord
from tests.factories import (
    line,
    make_feeder,
    make_published_run,
    make_record,
    make_run,
    make_source,
    make_utility,
)
from tests.hosting.api.asking import body, get, pages, problem
from utilities.models import Source

pytestmark = pytest.mark.django_db

ROWS = "/api/v1/utilities/alpha/hosting-capacity"


@pytest.fixture
def source() -> Source:
    """The one published source of alpha."""
    return make_published_run(make_source(make_utility("alpha"), "feeders")).source


def add(source: Source, name: str, **given: Any) -> HostingCapacityRecord:
    """A record of the feeder `name` in what `source` has published."""
    feeder = make_feeder(source.published_run, name)
    megawatts = {
        key: None if v is None else Decimal(str(v)) for key, v in given.items() if key.endswith("_mw")
    }
    return make_record(feeder, **given | megawatts)


def names(client: Client, query: str = "") -> list[str]:
    return [row["feeder_id_external"] for row in get(client, ROWS + query)["results"]]


def test_a_record_has_the_fields_of_the_specification_and_its_meaning(client: Client, source: Source) -> None:
    record = add(
        source,
        "0042",
        feeder_name="Main Street",
        hosting_capacity_min_mw=0,
        hosting_capacity_max_mw=9.5,
        hosting_capacity_mw=3.8,
        installed_dg_mw=1.2,
        remaining_capacity_mw=2.6,
        remaining_basis="hosting_less_installed",
        constraining_metric="thermal",
        voltage_kv=Decimal("13.800"),
    )
    assert record.centroid is not None
    assert get(client, ROWS) == {
        "results": [
            {
                "id": record.pk,
                "utility_code": "alpha",
                "synthetic": False,
                "source": "feeders",
                "ingestion_run_id": record.ingestion_run_id,
                "feeder_id_external": "0042",
                "feeder_name": "Main Street",
                "substation_name": None,
                "grain": "feeder",
                "capacity_type": "generation",
                "variant": "default",
                "hosting_capacity_mw": 3.8,
                "hosting_capacity_min_mw": 0.0,
                "hosting_capacity_max_mw": 9.5,
                "capacity_status": "published",
                "installed_dg_mw": 1.2,
                "queued_dg_mw": None,
                "installed_since_study_mw": None,
                "remaining_capacity_mw": 2.6,
                "remaining_basis": "hosting_less_installed",
                "constraining_metric": "thermal",
                "voltage_kv": 13.8,
                "record_date": "2026-09-01",
                "der_date": None,
                "centroid_lat": 41.82,
                "centroid_lon": -71.42,
            }
        ],
        "next": None,
    }


def test_a_cell_without_geometry_has_nulls_and_no_feeder(client: Client, source: Source) -> None:
    record = add(source, "x", geometry=None, remaining_capacity_mw=None)
    HostingCapacityRecord.objects.filter(pk=record.pk).update(
        feeder=None, feeder_id_external="", grain="cell"
    )
    (row,) = get(client, ROWS)["results"]
    absent = (
        "feeder_id_external",
        "remaining_capacity_mw",
        "remaining_basis",
        "centroid_lat",
        "centroid_lon",
    )
    assert [row[name] for name in absent] == [None] * 5


@pytest.fixture
def grid(source: Source) -> None:
    """Six feeders: remaining and hosting from unknown over zero to much, at different places."""
    for number, (name, remaining, hosting, constraint) in enumerate(
        [
            ("unknown", None, None, None),
            ("zero", 0, 0, "thermal"),
            ("negative", -0.5, 1, "voltage"),
            ("small", 0.4, 2, "thermal"),
            ("one", 1, 3, "unknown"),
            ("large", 7.25, 8, "thermal"),
        ]
    ):
        add(
            source,
            name,
            remaining_capacity_mw=remaining,
            hosting_capacity_mw=hosting,
            constraining_metric=constraint,
            geometry=line((-71 + number, 41), (-70.5 + number, 41)),
        )
    add(source, "max", variant="max", hosting_capacity_mw=99)
    add(source, "load", capacity_type="load", remaining_capacity_mw=50, hosting_capacity_mw=50)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["unknown", "zero", "negative", "small", "one", "large"]),
        ("min_remaining_mw=0", ["zero", "small", "one", "large"]),
        ("min_remaining_mw=-1", ["zero", "negative", "small", "one", "large"]),
        ("max_remaining_mw=0", ["zero", "negative"]),
        ("max_remaining_mw=1", ["zero", "negative", "small", "one"]),
        ("min_remaining_mw=0&max_remaining_mw=0", ["zero"]),
        ("min_remaining_mw=1&max_remaining_mw=0", []),
        ("min_hosting_mw=0", ["zero", "negative", "small", "one", "large"]),
        ("min_hosting_mw=2.00001", ["one", "large"]),
        ("constraint=thermal", ["zero", "small", "large"]),
        ("constraint=unknown", ["one"]),
        ("constraint=protection", []),
        ("variant=max", ["max"]),
        ("variant=nobody-has-this", []),
        ("capacity_type=load", ["load"]),
        ("capacity_type=storage", []),
        ("capacity_type=load&variant=max", []),
        ("bbox=-71,40,-68.7,42", ["unknown", "zero", "negative"]),
        ("bbox=-71,40,-68.7,42&min_remaining_mw=-9", ["zero", "negative"]),
        ("bbox=-70.2,40,-60,42&constraint=thermal&max_remaining_mw=1&min_hosting_mw=1", ["small"]),
        ("constraint=thermal&min_remaining_mw=0.1&min_hosting_mw=3&limit=1", ["large"]),
    ],
)
def test_filters_alone_and_together(client: Client, grid: None, query: str, expected: list[str]) -> None:
    assert names(client, f"?{query}") == expected


def test_filters_hold_on_every_page(client: Client, source: Source) -> None:
    for number in range(12):
        add(source, f"f{number:02}", remaining_capacity_mw=number % 3)
    found = pages(client, f"{ROWS}?min_remaining_mw=1&limit=3")
    assert [len(rows) for rows in found] == [3, 3, 2]
    expected = [f"f{number:02}" for number in range(12) if number % 3 >= 1]
    assert [row["feeder_id_external"] for rows in found for row in rows] == expected


def test_a_feeder_that_comes_or_goes_between_pages_skips_and_repeats_none(
    client: Client, source: Source
) -> None:
    records = [add(source, f"f{number}") for number in range(5)]
    first = get(client, f"{ROWS}?limit=2")
    records[0].delete()
    add(source, "new")
    rest = [row for rows in pages(client, first["next"]) for row in rows]
    assert [row["feeder_id_external"] for row in rest] == ["f2", "f3", "f4", "new"]


def test_a_box_finds_a_feeder_that_only_crosses_it(client: Client, source: Source) -> None:
    add(source, "crosses", geometry=line((-72, 41), (-70, 42)))
    add(source, "its box only", geometry=line((-72, 41), (-72, 42), (-70, 42)))
    assert names(client, "?bbox=-71.1,41.4,-70.9,41.6") == ["crosses"]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("179,50,-179,52", ["east", "west"]),
        ("179,50,180,52", ["east"]),
        ("-180,50,-179,52", ["west"]),
        ("-180,-90,180,90", ["east", "west", "null island"]),
        ("0,0,0,0", ["null island"]),
        ("-1,0,1,0", ["null island"]),
        ("0,-1,0,1", ["null island"]),
        (" -1, -1 , 1,1e0", ["null island"]),
        ("5,5,5,5", []),
    ],
)
def test_boxes_over_the_antimeridian_and_without_area(
    client: Client, source: Source, box: str, expected: list[str]
) -> None:
    add(source, "east", geometry=line((179.2, 51), (179.8, 51)))
    add(source, "west", geometry=line((-179.8, 51), (-179.2, 51)))
    add(source, "null island", geometry=line((0, 0), (0.5, 0.5)))
    assert names(client, f"?bbox={box}") == expected


@pytest.mark.parametrize(
    "query",
    [
        "bbox=1,2,3",
        "bbox=1,2,3,4,5",
        "bbox=",
        "bbox=a,b,c,d",
        "bbox=nan,0,1,1",
        "bbox=0,0,inf,1",
        "bbox=1_0,0,11,1",
        "bbox=-181,0,1,1",
        "bbox=0,0,1,90.1",
        "bbox=0,2,1,1",
        "min_remaining_mw=much",
        "min_remaining_mw=NaN",
        "max_remaining_mw=Infinity",
        "min_hosting_mw=",
        "min_hosting_mw=1e99",
        "constraint=Thermal",
        "constraint=",
        "capacity_type=solar",
        "variant=a b",
        "limit=0",
        "limit=1001",
        "after=x",
        "after=-1",
        "after=99999999999999999999",
        "utility=alpha",
    ],
)
@pytest.mark.parametrize("rest", ["", "/geojson"])
def test_bad_parameters_are_named(client: Client, source: Source, query: str, rest: str) -> None:
    if rest and query == "limit=1001":
        return  # GeoJSON takes larger limits
    said = problem(client, f"{ROWS}{rest}?{query}", 400)
    assert [error["parameter"] for error in said["errors"]] == [query.partition("=")[0]]


def test_an_empty_utility_an_unpublished_one_and_an_unknown_one(client: Client) -> None:
    make_utility("alpha")
    assert get(client, ROWS) == {"results": [], "next": None}
    add(make_run(make_source(make_utility("beta"), "held"), status="held").source, "staged")
    assert get(client, ROWS.replace("alpha", "beta"))["results"] == []
    for rest in ("", "/geojson"):
        assert "'atlantis'" in problem(client, ROWS.replace("alpha", "atlantis") + rest, 404)["detail"]


def test_another_utilitys_records_stay_out(client: Client, source: Source) -> None:
    add(source, "ours")
    add(make_published_run(make_source(make_utility("beta"))).source, "theirs")
    assert names(client) == ["ours"]


@pytest.mark.parametrize(
    ("terms", "words"), [("display_only", "is display only"), ("forbidden", "is forbidden")]
)
@pytest.mark.parametrize("rest", ["", "/geojson", "/geojson?limit=1"])
def test_a_source_that_may_not_leave_is_refused_with_the_reason(
    client: Client, source: Source, terms: str, words: str, rest: str
) -> None:
    add(source, "secret")
    Source.objects.update(redistribution=terms)
    said = problem(client, ROWS + rest, 403)
    assert f"alpha/feeders {words}" in said["detail"]
    assert "secret" not in str(said)


def test_rows_of_a_refused_source_are_left_out_and_counted(client: Client, source: Source) -> None:
    add(source, "open")
    other = make_published_run(make_source(source.utility, "shown", redistribution="display_only")).source
    add(other, "closed", hosting_capacity_mw=1)
    add(other, "closed too")
    add(other, "closed load", capacity_type="load")
    answer = get(client, f"{ROWS}?min_hosting_mw=2")
    assert [row["feeder_id_external"] for row in answer["results"]] == ["open"]
    (withheld,) = answer["withheld"]
    assert "display only" in withheld.pop("reason")
    assert withheld == {"utility_code": "alpha", "source": "shown", "records": 2}
    assert "withheld" not in get(client, f"{ROWS}?capacity_type=storage")


def test_rows_of_a_forbidden_source_are_not_even_counted(client: Client, source: Source) -> None:
    add(source, "open")
    other = make_published_run(make_source(source.utility, "secret", redistribution="forbidden")).source
    add(other, "closed")
    assert names(client) == ["open"]
    assert "withheld" not in get(client, ROWS)
    assert "X-Withheld" not in client.get(f"{ROWS}?format=csv").headers
    assert "secret" not in body(client.get(f"{ROWS}/geojson")).decode()


def test_rows_of_unknown_terms_leave_page_by_page(client: Client, source: Source) -> None:
    add(source, "f")
    Source.objects.update(redistribution="unknown")
    assert names(client) == ["f"]


@pytest.mark.parametrize(
    "address",
    [
        ROWS,
        f"{ROWS}?limit=1",
        f"{ROWS}/geojson",
        f"{ROWS}/summary",
        "/api/v1/hosting-capacity/nearby?lat=0&lon=0",
    ],
)
def test_the_etag_changes_with_a_publication_and_not_otherwise(
    client: Client, source: Source, address: str
) -> None:
    add(source, "f")
    first: Any = client.get(address)
    assert body(first)
    etag = first["ETag"]
    make_run(source, status="failed")
    make_run(source, status="held")
    held = client.get(address, headers={"if-none-match": f'"other", {etag}'})
    assert (held.status_code, held.content, held["ETag"]) == (304, b"", etag)
    assert client.get(address, headers={"if-none-match": "*"}).status_code == 304
    other = client.get(address, headers={"if-none-match": '"other"'})
    assert (other.status_code, body(other)) == (200, body(client.get(address)))
    make_published_run(source)
    after = client.get(address, headers={"if-none-match": etag})
    assert after.status_code == 200
    assert after["ETag"] != etag
    assert body(after)


def test_the_etag_is_of_the_question_and_of_the_terms(client: Client, source: Source) -> None:
    etag = client.get(ROWS)["ETag"]
    assert client.get(f"{ROWS}?limit=5")["ETag"] != etag
    Source.objects.update(redistribution="unknown")
    assert client.get(ROWS)["ETag"] != etag
    Source.objects.update(redistribution="display_only")
    assert client.get(ROWS, headers={"if-none-match": etag}).status_code == 403


def test_a_page_is_one_query_and_reads_no_geometry(
    client: Client, grid: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2) as captured:  # sources, the page
        assert len(get(client, f"{ROWS}?bbox=-180,0,180,90&limit=4")["results"]) == 4
    columns = captured.captured_queries[1]["sql"].partition(" FROM ")[0]
    assert '"geometry"' not in columns
    assert "geometry_3857" not in columns
    etag = client.get(ROWS)["ETag"]
    with django_assert_num_queries(1):
        assert client.get(ROWS, headers={"if-none-match": etag}).status_code == 304


def test_head_options_and_other_methods(client: Client, source: Source) -> None:
    for address in (
        ROWS,
        f"{ROWS}/geojson",
        "/api/v1/hosting-capacity/nearby",
        "/api/v1/hosting-capacity/ingestion-runs",
        "/api/v1/utilities/alpha/ingestion-runs",
    ):
        query = "?lat=0&lon=0" if address.endswith("nearby") else ""
        head, full = client.head(address + query), client.get(address + query)
        assert body(full)
        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Type"] == full["Content-Type"]
        assert head.get("ETag") == full.get("ETag")
        options = client.options(address)
        assert options.status_code == 200
        assert options["Allow"] == "GET, HEAD, OPTIONS"
        for method in ("post", "put", "patch", "delete"):
            problem(client, address, 405, method)


def test_a_box_is_found_by_the_index_of_geometries(client: Client, source: Source) -> None:
    many(source)
    query = f"{ROWS}?bbox=-71.5,41.5,-71.49,41.51"
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert get(client, query)["results"]
    assert "record_geometry" in plan(captured[-1]["sql"])


def many(source: Source) -> None:
    """20,000 records, a short line each, on a grid of 0.01 degrees."""
    record = add(source, "first")
    columns = [str(f.column) for f in HostingCapacityRecord._meta.concrete_fields]
    columns = [column for column in columns if column not in ("id", "key")]
    shifted = {name: f"ST_Translate({name}, x / 100.0, y / 100.0)" for name in ("geometry", "centroid")}
    shifted["geometry_3857"] = f"ST_Transform({shifted['geometry']}, 3857)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO hosting_hostingcapacityrecord (key, {', '.join(columns)}) "
            f"SELECT x || '-' || y, {', '.join(shifted.get(c, c) for c in columns)} "
            "FROM hosting_hostingcapacityrecord, generate_series(-100, 99) x, generate_series(-50, 49) y "
            "WHERE id = %s",
            [record.pk],
        )
        cursor.execute("ANALYZE hosting_hostingcapacityrecord")


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        return json.dumps(cursor.fetchone())
