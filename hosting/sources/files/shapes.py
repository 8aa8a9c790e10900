"""GeoJSON, GeoPackage, Shapefile and KML through GDAL, a batch at a time: texts and places in EPSG:4326.

GDAL is given a file of ours that `hostile` has looked at, never an address, and must find in it the format
that the entry names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FieldError, GeometryError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from hcportal.errors import BadAnswer
from hosting.sources.files.texts import Row
from utilities.spec_files import FileFeed

_DRIVERS = {
    "geojson": {"GeoJSON"},
    "gpkg": {"GPKG"},
    "shapefile": {"ESRI Shapefile"},
    "kml": {"LIBKML", "KML"},
}
# Text that looks like a date stays text, and lists stay as they are written.
_OPTIONS = {"geojson": {"DATE_AS_STRING": "YES", "ARRAY_AS_STRING": "YES"}}
_KINDS = {
    "Point": "esriGeometryPoint",
    "LineString": "esriGeometryPolyline",
    "Polygon": "esriGeometryPolygon",
}
_TROUBLE = (
    DataLayerError, DataSourceError, FieldError, GeometryError, pa.ArrowException, RuntimeError, ValueError,
    OSError,
)  # fmt: skip
# In no case does GDAL ask another server.
pyogrio.set_gdal_config_options({"CPL_VSIL_CURL_ALLOWED_FILENAME": "/nowhere", "GDAL_HTTP_MAX_RETRY": "0"})


@dataclass(frozen=True)
class Shapes:
    """An opened layer: its columns, Esri's name for its kind of geometry, its reference system."""

    path: Path
    layer: str
    names: tuple[str, ...]
    kind: str | None
    crs: str
    count: int | None


def open_shapes(path: Path, feed: FileFeed, named: str) -> Shapes:
    """Look at the layer. Raises BadAnswer."""
    try:
        layers = [str(name) for name, _kind in pyogrio.list_layers(path)]
        wanted = feed.layer if feed.layer and feed.format != "shapefile" else ""
        wanted = wanted or (layers[0] if len(layers) == 1 else "")
        if wanted not in layers:
            which = f"no layer '{feed.layer}'" if feed.layer else f"{len(layers)} layers"
            raise BadAnswer(f"{named} has {which}; name one in the entry's file.layer: {', '.join(layers)}.")
        info = pyogrio.read_info(
            path, layer=wanted, force_feature_count=True, **_OPTIONS.get(feed.format, {})
        )
    except _TROUBLE as problem:
        raise _damaged(named, problem) from problem
    if info["driver"] not in _DRIVERS[feed.format]:
        raise BadAnswer(f"{named} is {info['driver']}, and not {feed.format} as its entry says.")
    kind = str(info["geometry_type"] or "").split(" ")[0].removeprefix("2.5D").removeprefix("Multi")
    declared = feed.crs or info["crs"] or ""
    if not declared and info["geometry_type"]:
        raise BadAnswer(
            f"{named} does not say its reference system; name it in the entry: file.crs: EPSG:26918."
        )
    fields = tuple(str(name) for name in info["fields"])
    return Shapes(path, wanted, fields, _KINDS.get(kind), declared, int(info["features"]))


def batches(
    shapes: Shapes, feed: FileFeed, named: str, *, rows: int
) -> Iterator[tuple[list[Row], list[bytes | None]]]:
    """Texts and WKB of all rows. Raises BadAnswer where they end before the layer does."""
    to_4326 = _Reprojection(shapes.crs, named)
    done = 0
    options = _OPTIONS.get(feed.format, {})
    try:
        with pyogrio.open_arrow(
            shapes.path, layer=shapes.layer, use_pyarrow=True, batch_size=rows, **options
        ) as (meta, reader):
            place = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                names = set(batch.schema.names)
                columns = [batch.column(name).to_pylist() for name in shapes.names]
                texts: list[Row] = [[_text(value) for value in row] for row in zip(*columns, strict=True)]
                texts = texts or [[] for _ in range(batch.num_rows)]
                wkb = batch.column(place).to_pylist() if place in names else [None] * batch.num_rows
                done += batch.num_rows
                yield texts, to_4326.wkb(wkb)
    except _TROUBLE as problem:
        raise _damaged(named, problem) from problem
    if done != shapes.count:
        raise BadAnswer(f"{named} gave {done:,} of {shapes.count:,} rows; it is cut off or damaged.")


class _Reprojection:
    """Places as they are in the file to two-dimensional WKB in EPSG:4326."""

    def __init__(self, declared: str, named: str) -> None:
        self._named = named
        self._transformer = None
        try:
            crs = CRS.from_user_input(declared) if declared else None
            if crs is not None and not crs.equals(CRS.from_epsg(4326), ignore_axis_order=True):
                self._transformer = Transformer.from_crs(crs, 4326, always_xy=True)
        except (CRSError, ProjError) as problem:
            raise BadAnswer(f"{named}: its reference system cannot be understood ({problem}).") from problem
        self._looked = False

    def wkb(self, published: list[bytes | None]) -> list[bytes | None]:
        places = shapely.force_2d(shapely.from_wkb(np.array(published, dtype=object)))
        places[shapely.is_empty(places)] = None
        if self._transformer is not None:
            transformer = self._transformer
            places = shapely.transform(places, transformer.transform, interleaved=False)
        self._check(places)
        written: list[bytes | None] = shapely.to_wkb(places, byte_order=1).tolist()
        return written

    def _check(self, places: Any) -> None:
        """Once, on the first places: none of them on earth means that the system is another than declared."""
        bounds = shapely.bounds(places[~shapely.is_missing(places)])
        if self._looked or not len(bounds):
            return
        self._looked = True
        on_earth = (np.abs(bounds[:, [0, 2]]) <= 180).all(axis=1) & (np.abs(bounds[:, [1, 3]]) <= 90).all(
            axis=1
        )
        if not on_earth.any():
            raise BadAnswer(
                f"{self._named}: no coordinate is a longitude and latitude; its reference system is another "
                "than it says. Name the right one in the entry: file.crs: EPSG:26918."
            )


def _text(value: Any) -> str | None:  # noqa: PLR0911 - one for each kind of value
    """A value as bronze keeps it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return None  # a file within a cell
    return orjson.dumps(value, default=str).decode()


def _damaged(named: str, problem: Exception) -> BadAnswer:
    return BadAnswer(
        f"{named} cannot be read ({str(problem)[:300]}); it is cut off, damaged or another format."
    )
