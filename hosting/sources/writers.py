"""The three file formats of `export`: each takes Arrow tables until it is closed.

`WRITERS` says which suffix means which. Places are WKB in EPSG:4326; a layer without places has no geometry
column.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from hosting.sources.layer import Layer

_KINDS = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")


def free(name: str, taken: Sequence[str]) -> str:
    """A column name that no field has, whatever its case: SQLite does not tell them apart."""
    folded = {other.lower() for other in taken}
    while name in folded:
        name += "_"
    return name


class Writer(Protocol):
    def __init__(self, path: Path, layer: Layer, columns: pa.Schema, geometry_name: str | None) -> None: ...
    def write(self, rows: pa.Table) -> None: ...
    def close(self) -> None: ...


class _GeoJSONSeq:
    """One feature a line (RFC 8142 where the suffix is .geojsons: a record separator before each)."""

    def __init__(self, path: Path, layer: Layer, columns: pa.Schema, geometry_name: str | None) -> None:
        self.file = path.open("wb")
        self.start = b"\x1e" if path.suffix.lower() == ".geojsons" else b""
        self.geometry_name, self.id_name = geometry_name, layer.object_id_field
        self.properties = [name for name in columns.names if name != geometry_name]

    def write(self, rows: pa.Table) -> None:
        shapes: Sequence[str | None] = [None] * rows.num_rows
        if self.geometry_name:
            shapes = shapely.to_geojson(_places(rows, self.geometry_name))
        for properties, shape in zip(rows.select(self.properties).to_pylist(), shapes, strict=True):
            feature = {
                "type": "Feature",
                **({"id": properties[self.id_name]} if self.id_name else {}),
                "properties": properties,
                "geometry": orjson.Fragment(shape) if shape else None,
            }
            self.file.write(self.start + orjson.dumps(feature, option=orjson.OPT_UTC_Z) + b"\n")

    def close(self) -> None:
        self.file.close()


class _GeoParquet:
    """GeoParquet 1.1; without a geometry, plain Parquet."""

    def __init__(self, path: Path, layer: Layer, columns: pa.Schema, geometry_name: str | None) -> None:
        self.writer = pq.ParquetWriter(path, columns, compression="zstd")
        self.writer.add_key_value_metadata({"source": layer.url})
        self.geometry_name = geometry_name
        self.kinds: set[int] = set()
        self.bounds: list[Any] = []

    def write(self, rows: pa.Table) -> None:
        if self.geometry_name:
            places = _places(rows, self.geometry_name)
            self.kinds |= set(shapely.get_type_id(places).tolist()) - {-1}
            if not np.all(shapely.is_missing(places)):
                self.bounds.append(shapely.total_bounds(places))
        self.writer.write_table(rows)

    def close(self) -> None:
        if self.geometry_name:
            column: dict[str, Any] = {
                "encoding": "WKB",
                # shapely's numbers: 2 is a LinearRing, which WKB does not have.
                "geometry_types": sorted(_KINDS[kind - (kind > 2)] for kind in self.kinds),
            }
            if self.bounds:
                west, south, *_ = np.min(self.bounds, axis=0).tolist()
                *_, east, north = np.max(self.bounds, axis=0).tolist()
                column["bbox"] = [west, south, east, north]
            geo = {
                "version": "1.1.0",
                "primary_column": self.geometry_name,
                "columns": {self.geometry_name: column},
            }
            self.writer.add_key_value_metadata({"geo": orjson.dumps(geo).decode()})
        self.writer.close()


class _GeoPackage:
    """One GeoPackage layer, appended to by GDAL, with a spatial index."""

    def __init__(self, path: Path, layer: Layer, columns: pa.Schema, geometry_name: str | None) -> None:
        self.path, self.geometry_name, self.begun = path, geometry_name, False
        self.layer = layer.name or path.stem
        self.options = {"FID": free("fid", columns.names)}
        if geometry_name:
            self.options["GEOMETRY_NAME"] = geometry_name

    def write(self, rows: pa.Table) -> None:
        pyogrio.write_arrow(
            rows,
            self.path,
            layer=self.layer,
            driver="GPKG",
            geometry_name=self.geometry_name,
            geometry_type="Unknown" if self.geometry_name else None,
            crs="EPSG:4326" if self.geometry_name else None,
            append=self.begun,
            layer_options={} if self.begun else self.options,
        )
        self.begun = True

    def close(self) -> None:
        """Each write ends by itself."""


def _places(rows: pa.Table, name: str) -> Any:
    return shapely.from_wkb(np.array(rows.column(name).to_pylist(), dtype=object))


WRITERS: dict[str, type[Writer]] = {
    ".geojsonl": _GeoJSONSeq,
    ".geojsons": _GeoJSONSeq,
    ".geojsonseq": _GeoJSONSeq,
    ".parquet": _GeoParquet,
    ".gpkg": _GeoPackage,
}
