"""The API on real input, through the pipeline: 59,535 published sections, against values from the file."""

import csv
import io
import json
from collections import defaultdict
from itertools import product
from typing import Any

import pytest
import shapely
from django.db import connection
from django.test import Client

from tests.conftest import Portal
from tests.hosting.api.asking import GEO_JSON, body, get, pages, problem
from tests.hosting.test_rhode_island import CODE, FILE, features, ingest, rhode_island
from tests.peers.koop import Koop
from tests.reference import reference
from utilities.models import Source

pytestmark = [pytest.mark.koop, pytest.mark.slow]

ROWS = f"/api/v1/utilities/{CODE}/hosting-capacity"
PROVIDENCE = (-71.45, 41.80, -71.38, 41.85)
METRES_FROM_PROVIDENCE = """
SELECT feeder_id_external, ST_Distance(geometry::geography, 'POINT(-71.4128 41.8240)'::geography)
FROM hosting_hostingcapacityrecord
"""


def test_every_endpoint_says_what_the_file_says(portal: Portal, koop: Koop, client: Client) -> None:
    """One ingest, which is what takes long, and then every question."""
    file = reference(FILE)
    portal.add(rhode_island(koop(file).url))
    run = ingest()
    Source.objects.update(redistribution="allowed")
    published = features(file)
    megawatts: dict[str, list[float]] = defaultdict(list)
    shapes: dict[str, list[Any]] = defaultdict(list)
    for feature in published:
        feeder = feature["properties"]["Network_ID"]
        megawatts[feeder].append(feature["properties"]["hosting_capacity_mw"])
        shapes[feeder].append(shapely.from_geojson(json.dumps(feature["geometry"])))

    # Rows: each feeder once, with the highest of its sections, which is also what remains here.
    rows = [row for found in pages(client, f"{ROWS}?limit=97") for row in found]
    assert len(rows) == 449
    assert {row["feeder_id_external"]: row["hosting_capacity_mw"] for row in rows} == {
        feeder: pytest.approx(max(values), abs=5e-6) for feeder, values in megawatts.items()
    }
    for row in rows:
        values = megawatts[row["feeder_id_external"]]
        assert row["hosting_capacity_min_mw"] == pytest.approx(min(values), abs=5e-6)
        assert (row["remaining_capacity_mw"], row["remaining_basis"]) == (
            row["hosting_capacity_mw"],
            "hosting",
        )
        point = shapely.Point(row["centroid_lon"], row["centroid_lat"])
        assert shapely.distance(point, shapely.GeometryCollection(shapes[row["feeder_id_external"]])) < 1e-9

    # Filters.
    def found(query: str) -> set[str]:
        return {row["feeder_id_external"] for row in get(client, f"{ROWS}?limit=1000&{query}")["results"]}

    best = {feeder: round(max(values), 5) for feeder, values in megawatts.items()}
    box = shapely.box(*PROVIDENCE)
    inside = {feeder for feeder, parts in shapes.items() if shapely.intersects(parts, box).any()}
    contained = {feeder for feeder, parts in shapes.items() if shapely.within(parts, box).all()}
    bbox = "bbox=" + ",".join(map(str, PROVIDENCE))
    assert contained < inside < set(best)
    assert found(bbox) == inside
    assert found("min_hosting_mw=3") == {feeder for feeder, mw in best.items() if mw >= 3}
    assert found("max_remaining_mw=0") == {feeder for feeder, mw in best.items() if mw <= 0}
    assert found(f"{bbox}&min_remaining_mw=1&max_remaining_mw=4") == {
        feeder for feeder in inside if 1 <= best[feeder] <= 4
    }

    # All combinations of filters.
    choices: dict[str, list[str | None]] = {
        "bbox": [None, ",".join(map(str, PROVIDENCE))],
        "min_remaining_mw": [None, "0.75"],
        "max_remaining_mw": [None, "3.5"],
        "min_hosting_mw": [None, "2"],
        "constraint": [None, "thermal"],  # none was published
        "variant": [None, "max"],  # nor another variant
        "capacity_type": [None, "load"],
    }
    for chosen in product(*choices.values()):
        given = {name: value for name, value in zip(choices, chosen, strict=True) if value is not None}
        expected_names = {
            feeder
            for feeder, mw in best.items()
            if ("bbox" not in given or feeder in inside)
            and max(float(given.get("min_remaining_mw", "-9")), float(given.get("min_hosting_mw", "-9")))
            <= mw
            and mw <= float(given.get("max_remaining_mw", "999"))
            and not {"constraint", "variant", "capacity_type"} & set(given)
        }
        assert found("&".join(f"{name}={value}" for name, value in given.items())) == expected_names, given

    # To the end of the pages, every row once, whatever their size.
    for size, query in product((10, 448, 449, 1000), ("", "&min_hosting_mw=3")):
        paged = pages(client, f"{ROWS}?limit={size}{query}")
        assert {len(page) for page in paged[:-1]} <= {size}
        names = [row["feeder_id_external"] for page in paged for row in page]
        expected_names = {feeder for feeder, mw in best.items() if not query or mw >= 3}
        assert len(names) == len(expected_names)
        assert set(names) == expected_names

    # Sums, and the whole as a file.
    (summary,) = get(client, f"{ROWS}/summary")["results"]
    assert summary["total_feeders"] == len(best)
    assert summary["total_hosting_capacity_mw"] == pytest.approx(sum(best.values()), abs=1e-6)
    assert summary["constrained_feeders_count"] == sum(mw < 1 for mw in best.values())
    text = body(client.get(f"{ROWS}?format=csv")).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(int(line["id"]), float(line["hosting_capacity_mw"])) for line in lines] == [
        (row["id"], row["hosting_capacity_mw"]) for row in rows
    ]

    # GeoJSON: the same rows, and every line of every section.
    collection = get(client, f"{ROWS}/geojson", GEO_JSON)
    assert [feature["properties"] for feature in collection["features"]] == rows
    for feature in collection["features"]:
        parts = shapes[feature["properties"]["feeder_id_external"]]
        written = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shapely.get_num_geometries(written) == shapely.get_num_geometries(parts).sum()
        assert shapely.get_num_coordinates(written) == shapely.get_num_coordinates(parts).sum()
        assert written.bounds == pytest.approx(shapely.total_bounds(parts).tolist(), abs=1e-6)

    # Nearby, against a measurement of everything.
    with connection.cursor() as cursor:
        cursor.execute(METRES_FROM_PROVIDENCE)
        by_distance = sorted((metres, feeder) for feeder, metres in cursor.fetchall())
    near = get(client, "/api/v1/hosting-capacity/nearby?lat=41.8240&lon=-71.4128&radius_km=3&limit=500")
    expected = [(metres, feeder) for metres, feeder in by_distance if metres <= 3000]
    assert len(expected) > 20
    assert [row["distance_km"] for row in near["results"]] == pytest.approx(
        [metres / 1000 for metres, _ in expected], abs=1e-6
    )
    assert {row["feeder_id_external"] for row in near["results"]} == {feeder for _, feeder in expected}

    # The run, and what the terms of this source are in the catalog.
    (told,) = get(client, f"/api/v1/utilities/{CODE}/ingestion-runs")["results"]
    assert (told["id"], told["status"], told["records_fetched"]) == (run.pk, "completed", 59_535)
    assert {row["ingestion_run_id"] for row in rows} == {run.pk}
    etag = client.get(ROWS)["ETag"]
    assert ingest().status == "unchanged"
    assert client.get(ROWS, headers={"if-none-match": etag}).status_code == 304
    Source.objects.update(redistribution="unknown")
    assert "not exported in bulk" in problem(client, f"{ROWS}/geojson", 403)["detail"]
    assert len(get(client, f"{ROWS}/geojson?limit=1000", GEO_JSON)["features"]) == 449
