"""The happy path: Koop, which nobody here wrote, with the 59,535 sections of a real utility."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import shapely
from django.core.management import call_command
from pytest_django import Settings

from hcportal.http import Client
from hosting.sources.arcgis import fetch, open_layer
from tests.peers.koop import Koop
from tests.reference import reference
from utilities.catalog_files import read_entry

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


def test_an_unknown_service_is_drafted_as_the_schema_takes_it(
    koop: Koop, settings: Settings, tmp_path: Path
) -> None:
    settings.HCP_ALLOW_LOOPBACK = True
    settings.HCP_PACE = tmp_path / "pace"
    features = [
        {
            "type": "Feature",
            "properties": {
                "SEG_GUID": f"{{{i:04}}}",
                "CKT": f"0{i // 20}",
                "SUBST_NM": f"Sub {i // 100}",
                "KVNOM": [4.16, 12.47, 24.9][i % 3],
                "GEN_AVAIL": "N/A" if i % 5 == 0 else str(12.5 * (i % 90)),
                "DER_QUEUED": [0, 125.5][i % 2],
                "STUDY_DT": f"{i % 12 + 1}/{i % 28 + 1}/2025",
            },
            "geometry": {"type": "LineString", "coordinates": [[-90 + i / 1e3, 43], [-90 + i / 1e3, 43.01]]},
        }
        for i in range(300)
    ]
    file = tmp_path / "unknown.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    out = io.StringIO()
    service = koop(file).url.removesuffix("/0")
    call_command("ingest_hosting_capacity", discover=service, stdout=out)
    listing, _, draft = out.getvalue().partition("# A draft")
    assert "300 rows" in listing
    entry = tmp_path / "name-me.yaml"
    entry.write_text(
        "#" + draft.replace(service, "https://gis.example.org/arcgis/rest/services/x/FeatureServer")
    )
    [source] = read_entry(entry).sources
    read = {column: (reading.reader, reading.field) for column, reading in source.fields.readings().items()}
    assert (source.grain, source.key, source.status) == ("section", ("SEG_GUID",), "unverified")
    assert read == {
        "feeder_id": ("id", "CKT"),
        "substation_name": ("text", "SUBST_NM"),
        "voltage_kv": ("kv", "KVNOM"),
        "record_date": ("date", "STUDY_DT"),
    }
    figure = {column: reading.field for column, reading in source.figures[0].readings().items()}
    assert figure == {"hosting_capacity_mw": "GEN_AVAIL", "queued_dg_mw": "DER_QUEUED"}
    assert "unit kw (for its highest value is 1,112.5)" in source.notes
    assert "GEN_AVAIL (by name and values; 12.5 to 1,112.5 and 'N/A'; read as kw)" in draft
