"""What GDAL reads: every format gives the same rows in EPSG:4326, and hostile files are refused."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from openpyxl import Workbook

from hcportal.errors import BadAnswer
from tests.hosting.sources.files.reading import read

LINES = [[(-71.5, 41.5), (-71.4, 41.6)], [(-71.3, 41.5), (-71.2, 41.5), (-71.1, 41.7)]]
FEEDERS = ["007", "8"]
DRIVERS = {"geojson": "GeoJSON", "gpkg": "GPKG", "shapefile": "ESRI Shapefile", "kml": "LIBKML"}


def written(
    folder: Path, kind: str, *, lines: Any = LINES, crs: str = "EPSG:4326", name: str = "feeders"
) -> Path:
    """A file of two lines in the given format; a Shapefile zipped."""
    suffix = {"shapefile": "shp"}.get(kind, kind)
    file = folder / f"{name}.{suffix}"
    pyogrio.raw.write(
        file,
        geometry=np.array(shapely.to_wkb([shapely.LineString(line) for line in lines]), dtype=object),
        field_data=[np.array(FEEDERS, dtype=object), np.array([1.5, 0.25])],
        fields=["FEEDER", "HC_MW"],
        geometry_type="LineString",
        crs=crs,
        driver=DRIVERS[kind],
    )
    if kind != "shapefile":
        return file
    archive = folder / f"{name}.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for part in folder.glob(f"{name}.*"):
            if part.suffix != ".zip":
                zipped.write(part, f"inner/{part.name}")
                part.unlink()
    return archive


def vertices(wkb: bytes) -> list[tuple[float, float]]:
    assert struct.unpack_from("<BI", wkb) == (1, 2)
    return [(round(x, 6), round(y, 6)) for x, y in shapely.from_wkb(wkb).coords]


@pytest.mark.parametrize("kind", DRIVERS)
def test_each_format_gives_the_same_rows(tmp_path: Path, kind: str) -> None:
    file = written(tmp_path, kind)
    rows = read(tmp_path, file.name, kind)
    assert [row["FEEDER"] for row in rows] == FEEDERS
    assert [float(row["HC_MW"]) for row in rows] == [1.5, 0.25]
    assert [vertices(row["wkb"]) for row in rows] == LINES


def test_a_kmz_is_a_kml_in_an_archive(tmp_path: Path) -> None:
    file = written(tmp_path, "kml")
    with zipfile.ZipFile(tmp_path / "feeders.kmz", "w") as zipped:
        zipped.write(file, "doc.kml")
        zipped.writestr("images/icon.png", b"no picture")
    assert [row["FEEDER"] for row in read(tmp_path, "feeders.kmz", "kml")] == FEEDERS


def test_places_in_another_system_are_brought_to_longitude_and_latitude(tmp_path: Path) -> None:
    from pyproj import Transformer

    to_utm = Transformer.from_crs(4326, 26919, always_xy=True)
    lines = [[to_utm.transform(*point) for point in line] for line in LINES]
    file = written(tmp_path, "gpkg", lines=lines, crs="EPSG:26919")
    assert [vertices(row["wkb"]) for row in read(tmp_path, file.name, "gpkg")] == LINES


def test_a_system_that_is_not_said_must_be_declared(tmp_path: Path) -> None:
    from pyproj import Transformer

    to_utm = Transformer.from_crs(4326, 26919, always_xy=True)
    lines = [[to_utm.transform(*point) for point in line] for line in LINES]
    file = written(tmp_path, "shapefile", lines=lines, crs="EPSG:26919")
    without(file, ".prj")
    with pytest.raises(BadAnswer, match="does not say its reference system"):
        read(tmp_path, file.name, "shapefile")
    rows = read(tmp_path, file.name, "shapefile", crs="EPSG:26919")
    assert [vertices(row["wkb"]) for row in rows] == LINES


def test_a_wrong_system_is_noticed(tmp_path: Path) -> None:
    file = written(tmp_path, "gpkg", lines=[[(x * 1e4, y * 1e4) for x, y in line] for line in LINES])
    with pytest.raises(BadAnswer, match="no coordinate is a longitude and latitude"):
        read(tmp_path, file.name, "gpkg")


def test_text_in_geojson_that_looks_like_a_date_or_a_number_stays_text(tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"D": "2022/10/01 00:00:00+00", "N": "0012", "L": ["A", "B"], "X": None, "B": True},
        "geometry": {"type": "Point", "coordinates": [0, 0, 12.5]},
    }
    content = {"type": "FeatureCollection", "features": [feature]}
    (tmp_path / "a.geojson").write_text(json.dumps(content))
    [row] = read(tmp_path, "a.geojson", "geojson")
    assert (row["D"], row["N"], json.loads(row["L"]), row["X"]) == (
        "2022/10/01 00:00:00+00",
        "0012",
        ["A", "B"],
        None,
    )
    assert row["wkb"] == struct.pack("<BIdd", 1, 1, 0, 0)


def test_one_of_several_layers_must_be_named(tmp_path: Path) -> None:
    written(tmp_path, "gpkg")
    pyogrio.raw.write(
        tmp_path / "feeders.gpkg", layer="other", append=True, driver="GPKG", crs="EPSG:4326",
        geometry=np.array([shapely.to_wkb(shapely.Point(1, 1))], dtype=object), geometry_type="Point",
        field_data=[np.array(["x"], dtype=object)], fields=["A"],
    )  # fmt: skip
    with pytest.raises(BadAnswer, match=r"2 layers; name one in the entry's file\.layer: feeders, other"):
        read(tmp_path, "feeders.gpkg", "gpkg")
    assert read(tmp_path, "feeders.gpkg", "gpkg", layer="other")[0]["A"] == "x"


def without(archive: Path, suffix: str) -> None:
    with zipfile.ZipFile(archive) as zipped:
        kept = {name: zipped.read(name) for name in zipped.namelist() if not name.endswith(suffix)}
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in kept.items():
            zipped.writestr(name, content)


def cut(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])


def shortened(archive: Path, suffix: str) -> None:
    """One part of a Shapefile without its last bytes, in a whole archive."""
    with zipfile.ZipFile(archive) as zipped:
        kept = {name: zipped.read(name) for name in zipped.namelist()}
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in kept.items():
            zipped.writestr(name, content[:-9] if name.endswith(suffix) else content)


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_is_cut_off_is_an_error(tmp_path: Path, kind: str, share: float) -> None:
    file = written(tmp_path, kind)
    cut(file, share)
    with pytest.raises(BadAnswer, match=f"{file.name}"):
        read(tmp_path, file.name, kind)


@pytest.mark.parametrize("suffix", [".shp", ".shx", ".dbf"])
@pytest.mark.parametrize("harm", [without, shortened])
def test_a_shapefile_whose_parts_are_missing_or_cut_off_is_an_error(
    tmp_path: Path, suffix: str, harm: Callable[[Path, str], None]
) -> None:
    file = written(tmp_path, "shapefile")
    harm(file, suffix)
    with pytest.raises(BadAnswer, match=r"lacks its|cut off|must hold one"):
        read(tmp_path, file.name, "shapefile")


@pytest.mark.parametrize("name", ["../../evil.shp", "/tmp/evil.shp", "C:\\evil.shp", "a\\..\\..\\evil.shp"])
def test_an_archive_that_would_write_elsewhere_is_not_unpacked(tmp_path: Path, name: str) -> None:
    file = written(tmp_path, "shapefile")
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(BadAnswer, match="leads out of the archive"):
        read(tmp_path, file.name, "shapefile")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    file = written(tmp_path, "shapefile")
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as zipped, zipped.open("inner/big.xml", "w") as big:
        for _ in range(200):
            big.write(bytes(1 << 20))
    with pytest.raises(BadAnswer, match=r"would unpack to 209,7.* bytes, as zip bombs do"):
        read(tmp_path, file.name, "shapefile")


def test_an_archive_of_very_many_files_is_not_unpacked(tmp_path: Path) -> None:
    file = written(tmp_path, "shapefile")
    with zipfile.ZipFile(file, "a") as zipped:
        for n in range(1_001):
            zipped.writestr(f"{n}.xml", b"")
    with pytest.raises(BadAnswer, match="more than 1,000"):
        read(tmp_path, file.name, "shapefile")


VRT = """<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/http://127.0.0.1:1/a.csv</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize("kind", [*DRIVERS, "csv", "xlsx"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (VRT.encode(), "a GDAL virtual file"),
        (b"\xef\xbb\xbf  " + VRT.encode(), "a GDAL virtual file"),
        (b"<html><body>Sign in</body></html>", "a web page"),
        (b"", "empty"),
        (b"  \n\n", "empty"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_name(
    tmp_path: Path, kind: str, content: bytes, said: str
) -> None:
    (tmp_path / "feeders.dat").write_bytes(content)
    with pytest.raises(BadAnswer, match=f"feeders.dat is {said}"):
        read(tmp_path, "feeders.dat", kind)


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("other", DRIVERS)
def test_a_format_is_never_taken_for_another(tmp_path: Path, kind: str, other: str) -> None:
    file = written(tmp_path, other)
    if kind != other:
        with pytest.raises(BadAnswer, match=r"and not|must hold one"):
            read(tmp_path, file.name, kind)


def test_a_kml_with_entities_of_its_own_is_not_read(tmp_path: Path) -> None:
    file = written(tmp_path, "kml")
    text = file.read_text().replace(
        "<kml", '<!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<kml', 1
    )
    file.write_text(text.replace("007", "&a;"))
    with pytest.raises(BadAnswer, match="defines XML entities"):
        read(tmp_path, file.name, "kml")


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW hidden AS SELECT * FROM feeders",
        "CREATE VIRTUAL TABLE hidden USING fts5(a)",
    ],
)
def test_a_geopackage_with_programs_in_it_is_not_read(tmp_path: Path, made: str) -> None:
    import sqlite3

    file = written(tmp_path, "gpkg")
    with sqlite3.connect(file) as database:
        database.execute(made)
    database.close()
    with pytest.raises(BadAnswer, match="'hidden'; only plain tables"):
        read(tmp_path, file.name, "gpkg")


