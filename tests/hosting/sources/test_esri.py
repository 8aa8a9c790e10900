"""Esri geometry to WKB, with GDAL as the oracle where GDAL is right and shapely where it is not."""

from __future__ import annotations

import json
import random
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from hosting.sources import esri
from hosting.sources.collector import collector_paused
from hosting.sources.esri import UnreadableGeometry, to_wkb
from tests.reference import reference

Json = dict[str, Any]


def ours(geometry: Json | None) -> BaseGeometry | None:
    wkb = to_wkb(geometry)
    return shapely.from_wkb(wkb) if wkb else None


def gdal(answer: Json, folder: Path) -> list[BaseGeometry | None]:
    """The geometries of a query's answer as GDAL's ESRIJSON driver reads them, in two dimensions."""
    file = folder / "answer.json"
    file.write_text(json.dumps(answer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of object ids that occur twice in what was recorded
        wkb = pyogrio.raw.read(file, force_2d=True)[2]
    return [shapely.from_wkb(one) if one is not None else None for one in wkb]


def same(one: BaseGeometry | None, other: BaseGeometry | None) -> bool:
    """Equal but for the order of parts and rings, their direction and starting point."""
    if one is None or other is None:
        return (one is None or one.is_empty) and (other is None or other.is_empty)
    return bool(shapely.normalize(one) == shapely.normalize(other))


def answer(kind: str, *geometries: Json | None, **more: Any) -> Json:
    return {
        "geometryType": f"esriGeometry{kind}",
        "spatialReference": {"wkid": 4326},
        "fields": [{"name": "N", "type": "esriFieldTypeInteger"}],
        "features": [{"attributes": {"N": n}, "geometry": g} for n, g in enumerate(geometries)],
        **more,
    }


# --- What other servers sent --------------------------------------------------------------------------------

RECORDED = [
    "arcgis/esri_geojson_pairs/arcgis__LineHasM.json",
    "arcgis/esri_geojson_pairs/arcgis__LineHasZ.json",
    "arcgis/esri_geojson_pairs/arcgis__LineHasZM.json",
    "arcgis/esri_geojson_pairs/arcgis__PointHasM.json",
    "arcgis/esri_geojson_pairs/arcgis__PointHasZ.json",
    "arcgis/esri_geojson_pairs/arcgis__PointHasZM.json",
    "arcgis/esri_geojson_pairs/arcgis__PolygonHasM.json",
    "arcgis/esri_geojson_pairs/arcgis__PolygonHasZ.json",
    "arcgis/esri_geojson_pairs/arcgis__PolygonHasZM.json",
    "arcgis/esri_geojson_pairs/arcgis__arcGISLineResponse.json",
    "arcgis/esri_geojson_pairs/arcgis__arcGISPointResponse.json",
    "arcgis/esri_geojson_pairs/arcgis__arcGISPolygonResponse.json",
    "arcgis/recorded_servers/us-ca-carson__us-ca-carson-0.json",
    "arcgis/recorded_servers/us-ca-tuolumne__us-ca-tuolumne-0.json",
    "arcgis/recorded_servers/us-esri-test__us-esri-test-0.json",
    "arcgis/recorded_servers/us-fl-polk__us-fl-polk-0.json",
]


def flat(recorded: Json) -> Json:
    """Paths with a null M cut to two dimensions: GDAL loses those lines altogether."""
    content: Json = json.loads(json.dumps(recorded))
    for feature in content["features"]:
        for path in (feature.get("geometry") or {}).get("paths", []):
            if any(None in vertex for vertex in path):
                path[:] = [vertex[:2] for vertex in path]
                feature["geometry"] |= {"hasZ": False, "hasM": False}
    return content


@pytest.mark.parametrize("file", RECORDED)
def test_recorded_answers_read_as_gdal_reads_them(file: str, tmp_path: Path) -> None:
    recorded = json.loads(reference(file).read_text())
    expected = gdal(flat(recorded), tmp_path)
    found = [ours(feature.get("geometry")) for feature in recorded["features"]]
    assert len(found) == len(expected) > 0
    assert all(same(mine, theirs) for mine, theirs in zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", ["Line", "Point", "Polygon"])
def test_a_layer_published_both_ways_has_the_same_places(kind: str) -> None:
    folder = reference("arcgis/esri_geojson_pairs")
    esri = json.loads((folder / f"arcgis__arcGIS{kind}Response.json").read_text())
    geojson = json.loads((folder / f"geojson__geoJSON{kind}Response.json").read_text())
    to_degrees = degrees_of_mercator if esri["spatialReference"].get("wkid") == 102100 else (lambda g: g)
    assert len(esri["features"]) == len(geojson["features"]) > 0
    for one, other in zip(esri["features"], geojson["features"], strict=True):
        mine = ours(one["geometry"])
        assert mine is not None
        theirs = shapely.from_geojson(json.dumps(other["geometry"]))
        assert shapely.normalize(to_degrees(mine)).equals_exact(shapely.normalize(theirs), 1e-6)


def degrees_of_mercator(geometry: BaseGeometry) -> BaseGeometry:
    """From EPSG:3857 to EPSG:4326, by the formula of the sphere."""

    def degrees(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        radius = 6378137.0
        lat = 2 * np.arctan(np.exp(xy[:, 1] / radius)) - np.pi / 2
        return np.column_stack([np.degrees(xy[:, 0] / radius), np.degrees(lat)])

    moved: BaseGeometry = shapely.transform(geometry, degrees)
    return moved


def as_esri(geometry: Json | None) -> Json | None:
    """GeoJSON to Esri JSON, the plain way."""
    if geometry is None or not geometry.get("coordinates"):
        return None
    kind, places = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        return {"x": places[0], "y": places[1]}
    if kind in {"Polygon", "MultiPolygon"}:
        return {"rings": places if kind == "Polygon" else [ring for polygon in places for ring in polygon]}
    return {"paths": [places] if kind == "LineString" else places}


def test_koops_odd_collections_keep_their_places() -> None:
    seen = 0
    for file in sorted(reference("arcgis/koop_winnow").iterdir()):
        collection = json.loads(file.read_text())
        features = collection.get("features", []) if isinstance(collection, dict) else []
        for feature in features:
            geometry = feature.get("geometry") if feature.get("type") == "Feature" else None
            if not geometry or "coordinates" not in geometry:
                continue
            expected = shapely.from_geojson(json.dumps(geometry))
            found = ours(as_esri(geometry))
            if expected.is_empty:
                assert found is None, file.name
            elif expected.is_valid:
                assert found is not None
                assert found.equals(expected), file.name
            seen += 1
    assert seen > 50


# --- Odd geometries, one by one -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nowhere",
    [
        None,
        {},
        {"paths": []},
        {"paths": [[]]},
        {"paths": [[[1, 2]]]},
        {"rings": []},
        {"rings": [[[0, 0], [1, 1], [0, 0]]]},
        {"points": []},
        {"x": "NaN", "y": "NaN"},
        {"x": None, "y": None},
        {"paths": [[["NaN", "NaN"], [1, 1]]]},
    ],
)
def test_what_has_no_place_is_none(nowhere: Json | None) -> None:
    assert to_wkb(nowhere) is None


@pytest.mark.parametrize(
    ("geometry", "wkt"),
    [
        ({"x": 0, "y": 0}, "POINT (0 0)"),
        ({"x": 0.0, "y": 41.5, "z": 3, "m": 4}, "POINT (0 41.5)"),
        ({"x": "-71.5", "y": "41.5"}, "POINT (-71.5 41.5)"),
        ({"points": [[0, 0], [1, 2, 9]]}, "MULTIPOINT ((0 0), (1 2))"),
        ({"paths": [[[0, 0], [1, 0]]]}, "LINESTRING (0 0, 1 0)"),
        ({"paths": [[[0, 0, 7], [1, 0, 7]]], "hasZ": True}, "LINESTRING (0 0, 1 0)"),
        ({"paths": [[[0, 0, 7, None], [1, 0, 7, None]]], "hasM": True}, "LINESTRING (0 0, 1 0)"),
        ({"paths": [[[0, 0, "NaN"], [1, 0, "NaN"]]], "hasM": True}, "LINESTRING (0 0, 1 0)"),
        ({"paths": [[[0, 0], ["NaN", "NaN"], [1, 0]]]}, "LINESTRING (0 0, 1 0)"),
        ({"paths": [[[0, 0], [1, 0]], [[5, 5]]]}, "LINESTRING (0 0, 1 0)"),
        ({"paths": [[[0, 0], [1, 0]], [[2, 0], [3, 0]]]}, "MULTILINESTRING ((0 0, 1 0), (2 0, 3 0))"),
        ({"paths": [[[0, 0], [0, 0]]]}, "LINESTRING (0 0, 0 0)"),
        ({"rings": [[[0, 0], [0, 1], [1, 1]]]}, "POLYGON ((0 0, 0 1, 1 1, 0 0))"),
    ],
)
def test_odd_geometries(geometry: Json, wkt: str) -> None:
    assert ours(geometry) == shapely.from_wkt(wkt)


def test_wkb_is_two_dimensional_and_little_endian() -> None:
    wkb = to_wkb({"paths": [[[1, 2, 3], [4, 5, 6]]]})
    assert wkb == shapely.to_wkb(shapely.LineString([(1, 2), (4, 5)]), byte_order=1)


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        ({"curvePaths": [[[0, 0], {"c": [[1, 1], [2, 0]]}]]}, "true curves"),
        ({"curveRings": [[[0, 0], {"a": [[1, 1], [2, 0]]}]]}, "true curves"),
        ({"paths": [[[0, 0], {"c": [[1, 1], [2, 0]]}]]}, "true curves"),
        ({"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1}, "unknown kind"),
        ({"paths": [[[0], [1]]]}, "not as Esri defines"),
        ({"paths": [[[1], [2, 3, 4]]]}, "not as Esri defines"),  # as many numbers as two pairs have
        ({"paths": [[[1, 2, 3], [4], [5, 6]]]}, "not as Esri defines"),
        ({"paths": [["12", "34"]]}, "not as Esri defines"),
        ({"rings": "none"}, "not as Esri defines"),
    ],
)
def test_what_cannot_be_kept_as_it_is_is_an_error(geometry: Json, reason: str) -> None:
    with pytest.raises(UnreadableGeometry, match=reason):
        to_wkb(geometry)


# --- Polygons -----------------------------------------------------------------------------------------------

OUTER = [[0, 0], [0, 10], [10, 10], [10, 0], [0, 0]]  # clockwise, as Esri winds shells
HOLE = [[2, 2], [8, 2], [8, 8], [2, 8], [2, 2]]
ISLAND = [[4, 4], [4, 6], [6, 6], [6, 4], [4, 4]]
OTHER = [[20, 0], [20, 5], [25, 5], [25, 0], [20, 0]]
TOUCHING = [[0, 0], [5, 1], [1, 5], [0, 0]]  # touches the shell in a corner


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 1, 3, 0]])
def test_holes_islands_and_shells_come_in_any_order_and_winding(
    order: list[int], reverse: bool, tmp_path: Path
) -> None:
    rings = [[OUTER, HOLE, ISLAND, OTHER][i] for i in order]
    if reverse:
        rings = [ring[::-1] for ring in rings]
    expected = shapely.MultiPolygon([(OUTER, [HOLE]), (ISLAND, []), (OTHER, [])])
    found = ours({"rings": rings})
    assert same(found, expected)
    if not reverse:  # GDAL trusts the winding, and where it is reversed turns shells into holes
        assert same(found, gdal(answer("Polygon", {"rings": rings}), tmp_path)[0])


