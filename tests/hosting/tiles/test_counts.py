"""The legend's counts, against the same counted in Python."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.gis.geos import Polygon
from django.test import Client

from hosting.classes import CLASSES, class_of
from hosting.models import HostingCapacityRecord
from hosting.visible import visible
from tests.factories import line, make_feeder, make_published_run, make_record, make_source

pytestmark = pytest.mark.django_db


def some_records() -> None:
    chance = random.Random(5)
    statuses = ("published", "at_least", "withheld", "not_studied", "unknown")
    for redistribution in ("allowed", "display_only", "forbidden"):
        run = make_published_run(make_source(redistribution=redistribution))
        for _ in range(40):
            west, south = chance.uniform(-72, -71), chance.uniform(41, 42)
            make_record(
                make_feeder(run),
                geometry=line((west, south), (west + 0.1, south + 0.05)),
                remaining_capacity_mw=chance.choice([None, 0, Decimal("0.5"), Decimal("1.7"), 4, 9]),
                hosting_capacity_mw=chance.choice([None, 0, Decimal("0.3"), 2, 5, 12]),
                capacity_status=chance.choice(statuses),
                constraining_metric=chance.choice([None, "thermal", "voltage"]),
                capacity_type=chance.choice(["generation", "load"]),
            )
    make_record(make_feeder(run), geometry=None)


def expected(box: tuple[float, float, float, float] | None = None, **given: Any) -> dict[str, Any]:
    rows = visible(HostingCapacityRecord.objects.exclude(geometry=None)).filter(
        capacity_type=given.get("capacity_type", "generation"), variant="default"
    )
    if "utility" in given:
        rows = rows.filter(utility__utility_code=given["utility"])
    inside = [
        r for r in rows if box is None or (r.geometry and r.geometry.intersects(Polygon.from_bbox(box)))
    ]

    def passes(record: HostingCapacityRecord) -> bool:
        for name, value in (
            ("min_remaining_mw", record.remaining_capacity_mw),
            ("min_hosting_mw", record.hosting_capacity_mw),
        ):
            if name in given and (value is None or value < Decimal(given[name])):
                return False
        return "constraint" not in given or record.constraining_metric == given["constraint"]

    passing = [record for record in inside if passes(record)]
    return {
        "total": len(inside),
        "passing": len(passing),
        "remaining": _classes(passing, "remaining_capacity_mw"),
        "hosting": _classes(passing, "hosting_capacity_mw"),
    }


def _classes(records: list[HostingCapacityRecord], column: str) -> dict[str, int]:
    found = Counter(class_of(getattr(r, column), r.capacity_status) for r in records)
    return {name: found[name] for name in CLASSES}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"capacity_type": "load"},
        {"min_remaining_mw": "1.7"},
        {"min_hosting_mw": "0"},
        {"constraint": "thermal"},
        {"min_remaining_mw": "0.5", "min_hosting_mw": "2", "constraint": "voltage", "capacity_type": "load"},
    ],
)
@pytest.mark.parametrize("box", [None, (-71.6, 41.2, -71.3, 41.7), (-180, -90, 180, 90), (10, 10, 11, 11)])
def test_counts_are_what_the_rows_say(
    client: Client, given: dict[str, str], box: tuple[float, float, float, float] | None
) -> None:
    some_records()
    where = {"bbox": ",".join(map(str, box))} if box else {}
    found = client.get("/tiles/counts.json", {**given, **where}).json()
    assert found == expected(box, **given)
    for figure in ("remaining", "hosting"):
        assert sum(found[figure].values()) == found["passing"] <= found["total"]


def test_counts_of_one_utility_are_its_own(client: Client) -> None:
    some_records()
    for code in set(HostingCapacityRecord.objects.values_list("utility__utility_code", flat=True)):
        assert client.get("/tiles/counts.json", {"utility": code}).json() == expected(utility=code)


def test_a_box_across_the_antimeridian_counts_both_of_its_sides(client: Client) -> None:
    run = make_published_run()
    for west in (179.5, -179.9, 0.0):
        make_record(make_feeder(run), geometry=line((west, 50), (west + 0.1, 50.1)))
    assert client.get("/tiles/counts.json?bbox=179,49,-179,51").json()["total"] == 2
    assert client.get("/tiles/counts.json?bbox=-1,49,1,51").json()["total"] == 1
    assert client.get("/tiles/counts.json?bbox=179.55,49,179.55,51").json()["total"] == 1


def test_counts_are_asked_for_again_only_when_something_was_published(client: Client) -> None:
    run = make_published_run()
    make_record(make_feeder(run))
    first = client.get("/tiles/counts.json?min_remaining_mw=1")
    assert first["Cache-Control"] == "no-cache"
    held = {"if-none-match": first["ETag"]}
    assert client.get("/tiles/counts.json?min_remaining_mw=1", headers=held).status_code == 304
    assert client.get("/tiles/counts.json?min_remaining_mw=2", headers=held).status_code == 200
    make_published_run(run.source)
    assert client.get("/tiles/counts.json?min_remaining_mw=1", headers=held).status_code == 200
