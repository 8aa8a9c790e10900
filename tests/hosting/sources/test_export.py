"""A layer as a file, read back with GDAL and Arrow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from hcportal.errors import BadAnswer, HcportalError, IncompleteFetch, MissingField, UnknownName
from hcportal.http import Client
from hosting.sources.export import export_layer
from tests.hosting.sources.faulty import Faulty, Reply, every, rows_where

Serve = Callable[[Faulty], Faulty]

ALL = [".geojsonl", ".geojsons", ".geojsonseq", ".parquet", ".gpkg"]
BY_GDAL = [suffix for suffix in ALL if suffix != ".parquet"]  # the wheel's GDAL has no Parquet driver
NOON = datetime(2025, 10, 31, 12, 0, 0, 250_000, tzinfo=UTC)


def typed(count: int = 2_500) -> Faulty:
    """Rows with a number, a date and text; every fifth without a place or values."""
    server = Faulty(0)
    server.fields += [
        {"name": "STAMP", "alias": "Stamp", "type": "esriFieldTypeDate"},
        {"name": "CUSTOMERS", "alias": "Customers", "type": "esriFieldTypeInteger"},
    ]
    for number in range(1, count + 1):
        row = rows_where(number, STAMP=int(NOON.timestamp() * 1000), CUSTOMERS=number * 10)
        if number % 5 == 0:
            row["geometry"] = None
            row["attributes"] |= {"NAME": None, "MW": None, "STAMP": None, "CUSTOMERS": None}
        server.rows.append(row)
    return server


@pytest.mark.parametrize("suffix", BY_GDAL)
def test_gdal_reads_every_row_place_and_type_back(
    client: Client, serve: Serve, tmp_path: Path, suffix: str
) -> None:
    server = serve(typed())
    output = tmp_path / f"layer{suffix}"
    assert export_layer(client, server.url, output) == 2_500
    assert list(tmp_path.iterdir()) == [output]
    meta, table = pyogrio.read_arrow(output)
    assert meta["crs"] == "EPSG:4326"
    rows = table.to_pylist()
    places = shapely.from_wkb([row[meta["geometry_name"] or "wkb_geometry"] for row in rows])
    assert [row["OBJECTID"] for row in rows] == list(range(1, 2_501))
    first, fifth = rows[0], rows[4]
    assert (first["NAME"], first["MW"], first["CUSTOMERS"]) == ("section 1", 0.125, 10)
    assert first["STAMP"].replace(tzinfo=UTC) == NOON
    assert [fifth[name] for name in ("NAME", "MW", "STAMP", "CUSTOMERS")] == [None] * 4
    assert places[4] is None
    assert places[0] == shapely.LineString(server.rows[0]["geometry"]["paths"][0])


def test_geoparquet_says_what_it_holds(client: Client, serve: Serve, tmp_path: Path) -> None:
    server = serve(typed())
    server.rows[1]["geometry"]["paths"].append([[-71.5, 42.5], [-71.4, 42.6]])
    output = tmp_path / "layer.parquet"
    assert export_layer(client, server.url, output) == 2_500
    table = pq.read_table(output)
    assert {name: str(table.schema.field(name).type) for name in table.schema.names} == {
        "OBJECTID": "int64",
        "NAME": "string",
        "MW": "double",
        "STAMP": "timestamp[ms, tz=UTC]",
        "CUSTOMERS": "int64",
        "geometry": "binary",
    }
    assert table["STAMP"][0].as_py() == NOON
    places = shapely.from_wkb(table["geometry"].to_pylist())
    geo = json.loads((pq.read_metadata(output).metadata or {})[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], column["encoding"]) == ("1.1.0", "WKB")
    assert column["geometry_types"] == ["LineString", "MultiLineString"]
    assert column["bbox"] == shapely.total_bounds(places).tolist()


def test_many_rows_are_written_group_by_group(
    client: Client, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hosting.sources.export.ROWS_AT_ONCE", 1_000)
    server = serve(typed(3_500))
    export_layer(client, server.url, tmp_path / "a.parquet")
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 4
    export_layer(client, server.url, tmp_path / "a.gpkg")
    assert pyogrio.read_info(tmp_path / "a.gpkg")["features"] == 3_500


@pytest.mark.parametrize("suffix", ALL)
def test_a_file_of_attributes_alone(client: Client, serve: Serve, tmp_path: Path, suffix: str) -> None:
    server = serve(typed(10))
    output = tmp_path / f"table{suffix}"
    assert export_layer(client, server.url, output, geometry=False, fields=["MW"], limit=3) == 3
    if suffix == ".parquet":
        assert pq.read_table(output).to_pylist()[2] == {"OBJECTID": 3, "MW": 0.375}
        assert b"geo" not in (pq.read_metadata(output).metadata or {})
    else:
        assert pyogrio.read_info(output)["features"] == 3


def test_fields_called_fid_and_geometry_are_kept(client: Client, serve: Serve, tmp_path: Path) -> None:
    server = Faulty(0, oid="FID")
    server.fields = [
        {"name": "FID", "alias": "Id", "type": "esriFieldTypeOID"},
        {"name": "Geometry", "alias": "G", "type": "esriFieldTypeString"},
    ]
    server.rows = [rows_where(0, FID=7, Geometry="overhead")]
    export_layer(client, serve(server).url, tmp_path / "a.gpkg")
    _, table = pyogrio.read_arrow(tmp_path / "a.gpkg")
    (row,) = table.to_pylist()
    assert (row["FID"], row["Geometry"]) == (7, "overhead")


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".geojsonl"])
def test_an_empty_layer_is_an_empty_file_with_its_columns(
    client: Client, serve: Serve, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"empty{suffix}"
    assert export_layer(client, serve(typed(0)).url, output) == 0
    assert output.exists()


@pytest.mark.parametrize("suffix", ALL)
def test_a_fetch_that_fails_leaves_the_file_of_yesterday(
    client: Client, serve: Serve, tmp_path: Path, suffix: str
) -> None:
    server = serve(typed())
    output = tmp_path / f"layer{suffix}"
    output.write_text("yesterday's")

    def drop(asked: object, reply: Reply) -> Reply | None:
        reply.content["features"] = [
            r for r in reply.content["features"] if r["attributes"]["OBJECTID"] != 2_400
        ]
        return reply

    server.faults.append(every("page", drop))
    with pytest.raises(IncompleteFetch, match="OBJECTID 2400"):
        export_layer(client, server.url, output)
    assert output.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("suffix", ALL)
def test_a_layer_edited_meanwhile_is_written_as_it_is_now(
    client: Client, serve: Serve, tmp_path: Path, suffix: str
) -> None:
    server = typed()
    server.edited = 1_700_000_000_000
    serve(server)

    def edit(asked: object, reply: Reply) -> Reply | None:
        if len(server.asked("page")) == 2:
            server.edited = 1_700_000_500_000
            server.rows.pop()
        return None

    server.faults.append(every("page", edit))
    output = tmp_path / f"layer{suffix}"
    assert export_layer(client, server.url, output) == 2_499
    found = (
        pq.read_metadata(output).num_rows if suffix == ".parquet" else pyogrio.read_info(output)["features"]
    )
    assert found == 2_499


def test_a_value_that_is_not_what_its_column_declares_is_named(
    client: Client, serve: Serve, tmp_path: Path
) -> None:
    server = typed(20)
    server.rows[10]["attributes"]["CUSTOMERS"] = "about 90"
    with pytest.raises(BadAnswer, match="OBJECTID 11: CUSTOMERS is declared Integer and holds 'about 90'"):
        export_layer(client, serve(server).url, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_wrong_outputs_are_refused_before_anything_is_asked(
    client: Client, serve: Serve, tmp_path: Path
) -> None:
    server = serve(typed(1))
    with pytest.raises(UnknownName, match=r"files end in \.geojsonl, .*, not in \.csv"):
        export_layer(client, server.url, tmp_path / "a.csv")
    with pytest.raises(HcportalError, match="does not exist; nothing was fetched"):
        export_layer(client, server.url, tmp_path / "nowhere" / "a.gpkg")
    assert server.log == []
    with pytest.raises(MissingField):
        export_layer(client, server.url, tmp_path / "a.gpkg", fields=["NOPE"])