@pytest.mark.parametrize("reverse", [False, True])
def test_one_ring_with_the_wrong_winding_is_still_a_hole(reverse: bool) -> None:
    hole = HOLE[::-1] if reverse else HOLE
    assert same(ours({"rings": [hole, OUTER]}), shapely.Polygon(OUTER, [HOLE]))


def test_a_hole_may_touch_its_shell() -> None:
    assert same(ours({"rings": [OUTER, TOUCHING]}), shapely.Polygon(OUTER, [TOUCHING]))


def test_shells_that_touch_are_no_holes() -> None:
    beside = [[10, 0], [10, 10], [20, 10], [20, 0], [10, 0]]
    assert same(ours({"rings": [OUTER, beside]}), shapely.MultiPolygon([(OUTER, []), (beside, [])]))


def test_a_repeated_ring_counts_once() -> None:
    assert same(ours({"rings": [OUTER, OUTER, HOLE]}), shapely.Polygon(OUTER, [HOLE]))


@st.composite
def nested_polygons(draw: st.DrawFn) -> shapely.MultiPolygon:
    """Stars side by side, with holes in them and sometimes islands in the holes."""
    parts: list[shapely.Polygon] = []
    for column in range(draw(st.integers(1, 4))):
        shell = draw(star(10.0))
        holes: list[BaseGeometry] = []
        islands: list[BaseGeometry] = []
        for _ in range(draw(st.integers(0, 3))):
            hole = translate(draw(star(1.0)), draw(st.floats(-5, 5)), draw(st.floats(-5, 5)))
            if shell.contains_properly(hole) and all(hole.disjoint(other) for other in holes):
                holes.append(hole)
                island = shapely.affinity.scale(hole, 0.2, 0.2, origin=hole.representative_point())
                if draw(st.booleans()) and hole.contains_properly(island):
                    islands.append(island)
        moved = [shapely.Polygon(shell.exterior, [hole.exterior for hole in holes]), *islands]
        parts += [translate(part, 25.0 * column, 0) for part in moved]
    return shapely.MultiPolygon(parts)