def workbook(folder: Path, rows: list[list[Any]], sheets: tuple[str, ...] = ("Feeders",)) -> Path:
    book = Workbook()
    book.active.title = sheets[0]
    for row in rows:
        book.active.append(row)
    for name in sheets[1:]:
        book.create_sheet(name)
    book.save(folder / "feeders.xlsx")
    return folder / "feeders.xlsx"


def test_cells_of_a_workbook_are_texts_and_text_stays_as_it_is(tmp_path: Path) -> None:
    from datetime import date, datetime

    workbook(
        tmp_path,
        [["Hosting capacity"], [], ["FEEDER", "HC", "WHEN", "AT", "OPEN"],
         ["007", 1.5, date(2026, 3, 1), datetime.fromisoformat("2026-03-01 13:47"), True],
         ["8", 4, None, None, None], []],
    )  # fmt: skip
    assert read(tmp_path, "feeders.xlsx", "xlsx", header_line=3) == [
        {"FEEDER": "007", "HC": "1.5", "WHEN": "2026-03-01", "AT": "2026-03-01 13:47:00", "OPEN": "true"},
        {"FEEDER": "8", "HC": "4", "WHEN": None, "AT": None, "OPEN": None},
    ]


def test_one_of_several_sheets_must_be_named(tmp_path: Path) -> None:
    workbook(tmp_path, [["A"], ["1"]], ("Feeders", "Notes"))
    with pytest.raises(BadAnswer, match=r"2 sheets; name one in the entry's file\.layer: Feeders, Notes"):
        read(tmp_path, "feeders.xlsx", "xlsx")
    assert read(tmp_path, "feeders.xlsx", "xlsx", layer="Feeders") == [{"A": "1"}]


def test_a_workbook_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    cut(workbook(tmp_path, [["A"], *[[str(n)] for n in range(2_000)]]), 0.7)
    with pytest.raises(BadAnswer, match="cut off or damaged"):
        read(tmp_path, "feeders.xlsx", "xlsx")


def test_a_workbook_with_entities_of_its_own_is_not_read(tmp_path: Path) -> None:
    file = workbook(tmp_path, [["A"], ["1"]])
    with zipfile.ZipFile(file) as zipped:
        parts = {name: zipped.read(name) for name in zipped.namelist()}
    laughs = b'<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;">]>'
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in parts.items():
            zipped.writestr(name, laughs + content if name.startswith("xl/worksheets/") else content)
    with pytest.raises(BadAnswer, match=r"entities|no whole XLSX"):
        read(tmp_path, "feeders.xlsx", "xlsx")
