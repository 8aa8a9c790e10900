"""The happy path: Koop, which nobody here wrote, with the 59,535 sections of a real utility."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import shapely

from hcportal.http import Client
from hosting.sources.arcgis import fetch, open_layer
from tests.peers.koop import Koop
from tests.reference import reference

pytestmark = pytest.mark.koop


def test_every_section_of_rhode_island_arrives_as_it_is_in_the_file(koop: Koop, client: Client) -> None:
    file = reference("hosting/rhode_island_sections.geojson.gz")
    features = json.loads(gzip.decompress(file.read_bytes()))["features"]
    layer = open_layer(client, koop(file).url)
    assert layer.count == len(features) == 59_535
    number = 0
    for page in fetch(client, layer):
        places = shapely.from_wkb(page.wkb)
        for row, text, place in zip(page.object_ids, page.attributes, places, strict=True):
            expected = features[number]
            number += 1
            assert row == number
            attributes = orjson.loads(text)
            assert attributes["Section_ID"] == expected["properties"]["Section_ID"]
            assert float(attributes["hosting_capacity_mw"]) == expected["properties"]["hosting_capacity_mw"]
            assert shapely.get_coordinates(place).tolist() == [
                vertex
                for line in (
                    [expected["geometry"]["coordinates"]]
                    if expected["geometry"]["type"] == "LineString"
                    else expected["geometry"]["coordinates"]
                )
                for vertex in line
            ]
            assert place.geom_type == expected["geometry"]["type"]
    assert number == 59_535


def test_a_small_page_of_the_servers_is_kept_to(koop: Koop, client: Client) -> None:
    file = reference("hosting/rhode_island_sections.geojson.gz")
    layer = open_layer(client, koop(file).url)
    pages = list(fetch(client, layer, where="OBJECTID<=1000", page_size=130, geometry=False))
    assert [number for page in pages for number in page.object_ids] == list(range(1, 1_001))
    assert max(len(page.object_ids) for page in pages) == 130


def served(koop: Koop, folder: Path, *geometries: Any) -> str:
    features = [{"type": "Feature", "properties": {"N": i}, "geometry": g} for i, g in enumerate(geometries)]
    file = folder / "odd.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return koop(file).url


def test_rows_without_a_place_are_kept(koop: Koop, client: Client, tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[-71.5, 41.5], [0, 0]]}
    (page,) = fetch(client, open_layer(client, served(koop, tmp_path, line, None, line)))
    assert page.attributes[1] == '{"OBJECTID":"2","N":"1"}'
    there = shapely.LineString([[-71.5, 41.5], [0, 0]])
    assert shapely.from_wkb(page.wkb).tolist() == [there, None, there]


def test_holes_stay_holes_though_koop_turns_rings_around(koop: Koop, client: Client, tmp_path: Path) -> None:
    shell, hole = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]
    beside = [[[9, 0], [10, 0], [10, 1], [9, 0]]]
    polygon = {"type": "MultiPolygon", "coordinates": [[shell, hole], beside]}
    (page,) = fetch(client, open_layer(client, served(koop, tmp_path, polygon)))
    assert shapely.from_wkb(page.wkb[0]).equals(shapely.from_geojson(json.dumps(polygon)))