@st.composite
def star(draw: st.DrawFn, radius: float) -> shapely.Polygon:
    corners = draw(st.integers(3, 12))
    lengths = draw(st.lists(st.floats(0.3, 1.0), min_size=corners, max_size=corners))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return shapely.Polygon(
        np.column_stack([np.cos(angles), np.sin(angles)]) * np.array(lengths)[:, None] * radius
    )


@settings(deadline=None)
@given(nested_polygons(), st.randoms(use_true_random=False))
def test_any_polygon_survives_shuffled_and_reversed_rings(polygon: shapely.MultiPolygon, chance: Any) -> None:
    rings = [ring for part in polygon.geoms for ring in (part.exterior, *part.interiors)]
    written = [[list(place) for place in ring.coords] for ring in rings]
    written = [ring[::-1] if chance.random() < 0.5 else ring for ring in written]
    chance.shuffle(written)
    expected = polygon if len(polygon.geoms) > 1 else polygon.geoms[0]
    assert same(ours({"rings": written}), expected)


@settings(deadline=None)
@given(nested_polygons())
def test_gdal_agrees_on_polygons_in_esris_own_winding(polygon: shapely.MultiPolygon) -> None:
    turned = [shapely.orient_polygons(part, exterior_cw=True) for part in polygon.geoms]
    rings = [[list(p) for p in ring.coords] for part in turned for ring in (part.exterior, *part.interiors)]
    with tempfile.TemporaryDirectory() as folder:
        (theirs,) = gdal(answer("Polygon", {"rings": rings}), Path(folder))
    assert same(ours({"rings": rings}), theirs)


