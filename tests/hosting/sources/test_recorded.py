"""A folder answers like a server, through the very client that reads servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hcportal.errors import RefusedAddress, ServiceError
from hcportal.http import Client
from hosting.sources.arcgis import fetch, open_layer
from tests.hosting.sources.faulty import Faulty, rows_where
from tests.reference import reference


def record(root: Path, name: str, rows: list[dict[str, Any]], *, pages: int = 1, most: int = 100) -> Path:
    folder = root / name / "0"
    folder.mkdir(parents=True)
    layer = Faulty(0, max_record_count=most).layer() | {"name": f"layer of {name}"}
    (folder / "layer.json").write_text(json.dumps(layer))
    step = max(1, -(-len(rows) // pages))
    for number, start in enumerate(range(0, len(rows), step)):
        page = {
            "objectIdFieldName": "OBJECTID",
            "fields": layer["fields"],
            "features": rows[start : start + step],
        }
        file = "features.json" if pages == 1 else f"page-{number:03}.json"
        (folder / file).write_text(json.dumps(page))
    return folder


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Client]:
    with Client(recorded_root=tmp_path) as client:
        yield client


@pytest.mark.parametrize("pages", [1, 3])
def test_a_recorded_layer_is_read_whole(replay: Client, tmp_path: Path, pages: int) -> None:
    rows = [rows_where(number) for number in range(1, 251)]
    record(tmp_path, "demo", rows[::-1], pages=pages)
    layer = open_layer(replay, "recorded://demo/FeatureServer/0")
    assert (layer.name, layer.count, layer.max_record_count) == ("layer of demo", 250, 100)
    found = list(fetch(replay, layer))
    assert [number for page in found for number in page.object_ids] == list(range(1, 251))
    assert [len(page.object_ids) for page in found] == [100, 100, 50]
    assert orjson.loads(found[0].attributes[7]) == {"OBJECTID": "8", "NAME": "section 8", "MW": "1.0"}
    assert all(wkb for page in found for wkb in page.wkb)


def test_columns_and_geometry_are_sent_as_asked(replay: Client, tmp_path: Path) -> None:
    record(tmp_path, "demo", [rows_where(1)])
    layer = open_layer(replay, "recorded://demo/FeatureServer/0")
    (page,) = fetch(replay, layer, fields=["MW"], geometry=False)
    assert (page.attributes, page.wkb) == (['{"OBJECTID":"1","MW":"0.125"}'], [None])


def test_its_limit_is_honoured_by_ids_and_by_offset(replay: Client, tmp_path: Path) -> None:
    record(tmp_path, "demo", [rows_where(number) for number in range(1, 31)], most=10)
    url = "recorded://demo/FeatureServer/0/query"
    by_ids = replay.get_json(url, {"objectIds": ",".join(map(str, range(1, 21)))})
    assert (len(by_ids["features"]), by_ids["exceededTransferLimit"]) == (10, True)
    last = replay.get_json(url, {"where": "1=1", "resultOffset": "25", "resultRecordCount": "10"})
    assert [row["attributes"]["OBJECTID"] for row in last["features"]] == [26, 27, 28, 29, 30]
    assert "exceededTransferLimit" not in last


def test_a_page_that_is_written_anew_is_read_anew(replay: Client, tmp_path: Path) -> None:
    folder = record(tmp_path, "demo", [rows_where(1)])
    layer = open_layer(replay, "recorded://demo/FeatureServer/0")
    assert layer.count == 1
    page = json.loads((folder / "features.json").read_text())
    page["features"].append(rows_where(2))
    (folder / "features.json").write_text(json.dumps(page))
    assert open_layer(replay, "recorded://demo/FeatureServer/0").count == 2


def test_an_unknown_filter_is_refused_and_never_ignored(replay: Client, tmp_path: Path) -> None:
    record(tmp_path, "demo", [rows_where(1)])
    layer = open_layer(replay, "recorded://demo/FeatureServer/0")
    with pytest.raises(ServiceError, match="recorded layers know filters on OBJECTID only"):
        list(fetch(replay, layer, where="NAME='x'"))


@pytest.mark.parametrize(
    "url",
    [
        "recorded://../FeatureServer/0",
        "recorded://..%2F..%2Fetc/FeatureServer/0",
        "recorded://demo/../../secret/FeatureServer/0",
        "recorded://demo/%2e%2e/secret/FeatureServer/0",
        "recorded://.hidden/FeatureServer/0",
        "recorded://nothing/FeatureServer/0",
        "recorded://demo/FeatureServer/9",
    ],
)
def test_nothing_outside_the_recordings_is_read(replay: Client, tmp_path: Path, url: str) -> None:
    record(tmp_path, "demo", [rows_where(1)])
    record(tmp_path.parent, f"{tmp_path.name}-secret", [rows_where(1)])
    with pytest.raises((ServiceError, RefusedAddress)):
        open_layer(replay, url)


def test_recordings_are_refused_where_none_are_configured() -> None:
    with Client() as client, pytest.raises(RefusedAddress, match="only https"):
        open_layer(client, "recorded://demo/FeatureServer/0")


@pytest.mark.parametrize("name", ["us-fl-polk", "us-esri-test"])
def test_what_pyesridump_recorded_of_real_servers_is_read(replay: Client, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "0"
    folder.mkdir(parents=True)
    recorded = reference("arcgis/recorded_servers")
    (folder / "layer.json").write_bytes((recorded / f"{name}__{name}-metadata.json").read_bytes())
    (folder / "features.json").write_bytes((recorded / f"{name}__{name}-0.json").read_bytes())
    layer = open_layer(replay, f"recorded://{name}/FeatureServer/0")
    expected = json.loads((folder / "features.json").read_text())["features"]
    numbers = sorted(row["attributes"][layer.object_id_field] for row in expected)
    pages = list(fetch(replay, layer))
    assert [number for page in pages for number in page.object_ids] == numbers
