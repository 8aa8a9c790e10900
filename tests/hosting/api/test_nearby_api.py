"""Nearby: order and distances against a brute-force computation, on data with every awkward place."""

import random
from typing import Any

import pytest
from django.contrib.gis.geos import Point, Polygon
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hosting.models import HostingCapacityRecord
from tests.factories import line, make_published_run, make_source, make_utility
from tests.hosting.api.asking import get, problem
from tests.hosting.api.test_records_api import add, many, plan
from utilities.models import Source

pytestmark = pytest.mark.django_db

NEARBY = "/api/v1/hosting-capacity/nearby"
BRUTE_FORCE = """
SELECT id, ST_Distance(geometry::geography, ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography) AS metres
FROM hosting_hostingcapacityrecord
WHERE capacity_type = 'generation' AND variant = 'default' AND geometry IS NOT NULL
"""


@pytest.fixture
def source() -> Source:
    """A published source."""
    return make_published_run(make_source(make_utility("alpha"), "feeders")).source


def brute_force(lat: float, lon: float, radius_km: float) -> list[tuple[int, float]]:
    """Every record within the radius by measuring all, without an index."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute(BRUTE_FORCE, [lon, lat])
        rows = [(pk, metres) for pk, metres in cursor.fetchall() if metres <= radius_km * 1000]
        cursor.execute("SET LOCAL enable_indexscan = on")
    return sorted(rows, key=lambda row: (row[1], row[0]))


def nearby(client: Client, lat: float, lon: float, radius_km: float, rest: str = "") -> Any:
    return get(client, f"{NEARBY}?lat={lat}&lon={lon}&radius_km={radius_km}{rest}")


@pytest.mark.parametrize(
    ("lat", "lon"), [(41.8, -71.4), (0, 0), (60.5, -150), (41.8, 180), (41.8, -179.999), (89.9, 12)]
)
@pytest.mark.parametrize(("radius_km", "limit"), [(5, 1000), (40, 20), (100, 3), (100, 300)])
def test_the_nearest_are_those_that_measuring_all_finds(
    client: Client, source: Source, lat: float, lon: float, radius_km: float, limit: int
) -> None:
    other = make_published_run(make_source(make_utility("beta"))).source
    dice = random.Random(f"{lat} {lon}")
    template = add(source, "f")
    template.delete()
    rows = []
    for number in range(400):
        x = (lon + dice.gauss(0, 0.6) + 180) % 360 - 180
        y = max(-89.9, min(89.9, lat + dice.gauss(0, 0.6)))
        shape = dice.choice(
            [
                Point(x, y, srid=4326),
                line((x, y), (x + dice.uniform(-0.05, 0.05), y + dice.uniform(-0.05, 0.05))),
                Polygon.from_bbox((x, y, x + 0.02, y + 0.02)),
            ]
        )
        shape.srid = 4326
        values = {f.attname: getattr(template, f.attname) for f in template._meta.concrete_fields}
        values |= {"id": None, "key": str(number), "geometry": shape}
        values |= {"geometry_3857": shape.transform(3857, clone=True)}
        values |= {"source_id": dice.choice([source, other]).pk}
        rows.append(HostingCapacityRecord(**values))
    HostingCapacityRecord.objects.bulk_create(rows)
    expected = brute_force(lat, lon, radius_km)
    answer = nearby(client, lat, lon, radius_km, f"&limit={limit}")
    found = [(row["id"], row["distance_km"]) for row in answer["results"]]
    assert [pk for pk, _ in found] == [pk for pk, _ in expected[:limit]]
    assert [km for _, km in found] == pytest.approx([m / 1000 for _, m in expected[:limit]], abs=1e-6)
    assert answer["more"] is (len(expected) > limit)
    assert answer["next"] is None


def test_a_feeder_through_the_place_is_at_zero_and_zero_is_a_place(client: Client, source: Source) -> None:
    add(source, "through", geometry=line((-1, 0), (1, 0)))
    add(source, "nowhere", geometry=None)
    (row,) = nearby(client, 0, 0, 0)["results"]
    assert (row["feeder_id_external"], row["distance_km"]) == ("through", 0)


def test_more_at_the_place_than_asked_for_come_by_id(client: Client, source: Source) -> None:
    records = [add(source, f"f{number}") for number in range(30)]
    answer = nearby(client, 41.82, -71.42, 1, "&limit=4")
    assert [row["id"] for row in answer["results"]] == [record.pk for record in records[:4]]
    assert answer["more"] is True


def test_filters_and_types(client: Client, source: Source) -> None:
    add(source, "unknown", remaining_capacity_mw=None)
    add(source, "zero", remaining_capacity_mw=0)
    add(source, "two", remaining_capacity_mw=2)
    add(source, "load", capacity_type="load", remaining_capacity_mw=9)
    add(source, "max", variant="max")

    def names(rest: str) -> set[str]:
        return {row["feeder_id_external"] for row in nearby(client, 41.82, -71.42, 10, rest)["results"]}

    assert names("") == {"unknown", "zero", "two"}
    assert names("&min_remaining_mw=0") == {"zero", "two"}
    assert names("&min_remaining_mw=0.5") == {"two"}
    assert names("&capacity_type=load") == {"load"}
    assert names("&variant=max") == {"max"}


def test_refused_sources_near_by_are_left_out_and_counted_others_not_named(
    client: Client, source: Source
) -> None:
    add(source, "open")
    shown = make_published_run(make_source(make_utility("beta"), "shown", redistribution="display_only"))
    add(shown.source, "closed")
    add(shown.source, "closed and far", geometry=line((10, 10), (11, 11)))
    far = make_published_run(make_source(make_utility("gamma"), "far", redistribution="display_only"))
    add(far.source, "far", geometry=line((10, 10), (11, 11)))
    secret = make_published_run(make_source(make_utility("epsilon"), "secret", redistribution="forbidden"))
    add(secret.source, "secret")  # not even counted: that would tell where it lies
    unsure = make_published_run(make_source(make_utility("delta"), redistribution="unknown"))
    add(unsure.source, "unsure")
    answer = nearby(client, 41.82, -71.42, 10)
    assert {row["feeder_id_external"] for row in answer["results"]} == {"open", "unsure"}
    assert {row["utility_code"] for row in answer["results"]} == {"alpha", "delta"}
    assert [(w["utility_code"], w["records"]) for w in answer["withheld"]] == [("beta", 1)]


def test_unpublished_records_are_not_near(client: Client) -> None:
    source = make_published_run().source
    add(source, "f")
    Source.objects.update(published_run=None)
    assert nearby(client, 41.82, -71.42, 10)["results"] == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", {"lat", "lon"}),
        ("lat=1", {"lon"}),
        ("lat=91&lon=0", {"lat"}),
        ("lat=0&lon=180.1", {"lon"}),
        ("lat=nan&lon=inf", {"lat", "lon"}),
        ("lat=&lon=0", {"lat"}),
        ("lat=0&lon=0&radius_km=100.1", {"radius_km"}),
        ("lat=0&lon=0&radius_km=-1", {"radius_km"}),
        ("lat=0&lon=0&limit=1001", {"limit"}),
        ("lat=0&lon=0&bbox=0,0,1,1", {"bbox"}),
    ],
)
def test_bad_parameters_are_named(client: Client, query: str, named: set[str]) -> None:
    said = problem(client, f"{NEARBY}?{query}", 400)
    assert {error["parameter"] for error in said["errors"]} == named


def test_the_nearest_are_read_in_the_order_of_the_index(client: Client, source: Source) -> None:
    many(source)
    with CaptureQueriesContext(connection) as captured:
        assert len(nearby(client, 41.82, -71.42, 100)["results"]) == 20
    selects = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    # What may be shown, which are near on the map, and these measured: none had to be taken again.
    assert len(selects) == 3
    how = plan(selects[1])
    assert "record_geometry_3857" in how
    assert "Order By" in how
    assert '"Sort"' not in how


def test_what_is_left_out_is_counted_by_its_place_and_not_by_its_source(
    client: Client, source: Source
) -> None:
    many(make_published_run(make_source(make_utility("beta"), redistribution="display_only")).source)
    with CaptureQueriesContext(connection) as captured:
        (left_out,) = nearby(client, 41.82, -71.42, 1)["withheld"]
    assert 0 < left_out["records"] < 100
    count = next(query["sql"] for query in captured if "COUNT(" in query["sql"])
    assert "record_near" in plan(count)