def any_rings(chance: random.Random, count: int) -> list[list[tuple[float, float]]]:
    """Rings on a coarse grid: nested, side by side, touching, crossing, flat, repeated, of either winding."""
    rings = []
    for _ in range(count):
        x, y, width, height = (chance.randrange(n) for n in (40, 40, 12, 12))
        corners = [(x, y), (x, y + height), (x + width, y + height), (x + width, y)]
        chance.shuffle(corners)
        rings.append([(float(a), float(b)) for a, b in (*corners, corners[0])])
    return rings + chance.sample(rings, count // 10)


@pytest.mark.parametrize("seed", range(40))
def test_many_rings_are_nested_as_few_are(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rings = any_rings(random.Random(seed), 10 + 10 * seed)
    expected = esri.nest(rings)
    monkeypatch.setattr(esri, "MANY_RINGS", 0)
    assert esri.nest(rings) == expected


# --- Speed --------------------------------------------------------------------------------------------------


def test_lines_take_a_small_fraction_of_gdals_time(tmp_path: Path) -> None:
    path = [[-71.70031 + i / 1e4, 41.71299 + i / 1e4] for i in range(12)]
    page = answer("Polyline", *[{"paths": [path]}] * 5_000)
    started = time.process_time()
    gdal(page, tmp_path)
    theirs = time.process_time() - started
    body = orjson.dumps(page)
    started = time.process_time()
    with collector_paused():
        for feature in orjson.loads(body)["features"]:
            to_wkb(feature["geometry"])
    assert time.process_time() - started < theirs / 3


def test_rings_by_the_thousand_are_not_compared_pair_by_pair() -> None:
    side = 110
    rings = [
        [[x, y], [x, y + 0.5], [x + 0.5, y + 0.5], [x + 0.5, y], [x, y]]
        for x in range(side)
        for y in range(side)
    ]
    hole = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2], [0.1, 0.1]]
    started = time.process_time()
    found = to_wkb({"rings": [hole, *rings]})
    assert time.process_time() - started < 1  # pair by pair it takes five
    polygons = shapely.get_parts(shapely.from_wkb(found))
    assert len(polygons) == side**2
    assert [len(polygon.interiors) for polygon in polygons[:2]] == [1, 0]
