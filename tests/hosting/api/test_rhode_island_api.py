"""The API on real input, through the pipeline: 59,535 published sections, against values from the file."""

import csv
import io
import json
from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import pytest
import shapely
from django.test import Client

from tests.conftest import Portal
from tests.factories import make_utility
from tests.hosting.api.asking import GEO_JSON, body, get, pages, problem
from tests.hosting.test_rhode_island import CODE, FILE, features, ingest, rhode_island
from tests.peers.koop import Koop
from tests.reference import reference
from utilities.models import Source

pytestmark = [pytest.mark.koop, pytest.mark.slow]

ROWS = f"/api/v1/utilities/{CODE}/hosting-capacity"
PROVIDENCE = (-71.45, 41.80, -71.38, 41.85)
DOWNTOWN = (-71.4128, 41.8240)
NEARBY = f"/api/v1/hosting-capacity/nearby?lon={DOWNTOWN[0]}&lat={DOWNTOWN[1]}"
# Every endpoint, and what it refuses.
BAD = {
    "/api/v1/utilities": ["limit=0", "limit=1001", "after=a b", "colour=red"],
    f"/api/v1/utilities/{CODE}": ["limit=1"],
    ROWS: ["bbox=1,2,3", "bbox=0,2,1,1", "min_remaining_mw=much", "constraint=Thermal", "limit=0", "after=x"],
    f"{ROWS}/geojson": ["bbox=1,2,3", "min_hosting_mw=NaN", "capacity_type=solar", "variant=a b", "limit=0"],
    f"{ROWS}/summary": ["variant=max"],
    "/api/v1/hosting-capacity/nearby": ["lat=41.8", "lat=91&lon=0", "lat=0&lon=0&radius_km=101"],
    "/api/v1/hosting-capacity/ingestion-runs": ["limit=x", "status=done", "after=-1"],
    f"/api/v1/utilities/{CODE}/ingestion-runs": ["limit=1001", "utility=x"],
}


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

    # Filtered, and page by page.
    following: str | None = f"{ROWS}/geojson?limit=20&{bbox}&min_remaining_mw=1"
    features_found = []
    while following:
        part = get(client, following, GEO_JSON)
        assert part["numberReturned"] == len(part["features"]) <= 20
        features_found += [feature["properties"]["feeder_id_external"] for feature in part["features"]]
        following = part["next"]
    assert len(features_found) == len(set(features_found)) > 20
    assert set(features_found) == {feeder for feeder in inside if best[feeder] >= 1}

    nearby_is_what_the_file_says(client, shapes, best)
    utilities_have_the_totals_of_the_file(client, best)
    for address, queries in BAD.items():
        for query in queries:
            named = {error["parameter"] for error in problem(client, f"{address}?{query}", 400)["errors"]}
            assert named & {word.partition("=")[0] for word in query.split("&")} or named == {"lon"}, query
    an_empty_utility_has_empty_answers(client)

    # The run, and what the terms of this source are in the catalog.
    (told,) = get(client, f"/api/v1/utilities/{CODE}/ingestion-runs")["results"]
    assert get(client, "/api/v1/hosting-capacity/ingestion-runs")["results"] == [told]
    assert get(client, "/api/v1/hosting-capacity/ingestion-runs?status=failed")["results"] == []
    assert (told["id"], told["status"], told["records_fetched"]) == (run.pk, "completed", 59_535)
    assert {row["ingestion_run_id"] for row in rows} == {run.pk}
    etag = client.get(ROWS)["ETag"]
    assert ingest().status == "unchanged"
    assert client.get(ROWS, headers={"if-none-match": etag}).status_code == 304
    Source.objects.update(redistribution="unknown")
    assert "not exported in bulk" in problem(client, f"{ROWS}/geojson", 403)["detail"]
    assert len(get(client, f"{ROWS}/geojson?limit=1000", GEO_JSON)["features"]) == 449


def nearby_is_what_the_file_says(
    client: Client, shapes: dict[str, list[Any]], best: dict[str, float]
) -> None:
    """Distances measured from the file's own coordinates; filters, the radius and the limit."""
    km = {feeder: kilometres(parts) for feeder, parts in shapes.items()}

    def near(query: str) -> Any:
        return get(client, f"{NEARBY}&{query}")

    for radius, least in ((3, None), (3, 2.0), (12, 4.5)):
        query = f"radius_km={radius}&limit=1000" + (f"&min_remaining_mw={least}" if least else "")
        expected = sorted(
            (distance, feeder)
            for feeder, distance in km.items()
            if distance <= radius and (least is None or best[feeder] >= least)
        )
        answer = near(query)
        assert len(expected) > 20
        assert {row["feeder_id_external"] for row in answer["results"]} == {name for _, name in expected}
        assert [row["distance_km"] for row in answer["results"]] == pytest.approx(
            [distance for distance, _ in expected], abs=1e-5
        )
        assert answer["more"] is False
        first = near(query.replace("limit=1000", "limit=7"))
        assert first["results"] == answer["results"][:7]
        assert first["more"] is True
    assert near("radius_km=12&capacity_type=load")["results"] == []
    assert near("radius_km=12&variant=max")["results"] == []


def kilometres(parts: list[Any]) -> float:
    """From DOWNTOWN to the nearest of the parts, on the WGS 84 ellipsoid.

    Each point is laid on a plane by the radii of curvature at the latitude half way to it, which is right to
    less than a millimetre within a few kilometres and to centimetres within twelve.
    """
    axis, squared = 6_378_137.0, 0.00669437999014  # of WGS 84: equatorial radius, eccentricity squared

    def flat(points: Any) -> Any:
        middle = np.radians((points[:, 1] + DOWNTOWN[1]) / 2)
        bent = 1 - squared * np.sin(middle) ** 2
        east = axis / np.sqrt(bent) * np.cos(middle) * np.radians(points[:, 0] - DOWNTOWN[0])
        north = axis * (1 - squared) / bent**1.5 * np.radians(points[:, 1] - DOWNTOWN[1])
        return np.column_stack((east, north))

    laid = shapely.transform(shapely.GeometryCollection(parts), flat)
    return float(shapely.distance(laid, shapely.Point(0, 0))) / 1000


def utilities_have_the_totals_of_the_file(client: Client, best: dict[str, float]) -> None:
    """In the list and alone."""
    one = get(client, f"/api/v1/utilities/{CODE}")
    assert [row for row in get(client, "/api/v1/utilities")["results"] if row["total_feeders"]] == [one]
    assert (one["total_feeders"], one["states"], one["synthetic"]) == (len(best), ["RI"], False)
    assert one["total_remaining_capacity_mw"] == pytest.approx(sum(best.values()), abs=1e-6)


def an_empty_utility_has_empty_answers(client: Client) -> None:
    """Beside one that has something."""
    make_utility("empty")
    for rest in ("hosting-capacity", "hosting-capacity/summary", "ingestion-runs"):
        assert get(client, f"/api/v1/utilities/empty/{rest}")["results"] == []
    nothing = get(client, "/api/v1/utilities/empty/hosting-capacity/geojson", GEO_JSON)
    assert (nothing["features"], nothing["numberReturned"], nothing["next"]) == ([], 0, None)
    lines = body(client.get("/api/v1/utilities/empty/hosting-capacity?format=csv")).decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("id,utility_code,")
    told = get(client, "/api/v1/utilities/empty")
    assert (told["total_feeders"], told["total_remaining_capacity_mw"]) == (None, None)
