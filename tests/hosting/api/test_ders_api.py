"""All installed and planned DER of a feeder: one query, and never an address."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosting.der_totals import refresh_der_totals
from hosting.models import DER, DERStatus, Feeder
from tests.factories import make_der, make_feeder, make_published_run, make_source, make_utility
from tests.hosting.api.asking import body, get, pages, problem
from utilities.models import Source

pytestmark = pytest.mark.django_db
DERS = "/api/v1/feeders/alpha/f1/ders"
NOTHING = dict.fromkeys(("installed_count", "installed_kw", "planned_count", "planned_kw"))


@pytest.fixture
def feeder() -> Feeder:
    return make_feeder(make_published_run(make_source(make_utility("alpha"), "ders")), "F1")


def ids(client: Client, query: str = "") -> list[str]:
    return [row["external_id"] for row in get(client, DERS + query)["results"]]


def test_a_row_has_all_that_was_published_but_the_address(client: Client, feeder: Feeder) -> None:
    der = make_der(
        feeder,
        address="1 Example Street",
        external_id="D-0042",
        der_type="Solar",
        technologies={"SolarPV": 5.5, "EnergyStorageSystem": 2.1},
        nameplate_kw=Decimal("7.600"),
        is_hybrid=True,
        installed_on=date(2024, 2, 29),
        costs={"CESIR": 1200.5},
        feeder_reference="F1, F9",
    )
    refresh_der_totals(feeder.utility_id)
    answer = get(client, DERS)
    assert answer == {
        "results": [
            {
                "id": der.pk,
                "utility_code": "alpha",
                "synthetic": False,
                "source": "ders",
                "ingestion_run_id": der.ingestion_run_id,
                "external_id": "D-0042",
                "status": "installed",
                "der_type": "Solar",
                "technologies": {"SolarPV": 5.5, "EnergyStorageSystem": 2.1},
                "nameplate_kw": 7.6,
                "is_hybrid": True,
                "installed_on": "2024-02-29",
                "planned_on": None,
                "completed_on": None,
                "project_status": None,
                "status_rationale": None,
                "queue_request_id": None,
                "queue_position": None,
                "costs": {"CESIR": 1200.5},
                "feeder_reference": "F1, F9",
            }
        ],
        "next": None,
        "totals": {"installed_count": 1, "installed_kw": 7.6, "planned_count": None, "planned_kw": None},
    }
    for query in ("", "?format=csv"):
        assert b"Example Street" not in body(client.get(DERS + query))


def test_filters_and_pages(client: Client, feeder: Feeder) -> None:
    make_feeder(feeder.last_seen, "f2")
    for number in range(5):
        status = DERStatus.PLANNED if number % 2 else DERStatus.INSTALLED
        make_der(feeder, external_id=f"d{number}", status=status)
    make_der(make_feeder(feeder.last_seen, "f3"), external_id="elsewhere")
    assert ids(client) == ["d0", "d1", "d2", "d3", "d4"]
    assert ids(client, "?status=planned") == ["d1", "d3"]
    assert ids(client, "?status=installed&limit=2") == ["d0", "d2"]
    found = pages(client, f"{DERS}?limit=2")
    assert [[row["external_id"] for row in rows] for rows in found] == [["d0", "d1"], ["d2", "d3"], ["d4"]]
    assert get(client, DERS.replace("f1", "f2")) == {"results": [], "next": None, "totals": NOTHING}


def test_a_der_of_several_feeders_is_on_each(client: Client, feeder: Feeder) -> None:
    second = make_feeder(feeder.last_seen, "f2")
    make_der(feeder, external_id="both", further_feeder_ids=[second.pk])
    make_der(second, external_id="second only")
    assert ids(client) == ["both"]
    rows = get(client, DERS.replace("f1", "f2"))["results"]
    assert [row["external_id"] for row in rows] == ["both", "second only"]


@pytest.mark.parametrize("query", ["status=Installed", "limit=1001", "after=x", "format=xml", "address=1"])
def test_bad_parameters_are_named(client: Client, feeder: Feeder, query: str) -> None:
    said = problem(client, f"{DERS}?{query}", 400)
    assert [error["parameter"] for error in said["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("address", [DERS.replace("alpha", "atlantis"), DERS.replace("f1", "f2")])
def test_a_feeder_or_utility_that_is_not_there(client: Client, feeder: Feeder, address: str) -> None:
    make_der(feeder)
    make_feeder(make_published_run(make_source(make_utility("beta"))), "f2")
    assert "There is no" in problem(client, address, 404)["detail"]


@pytest.mark.parametrize("terms", ["display_only", "forbidden"])
def test_what_terms_keep_back_does_not_leave(client: Client, feeder: Feeder, terms: str) -> None:
    capacity = make_published_run(make_source(feeder.utility, "circuits"))
    make_der(feeder, external_id="closed")
    Source.objects.filter(code="ders").update(redistribution=terms)
    refresh_der_totals(feeder.utility_id)
    if terms == "display_only":
        assert "alpha/ders is" in problem(client, DERS, 403)["detail"]
    else:  # as if it had never been read: that there is something would be told otherwise
        assert get(client, DERS) == {"results": [], "next": None, "totals": NOTHING}
    DER.objects.filter(pk=make_der(feeder, external_id="open").pk).update(source=capacity.source)
    answer = get(client, DERS)
    assert [row["external_id"] for row in answer["results"]] == ["open"]
    named = [left_out["records"] for left_out in answer.get("withheld", [])]
    assert named == ([1] if terms == "display_only" else [])
    assert answer["totals"]["installed_count"] == (1 if terms == "display_only" else None)


def test_whole_files_of_unknown_terms_do_not_leave(client: Client, feeder: Feeder) -> None:
    make_der(feeder)
    Source.objects.update(redistribution="unknown")
    assert len(ids(client)) == 1
    problem(client, f"{DERS}?format=csv", 403)
    assert body(client.get(f"{DERS}?format=csv&limit=1000")).count(b"\n") == 2


def test_the_file_holds_what_all_pages_hold(client: Client, feeder: Feeder) -> None:
    for number in range(3):
        make_der(feeder, der_type="=1+1", technologies={"Wind": number}, is_hybrid=number > 1)
    rows = get(client, DERS)["results"]
    answer: Any = client.get(f"{DERS}?format=csv")
    lines = list(csv.DictReader(io.StringIO(body(answer).decode(), newline="")))
    assert [line["external_id"] for line in lines] == [row["external_id"] for row in rows]
    assert [json.loads(line["technologies"]) for line in lines] == [row["technologies"] for row in rows]
    assert [line["is_hybrid"] for line in lines] == ["false", "false", "true"]
    assert {line["der_type"] for line in lines} == {"'=1+1"}
    assert list(lines[0]) == list(rows[0])
    assert answer["Content-Disposition"] == 'attachment; filename="alpha-f1-ders.csv"'


def test_the_etag_changes_with_a_publication_and_not_otherwise(client: Client, feeder: Feeder) -> None:
    make_der(feeder)
    etag = client.get(DERS)["ETag"]
    assert client.get(DERS, headers={"if-none-match": etag}).status_code == 304
    make_published_run(feeder.last_seen.source)
    assert client.get(DERS, headers={"if-none-match": etag}).status_code == 200


def test_the_rows_are_one_query_that_indexes_serve(client: Client, feeder: Feeder) -> None:
    der = make_der(feeder)
    columns = [str(f.column) for f in DER._meta.concrete_fields if f.name != "id"]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hosting_feeder (utility_id, external_id, slug, name, first_seen_id, last_seen_id) "
            "SELECT utility_id, n, n, '', first_seen_id, last_seen_id "
            "FROM hosting_feeder, generate_series(1, 500) n WHERE id = %s",
            [feeder.pk],
        )
        other = {"external_id": "f.id::text || '-' || n", "feeder_id": "f.id"}
        other["further_feeder_ids"] = "CASE WHEN n = 1 THEN ARRAY[f.id + 1] ELSE '{}' END"
        cursor.execute(
            f"INSERT INTO hosting_der ({', '.join(columns)}) "
            f"SELECT {', '.join(other.get(c, 'd.' + c) for c in columns)} "
            "FROM hosting_der d, hosting_feeder f, generate_series(1, 40) n WHERE d.id = %s AND f.id <> %s",
            [der.pk, feeder.pk],
        )
        cursor.execute("ANALYZE hosting_der")
    with CaptureQueriesContext(connection) as captured:
        assert len(get(client, DERS.replace("f1", "250"))["results"]) == 41
    asked = [one["sql"] for one in captured if 'FROM "hosting_der"' in one["sql"]]
    assert len(asked) == 1
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {asked[0]}")
        plan = json.dumps(cursor.fetchone())
    assert "der_feeder" in plan
    assert "der_further_feeders" in plan
    assert '"Node Type": "BitmapOr"' in plan
